"""Means and differences over folds: against values worked by hand and scipy's t-test, and simulated folds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from assay.report.inference import comparisons, seed_variance, statistics
from assay.report.inference.analysis import BY_FOLD, analyse
from assay.report.inference.folds import FoldScores
from assay.report.results.collect import FoldItems
from tests.report.made_up import ITEMS, TASK, summaries_of

FOLDS = 5
ON_FOLDS = replace(
    TASK, folds={str(seed): FoldItems(f"digits_fold{seed}", 3200, 1000) for seed in range(FOLDS)}
)
INFLATED = 1 / FOLDS + 1000 / 3200
CNN = (0.90, 0.92, 0.88, 0.91, 0.94)
SVM = (0.86, 0.88, 0.85, 0.88, 0.90)
MLP = (0.89, 0.90, 0.89, 0.93, 0.91)


def scores(method: str = "none", **models: tuple[float, ...]) -> dict[tuple[str, int, str], float | None]:
    return {
        (model, seed, method): value for model, values in models.items() for seed, value in enumerate(values)
    }


def test_an_interval_is_the_one_worked_by_hand(tmp_path: Path) -> None:
    found = analyse(summaries_of(tmp_path, scores(cnn=CNN, rbf_svm=SVM), ON_FOLDS), ON_FOLDS)
    cnn = found.estimates["cnn", "none"]
    # mean 0.91; deviations -0.01, 0.01, -0.03, 0, 0.03: s^2 = 0.0020 / 4 = 0.0005; (1 / 5 + 1000 / 3200) = 0.5125;
    # half the width: t(0.975, 4) = 2.776445 times sqrt(0.5125 * 0.0005) = 0.01600781
    assert (cnn.mean, cnn.seeds, cnn.over) == (pytest.approx(0.91), 5, "folds")
    assert (cnn.low, cnn.high) == (pytest.approx(0.91 - 0.0444448), pytest.approx(0.91 + 0.0444448))
    assert cnn.items_variance == pytest.approx(0.5125 * 0.0005)
    assert (found.folds, found.num_items, found.num_units) == (5, 5 * ITEMS, 5 * ITEMS)
    assert found.reasons == {}


def test_an_interval_ends_where_the_metric_does(tmp_path: Path) -> None:
    found = analyse(summaries_of(tmp_path, scores(cnn=(1, 1, 0.9, 1, 1)), ON_FOLDS), ON_FOLDS)
    assert found.estimates["cnn", "none"].high == 1
    same = analyse(summaries_of(tmp_path, scores(cnn=(0.9,) * 5), ON_FOLDS), ON_FOLDS).estimates[
        "cnn", "none"
    ]
    assert (same.low, same.high, same.over) == (None, None, "nothing")


def test_models_are_compared_by_their_differences_on_the_folds_with_holms_correction(tmp_path: Path) -> None:
    found = analyse(summaries_of(tmp_path, scores(cnn=CNN, rbf_svm=SVM, mlp=MLP), ON_FOLDS), ON_FOLDS)

    def expected(first: tuple[float, ...], second: tuple[float, ...]) -> float:
        uncorrected = stats.ttest_rel(first, second).statistic
        return float(2 * stats.t.sf(abs(uncorrected) * np.sqrt(1 / FOLDS / INFLATED), FOLDS - 1))

    p = [expected(CNN, MLP), expected(MLP, SVM), expected(CNN, SVM)]
    corrected = statistics.holm(np.array(p))
    assert [(each.better, each.worse, each.test) for each in found.neighbours] == [
        ("cnn", "mlp", BY_FOLD),
        ("mlp", "rbf_svm", BY_FOLD),
    ]
    for each, alone, together in zip(found.neighbours, p[:2], corrected[:2], strict=True):
        assert (each.p, each.p_holm) == (pytest.approx(alone), pytest.approx(together))
        assert (each.needed_items, each.needed_seeds, each.needed_both) == (None, None, None)
    assert found.ties["mlp"] == ("cnn", "rbf_svm")
    assert corrected[2] < 0.05
    assert found.ranks == {"cnn": (1, 2), "mlp": (1, 3), "rbf_svm": (2, 3)}
    assert found.best is not None
    assert (found.best.model, found.best.rivals) == ("cnn", ("mlp",))
    assert found.best.low < found.best.estimate < found.best.high


def test_compression_is_compared_on_the_same_folds(tmp_path: Path) -> None:
    after = tuple(value - 0.05 - 0.001 * (fold % 2) for fold, value in enumerate(CNN))
    found = analyse(
        summaries_of(tmp_path, scores(cnn=CNN) | scores("prune", cnn=after), ON_FOLDS), ON_FOLDS
    ).compressed["cnn", "prune"]
    assert (found.better, found.worse, found.test, found.separable) == ("none", "prune", BY_FOLD, True)
    alone = stats.ttest_rel(CNN, after).statistic * np.sqrt(1 / FOLDS / INFLATED)
    assert found.p == pytest.approx(2 * stats.t.sf(alone, FOLDS - 1), rel=1e-6)


def test_a_budget_is_judged_over_folds_without_a_number_of_seeds_that_would_decide(tmp_path: Path) -> None:
    after = tuple(value - 0.02 * (fold % 2) for fold, value in enumerate(CNN))
    given = summaries_of(tmp_path, scores(cnn=CNN) | scores("int8", cnn=after), ON_FOLDS)
    [judged] = analyse(given, ON_FOLDS).budgets.values()
    assert (judged.name, judged.needed_items, judged.needed_seeds) == ("undecided", None, None)


def test_a_model_that_lacks_a_fold_is_left_out_with_the_reason(tmp_path: Path) -> None:
    given = scores(cnn=CNN, rbf_svm=SVM, mlp=MLP) | {("mlp", 2, "none"): None}
    found = analyse(summaries_of(tmp_path, given, ON_FOLDS), ON_FOLDS)
    assert set(found.ranks) == {"cnn", "rbf_svm"}
    assert found.reasons == {
        ("mlp", "none", str(seed)): "its model has scores on 4 of 5 folds" for seed in (0, 1, 3, 4)
    }


def test_one_fold_alone_is_analysed_over_its_items(tmp_path: Path) -> None:
    given = {("rbf_svm", 1, "none"): 0.9, ("logistic_regression", 1, "none"): 0.6}
    found = analyse(summaries_of(tmp_path, given, ON_FOLDS), ON_FOLDS)
    assert (found.folds, found.estimates["rbf_svm", "none"].over) == (0, "items")
    assert found.neighbours[0].test == "McNemar"


def test_a_fold_without_a_record_of_its_items_is_not_used(tmp_path: Path) -> None:
    task = replace(ON_FOLDS, folds={**ON_FOLDS.folds, "1": FoldItems("digits_fold1", 0, 0)})
    found = analyse(summaries_of(tmp_path, scores(cnn=CNN), task), task)
    assert found.reasons["cnn", "none", "1"] == "digits_fold1: the number of its items is not recorded"
    assert found.folds == 4


def p_values(values: np.ndarray, inflation: float) -> np.ndarray:
    """Return the p-values of all pairs of models from scores (G, K), as the analysis has them."""
    found = FoldScores((), values, inflation, 0, 0)
    models, folds = values.shape
    spread = statistics.spread(values.mean(axis=1), found.samples, np.ones(models, int), folds)
    seeds = seed_variance.estimate(spread, np.zeros(models, bool), np.ones(models, bool))
    return comparisons.of_pairs(spread, seeds, *np.triu_indices(models, 1)).p


def equal_models(rng: np.random.Generator, items: int, features: int, models: int) -> np.ndarray:
    """Return the errors (G, K) of models that are equally good: least squares on features of their own, all noise."""
    values, target = rng.standard_normal((models, items, features)), rng.standard_normal(items)
    fold = rng.permutation(items) % FOLDS
    errors = np.empty((models, FOLDS))
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        weights = np.linalg.pinv(values[:, train]) @ target[train]  # (G, F)
        predicted = np.einsum("gnf,gf->gn", values[:, test], weights)
        errors[:, number] = ((target[test] - predicted) ** 2).mean(axis=1)
    return errors


@pytest.mark.parametrize(("models", "tables"), [(2, 600), (4, 300)])
def test_equal_models_are_found_different_in_at_most_a_twentieth_of_simulated_tables(
    models: int, tables: int
) -> None:
    """Any pair of them, by Holm's correction; without the correction of the variance a twentieth is exceeded."""
    rng, pairs = np.random.default_rng(0), models * (models - 1) // 2
    simulated = [equal_models(rng, 100, 40, models) for _ in range(tables)]
    found = np.mean([pairs * p_values(values, 0.25).min() < 0.05 for values in simulated])
    uncorrected = np.mean([pairs * p_values(values, 0.0).min() < 0.05 for values in simulated])
    assert found <= 0.05
    assert uncorrected > 0.05
    assert found < uncorrected / 2
