"""Each check of quality is seen to fire, and seen to keep silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from assay.report.inference.analysis import Analysis, Compared, Estimate, analyse
from assay.report.judgement import quality
from assay.report.judgement.published_verdicts import Verdict
from assay.report.judgement.quality import CHECKS, Evidence, Finding, findings, marks
from assay.report.results import compression
from assay.report.results.collect import UNCOMMITTED, Epoch, FoldItems, Sheet, Variant
from assay.report.results.published import Published
from assay.report.results.summaries import Summary
from assay.report.results.trials import Tuning
from tests.report.made_up import TASK, summaries_of

UNIQUE = {"column": "splits_with_hash", "success": True, "observed": "0 of 7000 rows are bad"}
COUNTS = {"train": 5400, "validation": 600, "test": 1000}
SHEET = Sheet(
    "digits", {"twin": False, "licence": "made up"}, {"counts": COUNTS}, {"expectations": [UNIQUE]}, (), ""
)
VALUE = Published(
    value=0.97, quoted_metric="accuracy", quoted_value=0.97, model="m", protocol="p", source_url="u",
    seen_at_source=True, comparable=True, margin=0.005, why="w",
)  # fmt: skip
NOTHING = Analysis({}, {}, {}, (), {}, {})


@dataclass
class Case:
    """Nothing is wrong with it: a control, a model without a seed and one with three."""

    folder: Path
    evidence: Evidence = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = Evidence(TASK, SHEET, self.summaries(), NOTHING, {}, [])

    def summaries(self, **scores: float | None) -> list[Summary]:
        """Return summaries of majority, rbf_svm and cnn (``cnn_1`` is its seed 1), with these scores changed."""
        usual = {"majority_0": 0.1, "rbf_svm_0": 0.93, "cnn_0": 0.97, "cnn_1": 0.96, "cnn_2": 0.98} | scores
        keys = [(name.rpartition("_")[0], int(name.rpartition("_")[2]), "none") for name in usual]
        return summaries_of(self.folder, dict(zip(keys, usual.values(), strict=True)))

    def changed(self, model: str, **more: Any) -> list[Summary]:
        """Return the summaries with fields of one model's variants changed."""
        return [
            replace(each, variants=tuple(replace(variant, **more) for variant in each.variants))
            if each.model.name == model
            else each
            for each in self.evidence.summaries
        ]

    def found(self, kind: str, **more: Any) -> list[Finding]:
        """Return what one check finds if this of the evidence is changed."""
        evidence = replace(self.evidence, **more)
        return [finding for finding in findings([evidence]) if finding.kind == kind]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def estimates(low: float, high: float, model: str = "cnn", method: str = "none") -> Analysis:
    mean, items = (low + high) / 2, ((high - low) / 4) ** 2
    return replace(NOTHING, estimates={(model, method): Estimate(mean, low, high, 3, "items", items)})


def pair(better: str, worse: str, difference: float, separable: bool) -> Compared:
    return Compared(better, worse, difference, 0.0, 1.0, 0.5, 0.5, separable, "McNemar", None, None)


def test_nothing_is_found_where_nothing_is_wrong(case: Case) -> None:
    assert findings([case.evidence]) == []


def prepared(**more: Any) -> dict[str, Any]:
    """Return the evidence with this in the record of the preparation."""
    return {"sheet": replace(SHEET, prepared={**SHEET.prepared, **more})}


def expected(column: str) -> dict[str, Any]:
    """Return the evidence with an expectation of this column that the data do not meet."""
    bad = {"expectation": "expect_in_range", "column": column, "success": False, "observed": "4 rows are bad"}
    return {"sheet": replace(SHEET, validation={"expectations": [UNIQUE, bad]})}


def row(**more: Any) -> dict[str, Any]:
    """Return the evidence with one compressed model in its table."""
    usual = {"model": "cnn", "method": "int8", "lost": 0.03, "max_relative_drop": 0.01, "verdict": "within",
             "gain": "size", "baseline": "onnx"}  # fmt: skip
    return {"compression": [usual | more]}


