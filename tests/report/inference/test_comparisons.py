"""Corrections for all pairs, compared with published tables and hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.report.inference import comparisons


def test_possible_numbers_of_equal_pairs_of_four_models() -> None:
    """Shaffer, JASA 1986: of the six pairs of four means 0, 1, 2, 3 or 6 can be equal."""
    left = comparisons._true_hypotheses(4)
    assert left.tolist() == [0, 1, 2, 3, 6]


def test_a_pair_that_differs_leaves_fewer_pairs_that_can_be_equal() -> None:
    p = np.array([1e-6, 0.02, 0.9, 0.9, 0.9, 0.9])
    corrected = comparisons.step_down(p, 4)
    assert corrected[0] == pytest.approx(6e-6)
    assert 0.04 < corrected[1] < 0.06  # by Holm 0.1, by Shaffer 0.06
    assert (np.diff(np.sort(corrected)) >= 0).all()


def test_one_pair_is_not_corrected() -> None:
    assert comparisons.step_down(np.array([0.03]), 2) == pytest.approx([0.03])
    assert comparisons.next_level(0, 2) == pytest.approx(0.05, rel=0.01)
    assert comparisons.step_down(np.array([]), 1).tolist() == []


def test_ranges_of_equal_models_are_tukeys() -> None:
    least = comparisons._within_ranges(5)
    for place in (20, 50, 70):
        expected = stats.studentized_range.cdf(np.sqrt(2) * comparisons.GRID[place], 5, np.inf)
        assert least[10, place] == pytest.approx(expected, abs=1e-3)


def test_many_models_are_corrected_too() -> None:
    models = comparisons.MOST_RANGES + 5
    p = np.full(models * (models - 1) // 2, 0.5)
    p[:3] = [1e-9, 1e-5, 1e-3]
    corrected = comparisons.step_down(p, models)
    assert corrected[0] == pytest.approx(len(p) * 1e-9)
    assert corrected[1] < 0.05 < corrected[2] <= 1


def test_the_best_is_compared_as_by_dunnett() -> None:
    """Three models: the p-value of the middle one is Dunnett's one-sided one with a correlation of 1/2."""
    first, second = np.triu_indices(3, 1)
    z = np.array([2.0, 2.5, 0.3])  # 0 - 1, 0 - 2, 1 - 2
    chances = comparisons.chances_to_be_best(2 * stats.norm.sf(z), np.array([True] * 3), first, second, 3)
    expected = 1 - stats.multivariate_normal(cov=[[1, 0.5], [0.5, 1]]).cdf([2.0, 2.0])
    assert chances[1] == pytest.approx(expected, abs=1e-3)
    assert chances[0] == 1
    assert chances[2] < chances[1]
