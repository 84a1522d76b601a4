"""Moderated variances between runs, compared with pooled ones, and borrowed by models with one run."""

from __future__ import annotations

import numpy as np
import pytest

from assay.report.inference import seed_variance, statistics
from assay.report.inference.statistics import Spread


def spread_of(scores: list[list[float]], both: float = 0) -> Spread:
    """Return the spread of models with these scores of their runs, and an equal variance over items."""
    runs = np.array([len(each) for each in scores])
    values = np.concatenate([np.array(each) for each in scores])
    noise = np.random.default_rng(0).normal(0, 0.01, (1, 500)).repeat(len(values), axis=0)
    found = statistics.spread(values, values[:, None] + noise, runs, 1000)
    return Spread(found.mean, runs, found.noise, found.between, np.full(len(runs), both), 1000)


def estimate(found: Spread, seeded: list[bool]) -> seed_variance.SeedVariance:
    return seed_variance.estimate(found, np.array(seeded), np.ones(len(seeded), bool))


def test_equal_variances_are_pooled() -> None:
    found = spread_of([[mean - 0.01, mean, mean + 0.01] for mean in np.linspace(0.8, 0.9, 30)])
    result = estimate(found, [True] * 30)
    assert result.variance == pytest.approx(np.full(30, 1e-4 / 3), rel=0.05)
    assert (result.prior > 50).all()
    assert (result.pooled == 60).all()


def test_a_variance_is_drawn_towards_those_of_the_other_models() -> None:
    found = spread_of([[0.9 - d, 0.9, 0.9 + d] for d in (0.001, 0.01, 0.01, 0.01, 0.01, 0.04)])
    result = estimate(found, [True] * 6)
    small, *_, large = found.between
    assert result.variance[0] > 5 * small
    assert result.variance[-1] < 0.7 * large
    assert result.variance[0] < result.variance[1] < result.variance[-1]


def test_a_model_that_does_not_depend_on_the_seed_has_no_seed_variance() -> None:
    result = estimate(spread_of([[0.9, 0.91, 0.92], [0.8]]), [True, False])
    assert result.variance[1] == 0
    assert result.known.tolist() == [True, True]


def test_one_run_has_an_unknown_variance_or_that_of_three_others() -> None:
    others = [[0.9, 0.91, 0.92], [0.8, 0.81, 0.82], [0.7, 0.71, 0.72]]
    few = estimate(spread_of([*others[:2], [0.5]]), [True] * 3)
    assert (few.known.tolist(), few.borrowed.tolist()) == ([True, True, False], [False] * 3)
    found = spread_of([*others, [0.5]])
    enough = estimate(found, [True] * 4)
    assert (enough.known.all(), enough.borrowed.tolist()) == (True, [False, False, False, True])
    assert enough.variance[3] == pytest.approx(3 * enough.variance[0], rel=0.2)


def test_equal_runs_everywhere_have_no_variance() -> None:
    result = estimate(spread_of([[0.9, 0.9], [0.8, 0.8]]), [True, True])
    assert result.variance.tolist() == [0, 0]


def test_the_interaction_is_a_lower_limit_of_what_runs_vary_by() -> None:
    """Equal means of runs whose items differ are equal by chance."""
    result = estimate(spread_of([[0.9, 0.9, 0.9]] * 4, both=1e-4), [True] * 4)
    assert (result.variance > 0.5e-4).all()
