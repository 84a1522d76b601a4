"""From predictions on disk to estimates, ranks, ties and comparisons; damaged files are reported with reasons."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.power import TTestPower

from assay.report.inference import comparisons
from assay.report.inference.analysis import Analysis, analyse
from assay.tasks.metric import SummedMetric, counted
from tests.report import made_up
from tests.report.made_up import TASK, summaries_of

SEEDS = (0, 1, 2)


def three_seeds(**scores: float) -> dict[tuple[str, int, str], float | None]:
    """Return scores of three seeds around these, in the form of summaries_of."""
    return {
        (model, seed, "none"): score + 0.002 * (seed - 1) for model, score in scores.items() for seed in SEEDS
    }


def predictions(root: Path, model: str, seed: int = 0, method: str = "none") -> Path:
    return made_up.folders(root, "digits", model, seed, method)["evaluated"] / "predictions.parquet"


def change(path: Path, how: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    how(pd.read_parquet(path)).to_parquet(path, index=False)


def test_an_estimate_is_the_mean_over_seeds_and_names_what_it_is_over(tmp_path: Path) -> None:
    scores = three_seeds(cnn=0.9) | {("rbf_svm", 0, "none"): 0.8, ("mlp", 0, "none"): 0.7}
    found = analyse(summaries_of(tmp_path, scores), TASK)
    cnn = found.estimates["cnn", "none"]
    assert (cnn.mean, cnn.seeds, cnn.over) == (pytest.approx(0.9), 3, "seeds and items")
    assert 0.87 < cnn.low < 0.9 < cnn.high < 0.93
    for model in ("rbf_svm", "mlp"):
        assert (found.estimates[model, "none"].seeds, found.estimates[model, "none"].over) == (1, "items")
    assert found.reasons == {}


def test_ranks_are_those_that_the_tests_of_all_pairs_allow(tmp_path: Path) -> None:
    scores = {
        ("majority", 0, "none"): 0.1,
        ("rbf_svm", 0, "none"): 0.6,
        ("logistic_regression", 0, "none"): 0.605,
    }
    found = analyse(summaries_of(tmp_path, scores | three_seeds(cnn=0.95)), TASK)
    assert found.ranks == {
        "cnn": (1, 1), "logistic_regression": (2, 3), "rbf_svm": (2, 3), "majority": (4, 4),
    }  # fmt: skip
    assert found.ties == {
        "cnn": (), "rbf_svm": ("logistic_regression",), "logistic_regression": ("rbf_svm",), "majority": (),
    }  # fmt: skip
    pairs = [(each.better, each.worse, each.separable) for each in found.neighbours]
    assert pairs == [
        ("cnn", "logistic_regression", True),
        ("logistic_regression", "rbf_svm", False),
        ("rbf_svm", "majority", True),
    ]
    assert [each.test for each in found.neighbours] == ["paired bootstrap", "McNemar", "McNemar"]
    assert [each.needed_items is None for each in found.neighbours] == [True, False, True]
    close = found.neighbours[1]
    assert close.difference == pytest.approx(0.005)
    assert close.low < 0 < 0.005 < close.high
    deviation = (close.high - close.difference) / stats.t.isf(0.025 / 6, 999) * np.sqrt(1000)
    alone = TTestPower().solve_power(
        close.difference / deviation, alpha=0.05, power=0.8
    )  # the others are significantly different
    assert close.needed_items == pytest.approx(alone, rel=0.01)
    assert (close.needed_seeds, close.needed_both) == (None, None)
    assert found.best is not None
    assert (found.best.model, found.best.rivals) == ("cnn", ())


def test_mcnemars_p_values_equal_those_of_statsmodels_and_are_corrected_for_all_pairs(tmp_path: Path) -> None:
    scores = {
        ("rbf_svm", 0, "none"): 0.62,
        ("logistic_regression", 0, "none"): 0.60,
        ("majority", 0, "none"): 0.58,
    }
    found = analyse(summaries_of(tmp_path, scores), TASK)
    correct = {}
    for model, *_ in scores:
        table = pd.read_parquet(predictions(tmp_path, model))
        correct[model] = (table["target"] == table["prediction"]).to_numpy()
    expected = {
        frozenset(pair): mcnemar(
            np.histogram2d(*(correct[name] for name in pair), bins=2)[0], exact=True
        ).pvalue
        for pair in itertools.combinations(correct, 2)
    }
    corrected = dict(zip(expected, comparisons.step_down(np.array(list(expected.values())), 3), strict=True))
    for each in found.neighbours:
        pair = frozenset((each.better, each.worse))
        assert (each.p, each.p_holm) == (pytest.approx(expected[pair]), pytest.approx(corrected[pair]))
    assert {each.test for each in found.neighbours} == {"McNemar"}


def test_compression_is_compared_with_the_same_seeds(tmp_path: Path) -> None:
    scores = three_seeds(cnn=0.9)
    scores |= {("cnn", seed, "int8"): score for (_, seed, _), score in scores.items()}
    scores |= {("cnn", seed, "prune"): 0.8 + 0.002 * (seed - 1) for seed in SEEDS[1:]}
    scores |= {("rbf_svm", 0, "none"): 0.8, ("rbf_svm", 0, "int8"): 0.801}
    found = analyse(summaries_of(tmp_path, scores), TASK)
    assert found.compressed.keys() == {("cnn", "int8"), ("cnn", "prune"), ("rbf_svm", "int8")}
    pruned = found.compressed["cnn", "prune"]
    assert (pruned.better, pruned.worse, pruned.separable) == ("none", "prune", True)
    assert pruned.difference == pytest.approx(0.1)  # of seeds 1 and 2
    same = found.compressed["cnn", "int8"]
    assert (same.difference, same.separable) == (pytest.approx(0), False)
    alone = found.compressed["rbf_svm", "int8"]
    assert (alone.better, alone.test, alone.separable) == ("int8", "McNemar", False)
    assert found.ranks.keys() == {"cnn", "rbf_svm"}
    assert found.estimates["cnn", "prune"].mean == pytest.approx(0.801)


def test_less_may_be_better_and_a_metric_may_be_any_sum(tmp_path: Path) -> None:
    """Nats of characters, with one run each, so that it is the paired t-test."""
    columns = ("nats", "characters")
    metric = SummedMetric("bits", "minimise", columns, counted(*columns), lambda s: s[..., 0] / s[..., 1])
    task = replace(TASK, primary="bits", direction="minimise", metric=metric)
    rng, tables = np.random.default_rng(0), {}
    for summary in summaries_of(
        tmp_path, {("rbf_svm", 0, "none"): 0.5, ("logistic_regression", 0, "none"): 0.5}
    ):
        [variant] = summary.variants
        nats = rng.gamma(3, 1, 500) + (0.5 if variant.model == "rbf_svm" else 0)
        table = pd.DataFrame({"item": np.arange(500), "nats": nats, "characters": 1})
        table.to_parquet(variant.predictions)
        bits = {"test": {"bits": float(nats.mean())}}
        tables[variant.model] = nats, replace(summary, task=task, variants=(replace(variant, metrics=bits),))
    found = analyse([summary for _, summary in tables.values()], task)
    assert found.ranks == {"rbf_svm": (2, 2), "logistic_regression": (1, 1)}
    [only] = found.neighbours
    expected = stats.ttest_rel(tables["rbf_svm"][0], tables["logistic_regression"][0])
    assert (only.better, only.test) == ("logistic_regression", "paired bootstrap")
    assert np.log(only.p) == pytest.approx(np.log(expected.pvalue), rel=0.1)
    interval = found.estimates["logistic_regression", "none"]
    expected = stats.t.interval(0.95, 499, interval.mean, stats.sem(tables["logistic_regression"][0]))
    assert (interval.low, interval.high) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "there is no predictions.parquet"),
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "no usable predictions: "),
        (lambda path: change(path, lambda t: t.drop(columns="prediction")), "'prediction'"),
        (lambda path: change(path, lambda t: t.drop(columns="item")), "'item'"),
        (lambda path: change(path, lambda t: t.iloc[:0]), "empty or not finite"),
        (lambda path: change(path, lambda t: pd.concat([t, t])), "an item is duplicated"),
        (
            lambda path: change(path, lambda t: t.assign(prediction=t["target"])),
            "accuracy is 1, but metrics.json has 0.902",
        ),
        (
            lambda path: change(path, lambda t: t.assign(item=t["item"] + 1)),
            "not for the same test items as those",
        ),
        (
            lambda path: change(path, lambda t: t.assign(item=[*t["item"][:-1], None])),
            "no usable predictions: ",
        ),
    ],
    ids=[
        "missing",
        "cut",
        "no prediction",
        "no item",
        "empty",
        "twice",
        "other score",
        "other items",
        "no number",
    ],
)
def test_unusable_predictions_give_a_reason_and_no_estimate(
    tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    found = summaries_of(tmp_path, three_seeds(cnn=0.9, mlp=0.8, lstm=0.7))
    damage(predictions(tmp_path, "cnn", 2))
    analysis = analyse(found, TASK)
    assert analysis.reasons.keys() == {("cnn", "none", "2")}
    assert reason in analysis.reasons["cnn", "none", "2"]
    assert "\n" not in analysis.reasons["cnn", "none", "2"]
    assert analysis.ranks == {"mlp": (1, 1), "lstm": (2, 2)}
    assert ("cnn", "none") not in analysis.estimates


def test_items_are_joined_by_their_numbers(tmp_path: Path) -> None:
    found = summaries_of(tmp_path, three_seeds(cnn=0.9, mlp=0.88))
    before = analyse(found, TASK)
    for seed in SEEDS:
        change(predictions(tmp_path, "mlp", seed), lambda table: table.sample(frac=1, random_state=7))
    assert analyse(found, TASK) == before


def test_seeds_that_failed_are_left_out(tmp_path: Path) -> None:
    scores = three_seeds(cnn=0.9) | {("cnn", 1, "none"): None, ("mlp", 0, "none"): None}
    found = analyse(summaries_of(tmp_path, scores), TASK)
    assert found.estimates["cnn", "none"].seeds == 2
    assert found.estimates.keys() == {("cnn", "none")}
    assert (found.ranks, found.ties, found.neighbours) == ({"cnn": (1, 1)}, {"cnn": ()}, ())


@pytest.mark.parametrize("scores", [{}, {("cnn", 0, "none"): None}])
def test_without_usable_predictions_the_analysis_is_empty(
    tmp_path: Path, scores: dict[tuple[str, int, str], float | None]
) -> None:
    assert analyse(summaries_of(tmp_path, scores), TASK) == Analysis({}, {}, {}, (), {}, {})


def test_without_the_uncompressed_model_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    scores = three_seeds(cnn=0.9)
    scores |= {("cnn", seed, "int8"): 0.88 for seed in SEEDS}
    found = summaries_of(tmp_path, scores)
    predictions(tmp_path, "cnn", 1).unlink()
    analysis = analyse(found, TASK)
    assert analysis.estimates.keys() == {("cnn", "int8")}
    assert (analysis.ranks, analysis.neighbours, analysis.compressed) == ({}, (), {})


def test_one_item_is_over_nothing(tmp_path: Path) -> None:
    models = ("rbf_svm", "logistic_regression")
    found = summaries_of(tmp_path, {(model, 0, "none"): 1.0 for model in models})
    for model in models:
        change(predictions(tmp_path, model), lambda table: table[:1])
    analysis = analyse(found, TASK)
    assert analysis.estimates["rbf_svm", "none"].over == "nothing"
    assert analysis.ranks == dict.fromkeys(models, (1, 2))


def test_the_made_up_tree_has_predictions_for_every_number(tmp_path: Path) -> None:
    """The tests of the page depend on it; a second analysis gives the same."""
    rows = made_up.write_tree(tmp_path)["variants"]
    tasks = {name: replace(TASK, name=name, dataset=name) for name in ("digits", "fashion_mnist")}
    found = made_up.summarise(made_up.read_variants(rows, tasks), tasks, made_up.NAMES)
    for task in tasks.values():
        analysis = analyse(found, task)
        assert analysis.reasons == {}
        finished = {(s.model.name, s.method) for s in found if s.task == task and s.finished}
        assert analysis.estimates.keys() == finished
        for summary in found:
            if summary.task == task and summary.finished:
                estimate = analysis.estimates[summary.model.name, summary.method]
                score = summary.score("accuracy")
                assert score is not None
                assert estimate.mean == pytest.approx(score.mean)
                assert estimate.low < score.mean < estimate.high
        assert analysis == analyse(found, task)


def test_one_run_of_a_model_that_depends_on_the_seed_has_no_rank(tmp_path: Path) -> None:
    scores = {("mlp", 0, "none"): 0.9, ("majority", 0, "none"): 0.1, ("rbf_svm", 0, "none"): 0.8}
    found = analyse(summaries_of(tmp_path, scores | three_seeds(cnn=0.7)), TASK)
    assert found.single == ("mlp",)
    assert found.ranks == {"cnn": (2, 2), "rbf_svm": (1, 1), "majority": (3, 3)}
    assert found.best is None
    assert found.estimates["mlp", "none"].over == "items"


def test_one_run_borrows_the_seed_variance_of_three_other_models(tmp_path: Path) -> None:
    scores = three_seeds(cnn=0.9, lstm=0.8, rbf_svm=0.7) | {("mlp", 0, "none"): 0.5}
    found = analyse(summaries_of(tmp_path, scores), TASK)
    assert (found.single, found.borrowed) == ((), ("mlp",))
    assert found.ranks["mlp"] == (4, 4)
    assert found.estimates["mlp", "none"].over == "seeds and items"


def test_the_best_of_equal_models_is_corrected_for_its_selection(tmp_path: Path) -> None:
    scores = {
        ("rbf_svm", 0, "none"): 0.9,
        ("logistic_regression", 0, "none"): 0.902,
        ("majority", 0, "none"): 0.1,
    }
    found = analyse(summaries_of(tmp_path, scores), TASK)
    assert found.best is not None
    assert (found.best.model, found.best.rivals) == ("logistic_regression", ("rbf_svm",))
    assert found.best.low < 0.895 < found.best.estimate < 0.902 < found.best.high