def phases(case: Case, model: str, **data: str) -> list[Summary]:
    """Return the summaries with digests of the prepared data that one model was evaluated on."""
    return [
        replace(
            each,
            variants=tuple(
                replace(
                    variant,
                    phases=(
                        *variant.phases[:-1],
                        replace(
                            variant.phases[-1], data=data if each.model.name == model else {"items": "a"}
                        ),
                    ),
                )
                for variant in each.variants
            ),
        )
        for each in case.evidence.summaries
    ]


def epochs(losses: list[float], watched: list[float]) -> tuple[Epoch, ...]:
    pairs = zip(losses, watched, strict=True)
    return tuple(Epoch(number, loss, loss, score) for number, (loss, score) in enumerate(pairs))


def equal_seeds(case: Case) -> list[Summary]:
    return case.changed("cnn", metrics={"test": {"accuracy": 0.97}})


STUCK = ((5, 0), (5, 0))
"""Rows are the true class: everything is predicted as the first class."""
GAP = replace(
    NOTHING,
    estimates={("cnn", "none"): Estimate(0.97, 0.95, 0.99, 3, "items", 1e-4)},
    neighbours=(Compared("cnn", "rbf_svm", 0.01, 0.0, 1.0, 0.5, 0.5, False, "McNemar"),),
)
FIRES: dict[str, Callable[[Case], dict[str, Any]]] = {
    "not above control": lambda case: {"summaries": case.summaries(rbf_svm_0=0.05)},
    "no control": lambda case: {"summaries": case.summaries(majority_0=None)},
    "leak": lambda _: expected("splits_with_hash"),
    "upstream's split unused": lambda _: prepared(split={"items": {"test": {"train": 9}}}),
    "beyond optimum": lambda _: {
        "task": replace(TASK, optimum=0.9), "analysis": replace(GAP, neighbours=())
    },
    "gap within interval": lambda _: {"analysis": GAP},
    "several hosts": lambda case: {"summaries": case.changed("rbf_svm", host="another")},
    "failed seeds": lambda case: {"summaries": case.summaries(cnn_1=None)},
    "validation far above test": lambda case: {
        "summaries": case.changed("rbf_svm", metrics={"test": {"accuracy": 0.8}, "validation": {"accuracy": 0.99}}),
        "analysis": replace(NOTHING, estimates={("rbf_svm", "none"): Estimate(0.8, 0.79, 0.81, 1, "items", 1e-6)}),
    },
    "few seeds": lambda case: {"summaries": case.summaries(mlp_0=0.9)},
    "no predictions": lambda _: {"analysis": replace(NOTHING, reasons={("cnn", "none", "1"): "no file"})},
    "uncommitted changes": lambda case: {
        "summaries": case.changed("cnn", commits=frozenset({f"0123{UNCOMMITTED}"}))
    },
    "several commits": lambda case: {"summaries": case.changed("cnn", commits=frozenset({"4567"}))},
    "twin": lambda _: {"sheet": replace(SHEET, source={**SHEET.source, "twin": True})},
    "over budget": lambda _: row(verdict="beyond"),
    "chosen after test": lambda _: {"tuning": [Tuning(TASK.name, "cnn", "none", 3, True, True, ())]},
    "not checked at source": lambda _: {
        "published": {"cnn": VALUE.model_copy(update={"seen_at_source": False})}
    },
    "budget undecided": lambda _: row(verdict="undecided"),
    "no gain": lambda _: row(gain="no gain"),
    "no baseline": lambda _: row(gain="", baseline=""),
    "below published": lambda _: {"verdicts": {"cnn": Verdict("below", "2 points worse", 0.01, 0.02, True)}},
    "few units": lambda _: {"analysis": replace(NOTHING, num_units=40)},
    "perfect score": lambda case: {"summaries": case.summaries(rbf_svm_0=1.0)},
    "one class": lambda case: {"summaries": case.changed("cnn", confusion=STUCK)},
    "overfitted": lambda case: {
        "summaries": case.changed("cnn", history=epochs([1.0, 0.4, 0.5, 0.7], [0.5, 0.9, 0.9, 0.9]))
    },
    "still improving": lambda case: {
        "summaries": case.changed("cnn", history=epochs([1.0, 0.8, 0.6, 0.4], [0.2, 0.4, 0.6, 0.8]))
    },
    "fewer training items": lambda case: {"summaries": case.changed("cnn", train_items=6000)},
    "class missing": lambda _: prepared(class_counts={"train": [10, 0]}, classes=["cat", "dog"]),
    "imbalanced": lambda _: prepared(class_counts={"test": [970, 30]}),
    "many dropped": lambda _: prepared(dropped=[{"reason": "empty", "split": "train", "count": 4000}]),
    "seeds without effect": lambda case: {"summaries": equal_seeds(case)},
    "several versions": lambda case: {"summaries": case.changed("cnn", versions={"torch": "2.12.0"})},
    "expectation failed": lambda _: expected("label"),
    "other data": lambda case: {"summaries": phases(case, "cnn", items="b")},
    "no licence": lambda _: {"sheet": replace(SHEET, source={"twin": False, "homepage": "u"})},
}  # fmt: skip


