"""Models across tasks, compared with the examples of the methods' papers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from assay.report.inference import across, task_scores
from assay.report.results.collect import Model, Task
from assay.report.results.summaries import Summary
from tests.report import made_up

# Demšar, JMLR 2006, table 6: areas under the ROC curve on 14 datasets. The two that are equal after rounding on
# "voting" have ranks 2 and 3 there.
DEMSAR = {
    "C4.5": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.000, 0.940, 0.619, 0.972, 0.957],
    "C4.5+m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.000, 0.962, 0.666, 0.981, 0.978],
    "C4.5+cf": [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.000, 0.965, 0.614, 0.9751, 0.946],
    "C4.5+m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.000, 0.962, 0.669, 0.975, 0.970],
}  # fmt: skip


def demsar() -> tuple[dict[str, dict[str, np.ndarray]], list[str]]:
    tasks = [f"dataset {number}" for number in range(14)]
    scores = {
        name: {task: np.array([value]) for task, value in zip(tasks, values, strict=True)}
        for name, values in DEMSAR.items()
    }
    return scores, tasks


def test_mean_ranks_and_critical_difference_of_demsar() -> None:
    ranking = across.rank(*demsar())
    assert ranking is not None
    assert ranking.models == ("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")
    assert ranking.ranks == pytest.approx([1.964, 2.000, 2.893, 3.143], abs=5e-4)
    assert ranking.critical_difference == pytest.approx(1.25, abs=5e-3)
    assert ranking.cliques == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)  # "not powerful enough"
    # There the statistic is 9.28 without the correction for ties that SciPy makes: 78 of 14 (4^3 - 4) are tied.
    assert ranking.p == pytest.approx(chi2.sf(9.28 / (1 - 78 / (14 * 60)), 3), rel=0.01)


@pytest.mark.parametrize(
    ("models", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)]
)
def test_critical_values_of_demsar(models: int, quantile: float) -> None:
    """Table 5 (a), at 0.05."""
    found = across.critical_difference(models, 20)
    assert found == pytest.approx(quantile * np.sqrt(models * (models + 1) / 120), rel=5e-4)


def test_cliques_are_the_largest_and_may_overlap() -> None:
    ranks = np.array([1.0, 1.8, 2.5, 5.0])
    assert across._cliques("abcd", ranks, 1.0) == (("a", "b"), ("b", "c"))
    assert across._cliques("abcd", ranks, 1.6) == (("a", "b", "c"),)
    assert across._cliques("abcd", ranks, 0.5) == ()
    assert across._cliques("abcd", ranks, 9.0) == (("a", "b", "c", "d"),)


def compared(
    scores: dict[str, dict[str, np.ndarray]], ours: tuple[str, ...], theirs: tuple[str, ...]
) -> across.Improvement:
    """Return the only statement of a report, on two families."""
    tasks = tuple(scores[ours[0]])
    sides = across.Sides("ours", "theirs", ours, theirs, tasks)
    return across.improvement(scores, sides, task_scores.draw_runs(scores, {}), 1)


def test_probability_of_improvement_of_rliable() -> None:
    """tests/rliable/metrics_test.py of https://github.com/google-research/rliable: of x over y it is 1 in 3."""
    x, y = np.array([[1, 2], [2, 2], [1, 1], [2, 1]]), np.array([[1, 1], [2, 2], [3, 3]])
    scores = {name: dict(zip("ab", runs.T.astype(float), strict=True)) for name, runs in (("x", x), ("y", y))}
    found = compared(scores, ("x",), ("y",))
    assert (found.better, found.worse, found.probability) == ("theirs", "ours", pytest.approx(2 / 3))
    assert found.low == 0
    assert found.high == 1  # two tasks say nothing
    assert found.is_even
    turned = compared(scores, ("y",), ("x",))
    assert (turned.better, turned.probability, turned.low, turned.high) == (
        "ours", found.probability, found.low, found.high
    )  # fmt: skip


def test_equal_runs_are_a_draw() -> None:
    scores = {name: {"a": np.array([0.5, 0.5])} for name in "xy"}
    found = compared(scores, ("x",), ("y",))
    assert found.probability == 0.5
    assert found.is_even


def family(
    rng: np.random.Generator, names: str, gain: float, tasks: int, own: float = 0.5
) -> dict[str, dict[str, np.ndarray]]:
    """Return three runs of each model; models differ in general, with the deviation ``own``, and on every task."""
    return {
        name: {
            f"task {task}": general + rng.normal(0, 1) + rng.normal(0, 0.5, 3)
            for task in range(tasks)
        }
        for name in names
        for general in [gain + rng.normal(0, own)]
    }  # fmt: skip


@pytest.mark.parametrize(("names", "tasks", "own"), [("ab", 30, 3), ("abcd", 5, 0.5), ("abcd", 12, 3)])
def test_of_equal_families_at_most_a_twentieth_gets_a_statement(names: str, tasks: int, own: float) -> None:
    """The bootstrap by itself made one of 11% for two models each that differ more than tasks do."""
    rng = np.random.default_rng(0)
    number, wrong = 40, 0
    for _ in range(number):
        theirs = names.upper()
        scores = family(rng, names, 0, tasks, own) | family(rng, theirs, 0, tasks, own)
        wrong += not compared(scores, tuple(names), tuple(theirs)).is_even
    assert wrong / number <= 0.05


def test_a_family_that_is_better_everywhere_gets_a_statement_with_enough_tasks() -> None:
    rng = np.random.default_rng(0)
    scores = family(rng, "abcd", 6, 12) | family(rng, "ABCD", 0, 12)
    found = compared(scores, tuple("abcd"), tuple("ABCD"))
    assert found.low > 0.5
    assert found.probability > 0.99
    assert found.high == 1


