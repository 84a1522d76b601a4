"""Simulated tables of models, runs and items, and how often the report's tests and intervals are right on them.

An item is as hard for one model as for another, by half of its variance; the rest is chance of one run. A model's score
varies over its runs by a normal variable. tests/report/inference/test_power.py looks at a few hundred tables,
benchmarks/power.py at thousands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from assay.report.inference import comparisons, seed_variance, statistics
from assay.report.inference.seed_variance import SeedVariance
from assay.report.inference.statistics import Spread

GROUP = 5
"""Items of a unit, in grouped cases."""
SPURIOUS = 0.2
"""Entities found that do not exist, a true one, in cases of F1."""
AT_ONCE = 25


@dataclass(frozen=True)
class Case:
    """K models with R runs on N items."""

    scores: tuple[float, ...]
    """(K,): the expected share of correct predictions."""
    deviations: tuple[float, ...]
    """(K,): of that share over runs; 0 for a model that does not depend on the seed."""
    runs: int = 3
    items: int = 1000
    kind: str = "accuracy"
    """accuracy, f1 or real: a distance from the truth with heavy tails."""
    grouped: bool = False

    @property
    def truth(self) -> np.ndarray:
        """(K,): the expected metric."""
        scores = np.array(self.scores)
        if self.kind != "f1":
            return scores
        drawn = scores + np.array(self.deviations) * np.random.default_rng(9).standard_normal((20_000, 1))
        return np.asarray((2 * drawn / (drawn + SPURIOUS + 1)).mean(axis=0))


def spreads(case: Case, tables: int, rng: np.random.Generator) -> list[Spread]:
    """Return the spread of each table, with the exact variances of items in place of a bootstrap."""
    found = []
    for first in range(0, tables, AT_ONCE):
        number = min(AT_ONCE, tables - first)
        shape = (number, len(case.scores), case.runs, case.items)
        share = np.array(case.scores)[:, None] + np.array(case.deviations)[:, None] * rng.standard_normal(
            shape[:3]
        )
        hard = rng.standard_normal((number, 1, 1, case.items), np.float32)
        if case.grouped:  # half of what makes an item hard is its unit's
            of_unit = rng.standard_normal((number, 1, 1, case.items // GROUP), np.float32)
            hard = np.sqrt(0.5) * hard + np.sqrt(0.5) * of_unit.repeat(GROUP, axis=-1)
        own = np.sqrt(0.5) * hard + np.sqrt(0.5) * rng.standard_normal(shape, np.float32)
        sums = _counts(case, share, own, rng)
        if case.grouped:
            sums = [each.reshape(*each.shape[:-1], -1, GROUP).sum(axis=-1) for each in sums]
        found += [_spread(table) for table in zip(*sums, strict=True)]
    return found


def _counts(case: Case, share: np.ndarray, own: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the metric's counts, (tables, K, R, N) each."""
    if case.kind == "real":  # of mean 0 and deviation 0.3, with heavy tails
        return [share[..., None] + 0.3 * (np.exp(own) - np.exp(0.5)) / 2.16, np.ones_like(own)]
    easy = ndtri(np.clip(share, 1e-4, 1 - 1e-5)).astype(np.float32)
    correct = (own < easy[..., None]).astype(np.float32)
    if case.kind == "accuracy":
        return [correct, np.ones_like(correct)]
    spurious = rng.random(correct.shape, np.float32) < SPURIOUS
    return [2 * correct, correct + spurious + 1]


def _spread(counts: tuple[np.ndarray, ...]) -> Spread:
    """Return a table's spread. The variance of a ratio over items is that of its linear approximation."""
    above, below = counts  # (K, R, N)
    models, runs, items = above.shape
    values = above.sum(axis=-1) / below.sum(axis=-1)
    influence = (above - values[..., None] * below) / below.mean(axis=-1, keepdims=True)
    drawn = values[..., None] + influence * np.sqrt((items - 1) / items / items)
    return statistics.spread(
        values.ravel(), drawn.reshape(models * runs, items), np.full(models, runs), items
    )


