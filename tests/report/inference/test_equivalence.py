"""Verdicts on budgets: how often they are wrong, and what decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from assay.report.inference import statistics
from assay.report.inference.analysis import analyse
from assay.report.inference.equivalence import judge, left, needed
from assay.report.results.compression import Equivalence
from assay.tasks.metric import ratio
from tests.report.made_up import TASK, summaries_of

BUDGET = 0.01


def resampled(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the accuracy of runs (V, N), and on bootstrap samples of the items."""
    correct = runs.astype(np.uint8)
    return statistics.resample((correct, np.ones_like(correct)), ratio, np.random.default_rng(0), 200)


def verdict(before: np.ndarray, after: np.ndarray, *, budget: float = BUDGET) -> Equivalence:
    """Return the verdict on one model from whether its runs (R, N) are correct."""
    parts = resampled(before), resampled(after), np.array([len(before)]), np.array([budget]), ["prune"]
    [found] = judge(left(*parts, sign=1, num_items=before.shape[1], highest=1.0))
    return found


def compressed(
    rng: np.random.Generator,
    *,
    drop: float,
    runs: int,
    items: int,
    spread: float | np.ndarray = 0.0,
    score: float = 0.9,
    models: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Return runs (models x R, N) whose compression flips answers so that the expected relative drop is ``drop``.

    An item is as hard for the runs of one model as for those of another; the drop differs from seed to seed.
    """
    before = rng.random((models * runs, items)) < score
    lost = np.clip(drop * score + spread * rng.normal(size=(models * runs, 1)), 0, 1)
    gained = 0.005
    draws = rng.random(before.shape)
    return before, np.where(before, draws >= (lost + gained * (1 - score)) / score, draws < gained)


def decisions(runs: int, items: int, number: int, **more: float) -> tuple[float, float]:
    """Return how often one test alone says "within" and "beyond" of models made by :func:`compressed`."""
    before, after = compressed(np.random.default_rng(3), runs=runs, items=items, models=number, **more)
    parts = (
        resampled(before),
        resampled(after),
        np.full(number, runs),
        np.full(number, BUDGET),
        ["prune"] * number,
    )
    found = left(*parts, sign=1, num_items=items, highest=1.0)
    significant = found.p <= statistics.LEVEL
    return float((significant & (found.measured.size > 0)).mean()), float(
        (significant & (found.measured.size < 0)).mean()
    )


@pytest.mark.parametrize(
    ("runs", "items", "spread"),
    [(1, 300, 0.0), (1, 1000, 0.0), (3, 1000, 0.0), (3, 1000, 0.004), (3, 2000, 0.01), (5, 1000, 0.004)],
)
def test_a_drop_of_exactly_the_budget_is_seldom_within_it_or_beyond_it(
    runs: int, items: int, spread: float
) -> None:
    number = 400
    within, beyond = decisions(runs, items, number, drop=BUDGET, spread=spread)
    most = stats.binom.ppf(0.999, number, 0.05) / number
    assert within <= most
    assert beyond <= most


def test_a_few_items_without_a_difference_prove_nothing() -> None:
    same = np.ones((1, 100), bool)
    same[0, :10] = False
    found = verdict(same, same)
    assert (found.name, found.drop) == ("undecided", pytest.approx(0, abs=1e-12))
    assert found.needed_items is not None
    assert 200 < found.needed_items < 2000
    assert found.needed_seeds is None
    many = np.tile(same, (1, 20))
    assert verdict(many, many).name == "within"


def test_what_is_far_beyond_is_called_so_and_a_gain_is_within() -> None:
    rng = np.random.default_rng(1)
    assert verdict(*compressed(rng, drop=0.1, runs=3, items=2000)).name == "beyond"
    before, after = compressed(rng, drop=0.05, runs=3, items=5000)
    gain = verdict(after, before)
    assert gain.name == "within"
    assert gain.drop < -0.03


def test_models_that_vary_unequally_are_seldom_decided_at_exactly_the_budget() -> None:
    """The same method compresses four models, whose drops differ by 0.1 to 0.4 points from seed to seed."""
    number, budget = 400, 0.02
    spreads = np.tile([0.001, 0.002, 0.004, 0.004], number // 4).repeat(3)[:, None]
    before, after = compressed(
        np.random.default_rng(5), drop=budget, runs=3, items=1000, spread=spreads, models=number
    )
    methods = [f"method {row // 4}" for row in range(number)]
    parts = resampled(before), resampled(after), np.full(number, 3), np.full(number, budget), methods
    found = left(*parts, sign=1, num_items=1000, highest=1.0)
    significant = found.p <= statistics.LEVEL
    most = stats.binom.ppf(0.999, number, 0.05) / number
    assert (significant & (found.measured.size > 0)).mean() <= most
    assert (significant & (found.measured.size < 0)).mean() <= most


@pytest.mark.parametrize(("runs", "spread"), [(1, 0.0), (3, 0.0), (3, 0.002)])
def test_the_numbers_that_would_decide_give_power(runs: int, spread: float) -> None:
    drop, models = 0.004, 100
    before, after = compressed(
        np.random.default_rng(8), drop=drop, runs=runs, items=500, spread=spread, models=models
    )
    methods = [f"method {row // 4}" for row in range(models)]
    parts = resampled(before), resampled(after), np.full(models, runs), np.full(models, BUDGET), methods
    found = left(*parts, sign=1, num_items=500, highest=1.0)
    size = (BUDGET - drop) * found.scores
    true = replace(found, measured=replace(found.measured, size=size))
    items, seeds = needed(true, statistics.LEVEL, np.full(models, True))
    known = [number for number in items if number]
    assert len(known) > models / 2
    within, _ = decisions(runs, int(np.median(known)), 200, drop=drop, spread=spread)
    assert 0.68 <= within <= 0.95
    assert all(number is None for number in seeds) == (runs == 1)
    if runs > 1:
        within, _ = decisions(int(np.median(seeds)), 500, 200, drop=drop, spread=spread)
        assert 0.68 <= within <= 0.95


def test_the_variance_of_one_run_is_that_of_the_paired_t_test() -> None:
    """With a metric that is a mean of numbers, the room is a mean too."""
    rng = np.random.default_rng(2)
    before = rng.gamma(3, 1, (1, 500))
    after = before + rng.normal(0.02, 0.1, (1, 500))
    both = np.concatenate([before, after])
    values, drawn = statistics.resample((both, np.ones_like(both)), ratio, np.random.default_rng(0))
    measured = left(
        (values[:1], drawn[:1]), (values[1:], drawn[1:]), np.array([1]), np.array([0.01]), [""], sign=-1, num_items=500
    )  # fmt: skip
    [found] = judge(measured)
    room = (before - after + 0.01 * before)[0]
    expected = stats.ttest_1samp(room, 0, alternative="greater" if room.mean() > 0 else "less")
    assert found.drop == pytest.approx((after.mean() - before.mean()) / before.mean())
    assert np.log(found.p) == pytest.approx(np.log(expected.pvalue), rel=0.1)


def test_a_task_judges_each_compressed_model(tmp_path: Path) -> None:
    scores = {("cnn", seed, "none"): 0.9 for seed in range(3)}
    scores |= {("cnn", seed, "int8"): 0.9 for seed in range(3)}
    scores |= {("cnn", seed, "prune"): 0.7 for seed in range(3)}
    found = analyse(summaries_of(tmp_path, dict(scores)), TASK)
    assert found.budgets["cnn", "prune"].name == "beyond"
    assert found.budgets["cnn", "prune"].drop == pytest.approx(0.2 / 0.9)
    assert found.budgets["cnn", "int8"].name in ("within", "undecided")
    unknown = [
        replace(each, variants=tuple(replace(v, max_relative_drop=None) for v in each.variants))
        for each in summaries_of(tmp_path / "b", dict(scores))
    ]
    assert analyse(unknown, TASK).budgets == {}