@pytest.mark.parametrize("kind", CHECKS)
def test_each_check_fires_where_something_is_wrong_and_is_silent_where_nothing_is(
    case: Case, kind: str
) -> None:
    assert case.found(kind) == []
    found = case.found(kind, **FIRES[kind](case))
    assert found
    assert {each.code for each in found} == {CHECKS[kind].code}
    assert {each.severity for each in found} <= set(quality.SEVERITIES)


def test_every_check_has_a_code_of_its_own_a_reason_and_a_remedy() -> None:
    assert set(FIRES) == set(CHECKS)
    codes = [check.code for check in CHECKS.values()]
    assert codes == [f"Q{number:02d}" for number in range(1, len(codes) + 1)]
    assert len(codes) >= 30
    texts = [text for check in CHECKS.values() for text in (check.reason, check.remedy)]
    assert all(texts)
    assert not any(text.endswith(".") for text in texts)  # the page adds the full stop


def test_the_codes_are_documented() -> None:
    page = Path("docs/reading-the-report.md").read_text(encoding="utf-8")
    assert [kind for kind, check in CHECKS.items() if f"| {check.code} | {kind} |" not in page] == []


def test_a_model_below_its_control(case: Case) -> None:
    (found,) = case.found("not above control", summaries=case.summaries(rbf_svm_0=0.1))
    assert found.severity == "serious"
    assert found.text == "rbf_svm: 10.00% is not better than the control majority, 10.00%"
    assert found.places == (("rbf_svm", "none"),)


def test_a_model_that_passes_its_control_by_chance(case: Case) -> None:
    tied = replace(NOTHING, ties={"rbf_svm": ("cnn", "majority"), "cnn": ("rbf_svm",)})
    (found,) = case.found("not above control", analysis=tied)
    assert (found.severity, found.model) == ("warning", "rbf_svm")
    assert found.text == "rbf_svm: 93.00% is not significantly better than majority"


def test_where_less_is_better_the_control_is_the_lowest(case: Case) -> None:
    task = replace(TASK, direction="minimise")
    upside_down = [replace(each, task=task) for each in case.evidence.summaries]
    found = case.found("not above control", task=task, summaries=upside_down)
    assert [each.model for each in found] == ["rbf_svm", "cnn"]


def test_a_task_without_a_finished_control(case: Case) -> None:
    (found,) = case.found("no control", summaries=case.summaries(majority_0=None))
    assert (found.severity, found.places) == ("warning", (("", ""),))
    assert case.found("no control", summaries=[]) == []


def test_a_leak_that_validation_found(case: Case) -> None:
    bad = {**UNIQUE, "success": False, "observed": "4 of 7000 rows are bad"}
    (found,) = case.found("leak", sheet=replace(SHEET, validation={"expectations": [bad]}))
    assert (found.severity, found.places) == ("serious", (("", ""),))
    assert found.text == "items of digits occur in two splits: 4 of 7000 rows are bad"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("splits_with_group", "groups of digits occur in two splits: 4 rows"),
        (
            "held_out_before",
            "training items of digits are not earlier than those held out: 4 rows",
        ),
    ],
)
def test_a_leak_by_groups_or_in_time(case: Case, column: str, text: str) -> None:
    bad = {**UNIQUE, "column": column, "success": False, "observed": "4 rows"}
    (found,) = case.found("leak", sheet=replace(SHEET, validation={"expectations": [UNIQUE, bad]}))
    assert (found.severity, found.text) == ("serious", text)


def test_a_leak_that_nobody_looked_for(case: Case) -> None:
    (found,) = case.found("leak", sheet=replace(SHEET, validation={}))
    assert found.severity == "warning"


