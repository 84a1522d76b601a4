"""The probability of a difference equals that of SciPy's tests at both ends, and of a simulation between them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.report.inference.noise import LEVEL, Noise


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.9, 20.0])
def test_only_an_estimated_part_is_students_test(gap: float) -> None:
    found = Noise(0.04, 2, 0.0)
    assert found.chance(gap) == pytest.approx(2 * stats.t.sf(gap / 0.2, 2), rel=1e-4)
    assert found.chance_above(-gap) == pytest.approx(stats.t.sf(-gap / 0.2, 2), rel=1e-4)


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.9])
def test_only_a_known_part_is_the_normal_test(gap: float) -> None:
    assert Noise(0.0, 1, 0.04).chance(gap) == pytest.approx(2 * stats.norm.sf(gap / 0.2))


def test_with_both_parts_it_is_the_distribution_of_the_sum() -> None:
    rng = np.random.default_rng(0)
    drawn = np.sqrt(0.5) * rng.standard_t(2, 1_000_000) + rng.normal(0, np.sqrt(1.5), 1_000_000)
    for gap in (0.5, 2.0, 6.0):
        expected = (np.abs(drawn) >= gap).mean()
        assert Noise(0.5, 2, 1.5).chance(gap) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(
    "found", [Noise(0.5, 2, 1.5), Noise(0.0, 1, 1.0), Noise(1.0, 1, 0.0), Noise(1.0, 9, 1e-9)]
)
def test_the_smallest_significant_difference_has_the_probability_of_the_level(found: Noise) -> None:
    assert found.chance(found.smallest_significant) == pytest.approx(LEVEL)
