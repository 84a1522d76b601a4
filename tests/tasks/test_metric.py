"""A metric's counts are summed over each unit of independence; with items as units nothing changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assay.tasks.metric import RecomputedMetric, SummedMetric, averaged, counted, ratio, read_columns, units

TABLE = pd.DataFrame(
    {
        "item": [4, 5, 7, 8, 9],
        "patient": [30, 7, 30, 7, 7],
        "correct": [True, False, True, True, False],
        "one": [1, 1, 1, 1, 1],
        "score": [0.5, 0.25, 1.0, 0.0, 0.75],
    }
)
ACCURACY = SummedMetric("accuracy", "maximise", ("correct", "one"), counted("correct", "one"), ratio)
BY_PATIENT = replace(ACCURACY, unit="patient")
MEAN = SummedMetric("mean", "maximise", ("score",), averaged("score"), ratio, unit="patient")


def test_counts_are_summed_by_unit_in_the_order_of_their_names():
    correct, one = BY_PATIENT.arrays(TABLE)
    assert (correct.tolist(), one.tolist()) == ([1, 2], [3, 2])  # patient 7, then 30
    assert BY_PATIENT.value((correct, one)) == ACCURACY.value(ACCURACY.arrays(TABLE)) == 0.6


def test_sums_equal_those_of_pandas():
    expected = TABLE.assign(items=1.0).groupby("patient")[["score", "items"]].sum()
    np.testing.assert_array_equal(MEAN.unit_counts(TABLE), expected)


def test_integer_counts_stay_integers_and_do_not_overflow_a_byte():
    table = pd.DataFrame({"item": range(600), "patient": 0, "correct": np.uint8(1), "one": np.uint8(1)})
    [[correct, one]] = BY_PATIENT.unit_counts(table)
    assert (correct, one) == (600, 600)
    assert BY_PATIENT.unit_counts(table).dtype == np.int64


def test_items_are_their_own_units():
    np.testing.assert_array_equal(ACCURACY.unit_counts(TABLE), ACCURACY.counts(TABLE))
    assert units(TABLE, ACCURACY).tolist() == [0, 1, 2, 3, 4]
    assert units(TABLE, BY_PATIENT).tolist() == [1, 0, 1, 0, 0]


def test_units_may_have_names():
    named = TABLE.assign(patient=["b", "a", "b", "a", "a"])
    assert units(named, BY_PATIENT).tolist() == [1, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("metric", "columns"),
    [
        (ACCURACY, ["item", "correct", "one"]),
        (BY_PATIENT, ["item", "patient", "correct", "one"]),
        (RecomputedMetric("x", "maximise", ("score",), np.mean, unit="score"), ["item", "score"]),
    ],
)
def test_the_units_column_is_read_too(metric, columns):
    assert read_columns(metric) == columns