def summaries(
    root: Path, scores: dict[str, dict[str, list[float]]], direction: str = "maximise"
) -> list[Summary]:
    """Return summaries by task and model of these scores of its seeds; made_up.MODELS has their families."""
    found = []
    for task_name, of_models in scores.items():
        task = Task(task_name, "digits", "accuracy", direction, "accuracy", ("majority",))
        for model, values in of_models.items():
            keys = {(model, seed, "none"): 0.5 for seed in range(len(values))}
            [summary] = made_up.summaries_of(root / task_name / model, keys)
            variants = tuple(
                replace(variant, task=task_name, metrics={"test": {"accuracy": value}})
                for variant, value in zip(summary.variants, values, strict=True)
            )
            found.append(Summary(task, summary.model, "none", variants))
    return found


BOTH = {
    "a": {"majority": [0.1], "mlp": [0.8, 0.9], "cnn": [0.95, 0.85], "rbf_svm": [0.7]},
    "b": {"majority": [0.1], "mlp": [0.5, 0.6], "cnn": [0.9, 0.8], "rbf_svm": [0.7]},
}
NAMES = ("a", "b", "c", "d", "e")
SCORES = {name: BOTH["a" if place % 2 else "b"] for place, name in enumerate(NAMES)} | {
    "alone": {"cnn": [0.1, 0.2], "lstm": [0.3, 0.4]}
}


def test_rankings_are_over_tasks_with_the_same_models(tmp_path: Path) -> None:
    found = across.compare(summaries(tmp_path, SCORES))
    [ranking] = found.rankings
    assert ranking.tasks == NAMES
    assert dict(zip(ranking.models, ranking.ranks, strict=True)) == {"cnn": 1, "mlp": 2.6, "rbf_svm": 2.4}
    assert ranking.p is not None
    assert (found.models[0].better, found.models[0].worse) == ("cnn", "rbf_svm")
    assert {each.comparisons for each in found.models} == {2}
    assert found.families == ()  # every family has one model
    assert found.silent == 4
    assert found == across.compare(summaries(tmp_path / "again", SCORES))


def test_less_may_be_better(tmp_path: Path) -> None:
    [ranking] = across.compare(summaries(tmp_path, SCORES, "minimise")).rankings
    assert dict(zip(ranking.models, ranking.ranks, strict=True))["cnn"] == 3


def test_a_model_without_a_result_is_left_out_and_named(tmp_path: Path) -> None:
    found = summaries(tmp_path, SCORES)
    lost = [
        replace(each, variants=tuple(replace(v, status="failed", metrics={}) for v in each.variants))
        if (each.task.name, each.model.name) == ("b", "mlp")
        else each
        for each in found
    ]
    [ranking] = across.compare(lost).rankings
    assert (ranking.left_out, set(ranking.models)) == (("mlp",), {"cnn", "rbf_svm"})
    assert ranking.p is None


@pytest.mark.parametrize("scores", [{}, {"a": SCORES["a"]}, BOTH, {"alone": {"cnn": [0.5]}}])
def test_little_gives_no_ranking(tmp_path: Path, scores: dict[str, dict[str, list[float]]]) -> None:
    assert across.compare(summaries(tmp_path, scores)).rankings == ()


def test_a_family_has_the_runs_of_all_its_models_and_needs_enough_of_them(tmp_path: Path) -> None:
    good = {f"good {place}": [0.9 + place / 100, 0.95] for place in range(4)}
    poor = {f"poor {place}": [0.6 + place / 100] for place in range(4)}
    found = named(tmp_path, dict.fromkeys(NAMES, good | poor))
    [both] = across.compare(found).families
    assert (both.better, both.worse, both.probability) == ("good", "poor", 1)
    assert both.p == pytest.approx(2 / 70)
    fewer = [each for each in found if each.task.name != "a"]
    assert across.compare(fewer).families == ()
    three = [each for each in found if each.model.name != "good 0"]
    assert (across.compare(three).families, across.compare(three).silent) == ((), 1)


def test_pairs_that_no_result_could_tell_apart_do_not_count_in_the_correction(tmp_path: Path) -> None:
    of_task = {f"{name} {place}": [0.5 + place / 100] for name in ("one", "two") for place in range(4)}
    found = across.compare(named(tmp_path, dict.fromkeys(NAMES, of_task | {"few 0": [0.1], "few 1": [0.2]})))
    [both] = found.families
    assert (both.comparisons, found.silent) == (1, 2)
    assert both.is_even


def test_tuned_rows_are_compared_among_themselves_only(tmp_path: Path) -> None:
    found = summaries(tmp_path, SCORES)
    tuned = [
        replace(each, model=replace(each.model, name=f"{each.model.name}_tuned"), tuned=True)
        for each in found
        if each.model.name in ("mlp", "cnn")
    ]
    [alone] = across.compare_apart(found)
    fixed, searched = across.compare_apart([*found, *tuned])
    assert fixed == alone == across.compare(found)
    assert (fixed.tuned, searched.tuned) == (False, True)
    assert [each.models for each in searched.rankings] == [("cnn_tuned", "mlp_tuned")]


def named(root: Path, scores: dict[str, dict[str, list[float]]]) -> list[Summary]:
    """Return summaries of models whose families are the first words of their names."""
    like = {task: {"cnn": [0.5, 0.5]} for task in scores}
    found = []
    for of_task in summaries(root, like):
        for name, values in scores[of_task.task.name].items():
            variants = tuple(
                replace(variant, model=name, metrics={"test": {"accuracy": value}})
                for variant, value in zip(of_task.variants, values, strict=False)
            )
            found.append(replace(of_task, model=Model(name, name.split()[0], True), variants=variants))
    return found