def test_a_leak_that_was_dropped(case: Case) -> None:
    dropped = [
        {"reason": "also in test, with another label", "split": "train", "count": 1200, "items": []},
        {"reason": "same text as an earlier item of the split", "split": "train", "count": 3, "items": []},
    ]
    (found,) = case.found("leak", sheet=replace(SHEET, prepared={**SHEET.prepared, "dropped": dropped}))
    assert found.severity == "note"
    assert found.text.endswith("1,200 items of train were dropped: also in test, with another label")


@pytest.mark.parametrize(
    ("named", "used", "severity", "text"),
    [
        ("validation", "train", "serious", "1,200 of upstream's validation items of digits are trained on"),
        ("test", "train", "serious", "1,200 of upstream's test items of digits are trained on"),
        ("validation", "test", "warning", "1,200 of upstream's validation items of digits are in test"),
        ("test", "validation", "warning", "1,200 of upstream's test items of digits are in validation"),
    ],
)
def test_items_that_upstream_holds_out(case: Case, named: str, used: str, severity: str, text: str) -> None:
    items = {named: {named: 10, used: 1200}, "train": {"train": 5400, "validation": 600, "test": 100}}
    (found,) = case.found(
        "upstream's split unused",
        sheet=replace(SHEET, prepared={**SHEET.prepared, "split": {"items": items}}),
    )
    assert (found.severity, found.text, found.places) == (severity, text, (("", ""),))


def test_upstreams_split_is_used(case: Case) -> None:
    items = {split: {each: 9 * (each == split) for each in ("train", "validation", "test")}
             for split in ("train", "validation", "test")}  # fmt: skip
    sheet = replace(SHEET, prepared={**SHEET.prepared, "split": {"items": items}})
    assert case.found("upstream's split unused", sheet=sheet) == []


@pytest.mark.parametrize(
    ("direction", "low", "high", "fires"),
    [
        ("maximise", 0.951, 0.97, True),
        ("maximise", 0.949, 0.97, False),
        ("minimise", 0.93, 0.949, True),
        ("minimise", 0.93, 0.951, False),
    ],
)
def test_better_than_the_optimum_beyond_the_interval(
    case: Case, direction: str, low: float, high: float, fires: bool
) -> None:
    task = replace(TASK, direction=direction, optimum=0.95)
    found = case.found("beyond optimum", task=task, analysis=estimates(low, high, "cnn", "int8"))
    assert [(each.severity, each.model, each.method) for each in found] == [
        ("serious", "cnn", "int8")
    ] * fires


@pytest.mark.parametrize(
    ("difference", "separable", "fires"), [(0.01, False, True), (0.01, True, False), (0.04, False, False)]
)
def test_a_gap_smaller_than_the_interval_beside_it(
    case: Case, difference: float, separable: bool, fires: bool
) -> None:
    analysis = replace(
        estimates(0.95, 0.99), neighbours=(pair("cnn", "rbf_svm", difference, separable),)
    )  # plus or minus 2 points
    found = case.found("gap within interval", analysis=analysis)
    assert [(each.severity, each.places) for each in found] == [("note", (("cnn", "none"),))] * fires
    if fires:
        assert found[0].text.endswith(
            "1 of 1 differences between adjacent models are not significant: cnn over rbf_svm"
        )


def test_times_of_different_hosts(case: Case) -> None:
    (found,) = case.found("several hosts", summaries=case.changed("rbf_svm", host="another"))
    assert (found.severity, found.places) == ("warning", (("rbf_svm", "none"),))
    assert found.text == "times were measured on 2 hosts; rbf_svm not on the most common one but on another"


def test_a_seed_that_fell_out(case: Case) -> None:
    (found,) = case.found("failed seeds", summaries=case.summaries(cnn_1=None))
    assert (found.severity, found.model, found.method, found.seed) == ("warning", "cnn", "none", "1")
    assert found.text == "cnn: 2 of 3 seeds finished; seed 1 failed"
    (found,) = case.found("failed seeds", summaries=case.summaries(rbf_svm_0=None))
    assert found.text == "rbf_svm: 0 of 1 seeds finished; seed 0 failed"


