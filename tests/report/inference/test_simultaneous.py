"""Intervals hold together and never contradict the test beside them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.report.inference import simultaneous, statistics


def test_an_interval_excludes_0_only_where_the_test_finds_a_difference() -> None:
    size, reach = np.array([3.0, 3.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0, 2.0])
    low, high = simultaneous.ends(size, reach, np.array([True, False, True, False]))
    assert low.tolist() == [1.0, 0.0, 0.0, -1.0]
    assert high.tolist() == [5.0, 5.0, 3.0, 3.0]


def test_the_intervals_of_twenty_differences_hold_together() -> None:
    """Half of the differences are 0; the intervals are turned so that the estimates are 0 or more."""
    rng = np.random.default_rng(0)
    true = np.repeat([0.0, 2.5], 10)
    reach = np.full(20, stats.norm.isf(0.05 / 20 / 2))
    missed = 0
    for _ in range(1000):
        found = true + rng.normal(size=20)
        significant = statistics.holm(2 * stats.norm.sf(np.abs(found))) <= 0.05
        low, high = simultaneous.ends(np.abs(found), reach, significant)
        turned = np.where(found < 0, -true, true)
        missed += bool(((turned < low - 1e-12) | (turned > high)).any())
    assert missed / 1000 == pytest.approx(0.04, abs=0.025)
