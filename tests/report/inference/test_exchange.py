"""The permutation test of two families, against all splits by hand and against simulated families that are equal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.report.inference import exchange

SETTINGS = [(4, 4, 5), (3, 5, 12), (5, 5, 12), (2, 12, 5)]


def won(values: np.ndarray) -> np.ndarray:
    """Return which of one run (T, K) is better, (T, K, K)."""
    return (np.sign(values[:, :, None] - values[:, None]) + 1) / 2


def test_two_against_two_have_six_splits() -> None:
    apart = won(np.array([[4.0, 3, 2, 1]] * 9))
    assert exchange.p_value(apart, 2, [0] * 4) == pytest.approx(2 / 6) == exchange.least_p_value(2, [0] * 4)
    # The splits win 1, 0.75, 0.5, 0.5, 0.25 and 0 of their pairs.
    second = won(np.array([[4.0, 2, 3, 1]]))
    assert exchange.p_value(second, 2, [0] * 4) == pytest.approx(4 / 6)


def test_on_one_task_it_is_the_exact_test_of_mann_and_whitney() -> None:
    values = np.random.default_rng(0).normal(size=9) + np.array([1.5] * 4 + [0] * 5)
    exact = stats.mannwhitneyu(values[:4], values[4:], method="exact").pvalue
    assert exchange.p_value(won(values[None]), 4, [0] * 9) == pytest.approx(exact)


def test_many_splits_are_drawn() -> None:
    values = np.random.default_rng(0).normal(size=20) + np.array([0.8] * 10 + [0] * 10)
    exact = stats.mannwhitneyu(values[:10], values[10:], method="exact").pvalue
    assert exchange.p_value(won(values[None]), 10, [0] * 20) == pytest.approx(exact, abs=0.01)


def test_only_models_with_the_same_tasks_are_exchanged() -> None:
    found = won(np.array([[4.0, 3, 2, 1], [4, 3, 2, 1]]))
    found[1, 0], found[1, :, 0] = np.nan, np.nan
    # The splits {0, 1}, {0, 2} and {0, 3} win 1, 0.5 and 0 of the second task, 1, 0.75 and 0.5 of the first.
    assert (
        exchange.p_value(found, 2, [0, 1, 1, 1])
        == pytest.approx(2 / 3)
        == exchange.least_p_value(2, [0, 1, 1, 1])
    )
    assert exchange.p_value(found, 2, [0, 1, 2, 3]) == 1 == exchange.least_p_value(2, [0, 1, 2, 3])


def test_splits_are_all_those_within_strata_and_the_real_one_is_first() -> None:
    splits = exchange._splits(3, [0, 0, 1, 0, 1, 1])
    assert splits[0].tolist() == [1, 1, 1, 0, 0, 0]
    assert len({tuple(row) for row in splits.tolist()}) == len(splits) == 9
    assert (splits[:, [0, 1, 3]].sum(axis=1) == 2).all()
    assert (splits[:, [2, 4, 5]].sum(axis=1) == 1).all()


def simulated(
    rng: np.random.Generator, ours: int, theirs: int, tasks: int, own: float, gain: float = 0
) -> np.ndarray:
    models = rng.normal(0, own, ours + theirs) + gain * (np.arange(ours + theirs) < ours)
    return won(models + rng.normal(size=(tasks, ours + theirs)))


@pytest.mark.parametrize("own", [0.0, 0.5, 3.0])
@pytest.mark.parametrize(("ours", "theirs", "tasks"), SETTINGS)
def test_of_equal_families_at_most_a_twentieth_differs(
    ours: int, theirs: int, tasks: int, own: float
) -> None:
    rng = np.random.default_rng(0)
    tables = [simulated(rng, ours, theirs, tasks, own) for _ in range(300)]
    found = [exchange.p_value(table, ours, [0] * (ours + theirs)) for table in tables]
    assert np.mean(np.array(found) <= 0.05) <= 0.05


@pytest.mark.parametrize("own", [0.0, 0.5, 3.0])
def test_nor_of_families_with_results_on_other_tasks(own: float) -> None:
    """If models with results on other tasks were exchanged too, up to 8.6% of equal families would differ."""
    rng = np.random.default_rng(0)
    strata = 2 * [0, 0, 0, 0, 1]  # the first four of each family have results on half of the tasks
    partly = np.array(strata) == 0
    found = []
    for _ in range(400):
        table = simulated(rng, 5, 5, 12, own)
        table[:6, partly], table[:6, :, partly] = np.nan, np.nan
        found.append(exchange.p_value(table, 5, strata))
    assert np.mean(np.array(found) <= 0.05) <= 0.05


def test_families_that_differ_are_found() -> None:
    rng = np.random.default_rng(0)
    found = [exchange.p_value(simulated(rng, 5, 5, 8, 0.5, gain=1.5), 5, [0] * 10) for _ in range(100)]
    assert np.mean(np.array(found) <= 0.05) > 0.8