def test_a_compressed_seed_falls_out_by_itself_only(case: Case, tmp_path: Path) -> None:
    scores = {(model, 0, method): 0.9 for model in ("mlp", "cnn") for method in ("none", "int8")}
    scores |= dict.fromkeys([("cnn", 0, "none"), ("cnn", 0, "int8")], None)
    plain, compressed = "none", "int8"
    summaries = summaries_of(tmp_path, dict(scores))
    found = case.found("failed seeds", summaries=summaries)
    assert [(each.model, each.method) for each in found] == [("cnn", plain)]
    for status, places in (
        ("timed out", [("mlp", compressed), ("cnn", plain)]),
        ("skipped", [("cnn", plain)]),
    ):
        ended = [
            replace(each, variants=(replace(each.variants[0], status=status, phase="compress"),))
            if (each.model.name, each.method) == ("mlp", compressed)
            else each
            for each in summaries
        ]
        assert [each.places[0] for each in case.found("failed seeds", summaries=ended)] == places


def with_validation(better: float) -> Callable[[Variant], Variant]:
    def change(variant: Variant) -> Variant:
        test = variant.metrics["test"]["accuracy"]
        return replace(variant, metrics={**variant.metrics, "validation": {"accuracy": test + better}})

    return change


@pytest.mark.parametrize(("better", "fires"), [(0.10, True), (0.03, False), (-0.10, False)])
def test_validation_far_above_test(case: Case, better: float, fires: bool) -> None:
    change = with_validation(better)
    summaries = [
        replace(each, variants=tuple(map(change, each.variants))) for each in case.evidence.summaries
    ]
    found = case.found("validation far above test", summaries=summaries, analysis=estimates(0.955, 0.985))
    assert [(each.severity, each.places) for each in found] == [("warning", (("cnn", "none"),))] * fires
    if fires:
        assert (
            found[0].text
            == "cnn: validation is 10.00 points better than test, more than 1.94 points plus chance"
        )


def test_validation_above_test_within_the_noise_of_seeds(case: Case) -> None:
    differing = iter((0.25, 0.0, 0.05))
    summaries = [
        replace(each, variants=tuple(with_validation(next(differing))(variant) for variant in each.variants))
        for each in case.evidence.summaries
        if each.model.name == "cnn"
    ]
    analysis = estimates(0.955, 0.985)
    assert case.found("validation far above test", summaries=summaries, analysis=analysis) == []


def test_validation_better_than_test_where_less_is_better(case: Case) -> None:
    task = replace(TASK, direction="minimise")
    change = with_validation(-0.10)
    summaries = [
        replace(each, task=task, variants=tuple(map(change, each.variants)))
        for each in case.evidence.summaries
    ]
    analysis = estimates(0.955, 0.985)
    assert case.found("validation far above test", task=task, summaries=summaries, analysis=analysis)


def test_fewer_seeds_than_three(case: Case) -> None:
    (found,) = case.found("few seeds", summaries=case.summaries(mlp_0=0.9, cnn_2=None))
    assert (found.severity, found.places) == ("warning", (("cnn", "none"), ("mlp", "none")))
    assert found.text == "fewer than 3 seeds: cnn, mlp"


def test_answers_that_could_not_be_used(case: Case) -> None:
    reasons = {
        ("cnn", "none", "1"): "no file",
        ("cnn", "none", "2"): "no file",
        ("mlp", "int8", "0"): "other items",
    }
    (found,) = case.found("no predictions", analysis=replace(NOTHING, reasons=reasons))
    assert (found.severity, found.places) == ("warning", (("cnn", "none"), ("mlp", "int8")))
    assert found.text == "no interval and no rank: cnn, mlp; no file, other items"


def test_uncommitted_changes(case: Case) -> None:
    summaries = case.changed("cnn", commits=frozenset({f"0123{UNCOMMITTED}"}))
    (found,) = case.found("uncommitted changes", summaries=summaries)
    assert (found.severity, found.text) == ("warning", "made with uncommitted changes: cnn")
    assert found.places == (("cnn", "none"),)


def test_results_of_several_commits(case: Case) -> None:
    (found,) = case.found("several commits", summaries=case.changed("cnn", commits=frozenset({"4567"})))
    assert (found.severity, found.places) == ("note", (("", ""),))


def test_a_twin(case: Case) -> None:
    (found,) = case.found("twin", sheet=replace(SHEET, source={**SHEET.source, "twin": True}))
    assert (found.severity, found.places) == ("warning", (("", ""),))


