"""If the unit of independence is not the item, intervals, tests and ranks are over units; unlike those over items, they
have nominal coverage and level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from assay.report.inference import statistics
from assay.report.inference.analysis import analyse
from assay.report.results.summaries import Summary
from assay.tasks.metric import PrimaryMetric, SummedMetric, averaged, ratio, units
from tests.report import made_up
from tests.report.inference.simulation import interval
from tests.report.made_up import ACCURACY, AUROC, TASK, predictions, summaries_of

TABLES, PATIENTS, VISITS = 300, 30, 8
OF_PATIENT, OF_VISIT = 0.3, 0.15
MEAN = SummedMetric("mean", "maximise", ("score",), averaged("score"), ratio)


def covered(metric: SummedMetric, *, jackknife: bool) -> float:
    """Return the coverage of the 95% interval of a mean, whose true value is 0, for simulated patients with visits."""
    rng = np.random.default_rng(0)
    own = rng.normal(0, OF_PATIENT, (TABLES, PATIENTS, 1))
    scores = (own + rng.normal(0, OF_VISIT, (TABLES, PATIENTS, VISITS))).reshape(TABLES, -1)
    facts = {"item": np.arange(PATIENTS * VISITS), "patient": np.repeat(np.arange(PATIENTS), VISITS)}
    tables = [pd.DataFrame({**facts, "score": score}) for score in scores]
    of = units(tables[0], metric)
    if jackknife:
        found = statistics.jackknife([scores], lambda arrays: float(arrays[0].mean()), rng, units=of)
    else:
        arrays = [np.stack(each) for each in zip(*map(metric.arrays, tables), strict=True)]
        found = statistics.resample(arrays, metric.of_sums, rng)
    spread = statistics.spread(*found, np.ones(TABLES, int), int(of.max()) + 1)
    low, high = interval(spread, summed=not jackknife)
    return float(((low <= 0) & (high >= 0)).mean())


@pytest.mark.parametrize("jackknife", [False, True])
def test_intervals_over_patients_have_nominal_coverage_and_those_over_visits_do_not(
    jackknife: bool,
) -> None:
    """Visits of a patient share 0.8 of the variance: over visits, the coverage of a 95% interval is some 60%."""
    assert 0.92 < covered(replace(MEAN, unit="patient"), jackknife=jackknife) < 0.98
    assert covered(MEAN, jackknife=jackknife) < 0.7


def test_the_deviation_of_a_mean_is_that_of_sums_by_patient() -> None:
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(60), rng.integers(3, 13, 60))
    score = rng.normal(size=60)[patients] + rng.normal(size=len(patients))
    table = pd.DataFrame({"item": range(len(patients)), "patient": patients, "score": score})
    metric = replace(MEAN, unit="patient")
    found = statistics.resample([each[None] for each in metric.arrays(table)], ratio, rng)
    spread = statistics.spread(*found, np.array([1]), 60)
    sums = table.groupby("patient")["score"].agg(["sum", "size"])
    parts = (sums["sum"] - score.mean() * sums["size"]) / sums["size"].mean()
    assert np.sqrt(spread.items) == pytest.approx([stats.sem(parts)], rel=0.06)


def obuchowski(patients: np.ndarray, target: np.ndarray, score: np.ndarray) -> float:
    """The variance of the AUROC of clustered data (Obuchowski, "Nonparametric Analysis of Clustered ROC Curve Data",
    Biometrics 1997, equation 3)."""
    wins = np.heaviside(np.subtract.outer(score[target == 1], score[target == 0]), 0.5)
    area = wins.mean()
    clusters = np.unique(patients)
    parts = []
    for label, mean in ((1, wins.mean(axis=1)), (0, wins.mean(axis=0))):
        of = patients[target == label]
        parts.append(np.array([(mean[of == cluster] - area).sum() for cluster in clusters]))
    sizes = [(target == 1).sum(), (target == 0).sum()]
    some = [len(np.unique(patients[target == label])) for label in (1, 0)]
    own = [n / (n - 1) * (part**2).sum() / size**2 for n, part, size in zip(some, parts, sizes, strict=True)]
    both = len(clusters) / (len(clusters) - 1) * (parts[0] * parts[1]).sum() / (sizes[0] * sizes[1])
    return float(sum(own) + 2 * both)


@pytest.mark.parametrize(("num_patients", "within"), [(80, 0.03), (600, 0.12)])
def test_the_jackknife_of_auroc_over_patients_equals_obuchowskis_variance(
    num_patients: int, within: float
) -> None:
    rng = np.random.default_rng(2)
    patients = np.repeat(np.arange(num_patients), rng.integers(3, 9, num_patients))
    sick = rng.normal(size=num_patients)[patients]
    target = (sick + rng.normal(0, 0.7, len(patients)) > 0.3).astype(int)
    score = target + rng.normal(size=num_patients)[patients] + rng.normal(0, 0.5, len(patients))
    found = statistics.jackknife([target[None], score[None]], AUROC.value, rng, units=patients)
    assert found[0] == pytest.approx([roc_auc_score(target, score)])
    spread = statistics.spread(*found, np.array([1]), num_patients)
    expected = np.sqrt(obuchowski(patients, target, score))
    assert np.sqrt(spread.items) == pytest.approx([expected], rel=within)
    alone = statistics.jackknife([target[None], score[None]], AUROC.value, rng)
    over_items = statistics.spread(*alone, np.array([1]), len(target))
    assert np.sqrt(over_items.items) < 0.8 * expected


def test_items_as_units_give_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    target, score = rng.integers(0, 2, (1, 500)), rng.normal(size=(1, 500))
    without = statistics.jackknife([target, score], AUROC.value, np.random.default_rng(1))
    as_units = statistics.jackknife(
        [target, score], AUROC.value, np.random.default_rng(1), units=np.arange(500)
    )
    for one, other in zip(without, as_units, strict=True):
        np.testing.assert_array_equal(one, other)


def by_patient(root: Path, metric: PrimaryMetric, visits: int = 20) -> list[Summary]:
    """Write models whose correct predictions cluster in patients with this many visits, and return their summaries."""
    scores = {
        ("logistic_regression", 0, "none"): 0.8,
        ("rbf_svm", 0, "none"): 0.83,
        ("rbf_svm", 0, "prune"): 0.8,
    }
    summaries = summaries_of(root, scores)
    for model, seed, method in scores:
        folder = made_up.folders(root, "digits", model, seed, method)["evaluated"]
        row = {"task": "digits", "model": model, "seed": seed, "method": method}
        table = predictions(row, scores[model, seed, method])
        errors = np.sort((table["target"] != table["prediction"]).to_numpy())  # the hard patients are last
        table["prediction"] = np.where(errors, (table["target"] + 1) % 10, table["target"])
        table["patient"] = np.arange(len(table)) // visits
        table.to_parquet(folder / "predictions.parquet", index=False)
    task = replace(TASK, metric=metric)
    return [replace(each, task=task) for each in summaries]


def test_the_analysis_is_over_patients_and_names_them(tmp_path: Path) -> None:
    metric = replace(ACCURACY, unit="patient")
    summaries = by_patient(tmp_path, metric)
    found = analyse(summaries, replace(TASK, metric=metric))
    alone = analyse(by_patient(tmp_path, ACCURACY), TASK)
    assert (found.reasons, found.num_items, found.num_units) == ({}, 1000, 50)
    assert (alone.num_items, alone.num_units) == (1000, 1000)
    ours, theirs = found.estimates["rbf_svm", "none"], alone.estimates["rbf_svm", "none"]
    assert (ours.over, theirs.over) == ("patients", "items")
    assert ours.mean == theirs.mean == pytest.approx(0.83)
    assert ours.high - ours.low > 3 * (theirs.high - theirs.low)
    [next_of] = found.neighbours
    assert (next_of.test, alone.neighbours[0].test) == ("paired bootstrap", "McNemar")
    assert found.compressed["rbf_svm", "prune"].test == "paired bootstrap"
    assert next_of.p > 1000 * alone.neighbours[0].p  # 30 items of two patients decide
    assert next_of.needed_items is not None
    assert alone.neighbours[0].separable


def test_predictions_without_patients_or_with_other_ones_are_left_out(tmp_path: Path) -> None:
    metric = replace(ACCURACY, unit="patient")
    summaries = by_patient(tmp_path, metric)
    folder = made_up.folders(tmp_path, "digits", "rbf_svm", 0, "prune")["evaluated"]
    whole = pd.read_parquet(folder / "predictions.parquet")
    for spoil, words in (
        (whole.drop(columns="patient"), "no usable predictions: "),
        (whole.assign(patient=whole["patient"].where(whole["item"] != 6004)), "an item has no patient"),
        (
            whole.assign(patient=whole["patient"] // 2),
            "are not for the same test items as those of most variants",
        ),
    ):
        spoil.to_parquet(folder / "predictions.parquet", index=False)
        reasons = analyse(summaries, replace(TASK, metric=metric)).reasons
        assert list(reasons) == [("rbf_svm", "prune", "0")]
        assert words in reasons["rbf_svm", "prune", "0"]
