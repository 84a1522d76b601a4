"""Power, false calls and coverage on a few simulated tables; benchmarks/power.py has the full simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.report.inference.simulation import Case, coverage, plan, power, spreads, winners

TWO_GROUPS = (0.96,) * 6 + (0.91,) * 6
EQUAL = (0.94,) * 12


def mixed(first: float, second: float) -> tuple[float, ...]:
    return (first, second) * 6


@pytest.mark.parametrize(
    ("deviations", "least"),
    [
        (mixed(0.004, 0.004), 0.95),
        (mixed(0.01, 0.01), 0.8),
        (mixed(0.02, 0.02), 0.18),
        (mixed(0.01, 0.02), 0.38),
    ],
    ids=["0.4 points", "1 point", "2 points", "1 and 2 points"],
)
def test_models_of_96_and_91_percent_are_told_apart_at_three_seeds(
    deviations: tuple[float, ...], least: float
) -> None:
    """The limits are the targets of benchmarks/power.py, less two deviations of 40 tables where they are close."""
    found, _ = power(Case(TWO_GROUPS, deviations), 40)
    assert found >= least


@pytest.mark.parametrize("kind", ["accuracy", "f1", "real"])
def test_equal_models_are_seldom_told_apart(kind: str) -> None:
    """5% of 80 tables are 4; 10 or more would happen by chance in 0.6% of cases."""
    _, false = power(Case(EQUAL, mixed(0.01, 0.02), kind=kind), 80)
    assert false < 10 / 80


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_cover_at_every_score(grouped: bool) -> None:
    scores = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
    case = Case(scores, tuple(0.18 * score * (1 - score) for score in scores), grouped=grouped)
    assert 0.91 < coverage(case, 60).mean() < 0.98


def test_the_interval_of_the_best_of_equal_models_covers() -> None:
    covered, error, measured = winners(Case((0.94,) * 18, (0.01,) * 18, items=300), 40)
    assert covered >= 0.83
    assert abs(error) < 0.4 * measured


def test_a_plan_has_the_power_that_it_states() -> None:
    case = Case((0.94, 0.94, 0.94, 0.92), (0.008,) * 4, items=500)
    found = plan(case, 30)
    assert found.seeds is not None
    share, _ = power(replace(case, runs=found.seeds), 100)
    assert 0.65 < share < 0.92


def test_the_spread_of_a_simulated_table_is_that_of_its_items() -> None:
    [found] = spreads(Case((0.9,), (0.0,), runs=1), 1, np.random.default_rng(0))
    assert found.items == pytest.approx(found.mean * (1 - found.mean) / 999, rel=0.01)
