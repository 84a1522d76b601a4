"""Two models on the same items with the patient as the unit: p-values equal those of independent implementations on
sums by patient, and items are never treated as independent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from assay.report.inference.same_items import p_value
from assay.tasks.metric import RecomputedMetric, SummedMetric, averaged, counted, ratio

MEAN = SummedMetric("mean", "maximise", ("score",), averaged("score"), ratio, unit="patient")
RECOMPUTED = RecomputedMetric("mean", "maximise", ("score",), np.mean, unit="patient")


def answers(patients: np.ndarray, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """Return scores that are correlated within a patient, more for one model than for the other."""
    rng = np.random.default_rng(seed)
    own = rng.normal(shift, 0.3, patients.max() + 1)[patients]
    return pd.DataFrame(
        {
            "item": np.arange(len(patients)),
            "patient": patients,
            "score": own + rng.normal(0, 0.2, len(patients)),
        }
    )


EQUAL = np.repeat(np.arange(40), 6)
VARIED = np.repeat(np.arange(40), np.random.default_rng(5).integers(3, 13, 40))


def test_patients_with_equally_many_visits_give_the_paired_t_test_on_sums_by_patient() -> None:
    first, second = answers(EQUAL, 0), answers(EQUAL, 1, 0.12)
    sums = [table.groupby("patient")["score"].sum() for table in (first, second)]
    expected = stats.ttest_rel(*sums).pvalue
    assert 0.01 < expected < 0.3
    p, test = p_value(first, second, RECOMPUTED)
    assert (p, test) == (pytest.approx(expected), "paired jackknife over patients")
    p, test = p_value(first, second, MEAN)
    assert (p, test) == (pytest.approx(expected, rel=0.1), "paired bootstrap over patients")


@pytest.mark.parametrize("metric", [MEAN, RECOMPUTED])
@pytest.mark.parametrize("seed", range(3))
def test_patients_with_few_and_many_visits_give_a_regression_with_clusters(
    metric: SummedMetric | RecomputedMetric, seed: int
) -> None:
    first, second = answers(VARIED, 10 + seed), answers(VARIED, 20 + seed, 0.1)
    difference = (second["score"] - first["score"]).to_numpy()
    fit = sm.OLS(difference, np.ones(len(difference))).fit(
        cov_type="cluster", cov_kwds={"groups": VARIED}, use_t=True
    )
    ours = stats.t.isf(p_value(first, second, metric)[0] / 2, 39)
    assert ours == pytest.approx(abs(fit.tvalues[0]), rel=0.08)
    alone = replace(metric, unit="item")
    assert p_value(first, second, alone)[0] < p_value(first, second, metric)[0]


def test_mcnemar_is_for_patients_with_one_visit_and_not_with_several() -> None:
    rng = np.random.default_rng(0)
    metric = SummedMetric(
        "accuracy", "maximise", ("correct", "one"), counted("correct", "one"), ratio, unit="patient"
    )
    first, second = (
        pd.DataFrame({"item": range(240), "patient": EQUAL, "correct": rng.random(240) < share, "one": 1})
        for share in (0.6, 0.7)
    )
    assert p_value(first, second, metric)[1] == "paired bootstrap over patients"
    once = [table.assign(patient=table["item"]) for table in (first, second)]
    p, test = p_value(*once, metric)
    assert test == "McNemar's test over patients"
    assert p == p_value(first, second, replace(metric, unit="item"))[0]


def test_a_single_patient_is_no_evidence() -> None:
    """240 visits of one patient are one observation, even if they agree."""
    one = np.zeros(240, np.int64)
    first, second = answers(one, 0), answers(one, 1, 5.0)
    assert p_value(first, second, MEAN)[0] == p_value(first, second, RECOMPUTED)[0] == 1
    assert p_value(first, second, replace(MEAN, unit="item"))[0] < 1e-9