@pytest.mark.parametrize(("after", "fires"), [(0.85, True), (0.965, False)])
def test_a_compressed_model_over_its_budget(case: Case, tmp_path: Path, after: float, fires: bool) -> None:
    scores = {("majority", 0, "none"): 0.1, ("cnn", 0, "none"): 0.97, ("cnn", 0, "prune"): after}
    summaries = summaries_of(tmp_path, dict(scores))
    rows = compression.compared(summaries, TASK, analyse(summaries, TASK).budgets)
    found = case.found("over budget", compression=rows)
    assert [(each.severity, each.model, each.method) for each in found] == [
        ("warning", "cnn", "prune")
    ] * fires
    if fires:
        assert (
            found[0].text
            == "cnn, prune: lost 12.4% of its test score, significantly more than 1.0%, which is allowed"
        )


def test_settings_that_were_chosen_after_a_test_score_was_seen(case: Case) -> None:
    tuning = [
        Tuning(TASK.name, "cnn", "none", 3, True, True, ()),
        Tuning(TASK.name, "rbf_svm", "none", 3, True, False, ()),
    ]
    (found,) = case.found("chosen after test", tuning=tuning)
    assert (found.severity, found.places) == ("warning", (("cnn", "none"),))
    assert found.text.startswith("cnn: settings were chosen after a test score had been seen")
    assert (
        case.found(
            "chosen after test", tuning=tuning, sheet=replace(SHEET, source={**SHEET.source, "twin": True})
        )
        == []
    )


def test_a_published_value_not_read_at_its_source(case: Case) -> None:
    elsewhere = VALUE.model_copy(update={"seen_at_source": False})
    other = VALUE.model_copy(update={"seen_at_source": False, "metric": "bleu"})
    (found,) = case.found(
        "not checked at source", published={"cnn": elsewhere, "rbf_svm": VALUE, "lstm": elsewhere}
    )
    assert (found.severity, found.places) == ("note", (("cnn", "none"),))
    assert case.found("not checked at source", published={"cnn": other, "rbf_svm": VALUE}) == []


def test_the_most_severe_come_first_and_mark_their_numbers(case: Case) -> None:
    evidence = replace(
        case.evidence,
        summaries=case.summaries(mlp_0=0.05, cnn_2=None),
        sheet=replace(SHEET, source={**SHEET.source, "twin": True}),
        published={"mlp": VALUE.model_copy(update={"seen_at_source": False})},
    )
    found = findings([evidence])
    severities = [each.severity for each in found]
    assert severities == sorted(severities, key=quality.SEVERITIES.index)
    assert {each.task for each in found} == {"digits"}
    kinds = {place: [each.kind for each in each_found] for place, each_found in marks(found).items()}
    assert kinds == {
        ("digits", "mlp", "none"): ["not above control", "few seeds", "not checked at source"],
        ("digits", "cnn", "none"): ["failed seeds", "few seeds"],
        ("digits", "", ""): ["twin"],
    }


def test_long_lists_are_cut() -> None:
    assert quality._some(["a", "b", "c"]) == "a, b, c"
    assert quality._some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_each_fold_has_data_of_its_own_and_is_compared_within_itself(case: Case) -> None:
    on_folds = replace(TASK, folds={str(seed): FoldItems(f"fold{seed}", 8, 2) for seed in range(3)})

    def evaluated(**other: str) -> list[Summary]:
        """Return cnn and rbf_svm on three folds, with other data of one model's fold."""
        keys = [(model, seed, "none") for model in ("cnn", "rbf_svm") for seed in range(3)]
        return [
            replace(
                each,
                variants=tuple(
                    replace(
                        run,
                        phases=(
                            *run.phases[:-1],
                            replace(
                                run.phases[-1], data={"items": other.get(f"{run.model}_{run.seed}", run.seed)}
                            ),
                        ),
                    )
                    for run in each.variants
                ),
            )
            for each in summaries_of(case.folder, dict.fromkeys(keys, 0.9), on_folds)
        ]

    assert case.found("other data", task=on_folds, summaries=evaluated()) == []
    [found] = case.found("other data", task=on_folds, summaries=evaluated(rbf_svm_1="other"))
    assert found.at == (("rbf_svm", "none"),)