def interval(
    found: Spread, highest: float | None = None, *, summed: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95% intervals of the means of a spread."""
    seeded = found.between > 0
    means = comparisons.of_means(found, seed_variance.estimate(found, seeded, seeded))
    return statistics.bounded(
        found.mean, means.reach(statistics.LEVEL), found.num_items, highest, summed=summed
    )


def pairs(found: Spread, first: np.ndarray, second: np.ndarray) -> comparisons.Differences:
    """Return the differences of the means in rows (P,) and (P,) of a spread."""
    seeded = found.between > 0
    return comparisons.of_pairs(found, seed_variance.estimate(found, seeded, seeded), first, second)


def seeds_of(case: Case, found: Spread) -> SeedVariance:
    """Return the seed variances as the report estimates them."""
    seeded = np.array(case.deviations) > 0
    return seed_variance.estimate(found, seeded, seeded)


def significant(case: Case, found: Spread) -> tuple[np.ndarray, np.ndarray]:
    """Return which pairs of a table are significantly different, and their differences, first less second."""
    models = len(case.scores)
    first, second = np.triu_indices(models, 1)
    tests = comparisons.of_pairs(found, seeds_of(case, found), first, second)
    return comparisons.step_down(tests.p, models) <= statistics.LEVEL, tests.size


def power(case: Case, tables: int, seed: int = 0) -> tuple[float, float]:
    """Return the share of the truly different pairs that are found, in the right order (nan without such pairs), and
    the share of tables with a false call: equal models told apart, or different ones in the wrong order."""
    first, second = np.triu_indices(len(case.scores), 1)
    gap = case.truth[first] - case.truth[second]
    found, false = [], []
    for table in spreads(case, tables, np.random.default_rng(seed)):
        called, difference = significant(case, table)
        right = called & (gap * difference > 0)
        found.append(right[gap != 0].mean() if (gap != 0).any() else np.nan)
        false.append((called & ~right).any())
    return float(np.mean(found)), float(np.mean(false))


def coverage(case: Case, tables: int, seed: int = 0) -> np.ndarray:
    """Return the share (K,) of tables in which each model's interval covers its expected score."""
    covered = []
    for table in spreads(case, tables, np.random.default_rng(seed)):
        means = comparisons.of_means(table, seeds_of(case, table))
        highest = None if case.kind == "real" else 1
        low, high = statistics.bounded(table.mean, means.reach(statistics.LEVEL), table.num_items, highest)
        covered.append((low <= case.truth) & (case.truth <= high))
    return np.asarray(np.mean(covered, axis=0))


def winners(case: Case, tables: int, seed: int = 0) -> tuple[float, float, float]:
    """Return the share of tables in which the interval of the best covers its expected score, the mean error of its
    estimate, and that of its measured mean."""
    covered, error, measured = [], [], []
    for table in spreads(case, tables, np.random.default_rng(seed)):
        seeds = seeds_of(case, table)
        best, estimate, low, high = comparisons.best_after_selection(
            table, seeds, 1, np.random.default_rng(0)
        )
        covered.append(low <= case.truth[best] <= high)
        error.append(estimate - case.truth[best])
        measured.append(table.mean[best] - case.truth[best])
    return float(np.mean(covered)), float(np.mean(error)), float(np.mean(measured))


def plan(case: Case, tables: int, seed: int = 0) -> comparisons.Plan:
    """Return what is planned for the first and the last model if their difference and its variance are as expected."""
    models = len(case.scores)
    drawn = []
    for found in spreads(case, tables, np.random.default_rng(seed)):
        drawn.append(
            comparisons.of_pairs(found, seeds_of(case, found), np.array([0]), np.array([models - 1]))
        )
    expected = replace(
        drawn[0],
        size=np.array([case.truth[0] - case.truth[-1]]),
        items=np.mean([each.items for each in drawn], axis=0),
        seeds=np.mean([each.seeds for each in drawn], axis=0),
        interaction=np.mean([each.interaction for each in drawn], axis=0),
        degrees=np.mean([each.degrees for each in drawn], axis=0),
        prior=np.median([each.prior for each in drawn], axis=0),
    )
    [found] = comparisons.plan(expected, comparisons.next_level(1, models))
    return found
