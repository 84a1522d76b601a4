# SPDX-License-Identifier: Apache-2.0
"""Comparisons of all models of a task: tests of pairs, ranks, the best, and its score after selection.

A difference of two means varies with the items, which all models share, and with the runs of each (their variances are
those of :mod:`.seed_variance`). It is compared with Student's t with the degrees of freedom of Welch and Satterthwaite;
for models that do not depend on the seed this is the paired test over items.

All pairs of K models are tested at 5% together, step by step as by Holm, with the corrections of Shaffer (a pair that
differs leaves fewer pairs that can be equal) and of Tukey (the pairs of equal models are not independent). A model's
ranks are those that the tests allow: 1 + the number of models that are significantly better, up to K - the number of
significantly worse ones.

Which models may be the best is another question, with fewer comparisons: each model is compared with those of a better
mean, one-sided, at 5% for each model (Hsu's multiple comparisons with the best, with Dunnett's correction).

The best of several means is too good, because it was chosen for its luck as well. Its estimate and interval come from
drawing tables like the measured one and looking at how much their winners exceed their true scores.

Sources: Shaffer, "Modified Sequentially Rejective Multiple Test Procedures", JASA 1986; Welsch, "Stepwise Multiple
Comparison Procedures", JASA 1977; Hsu, "Multiple Comparisons:
Theory and Methods", 1996; Dunnett, "A Multiple Comparison Procedure for Comparing Several Treatments with a Control",
JASA 1955; Efron, "Tweedie's Formula and Selection Bias", JASA 2011.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import chdtr, nctdtr, ndtr, ndtri, stdtr, stdtrit

from assay.report.inference import statistics
from assay.report.inference.seed_variance import SeedVariance
from assay.report.inference.statistics import (
    LEAST,
    LEVEL,
    MOST_ITEMS,
    MOST_SEEDS,
    POWER,
    TINY,
    Array,
    Spread,
    Whole,
)

TABLES = 4000
"""Simulated tables for the luck of the best."""
GRID = np.linspace(0, 9, 181)
"""Differences, in standard deviations, at which probabilities of ranges are computed."""
MOST_RANGES = 25
"""The most models for which all groups of equal models are considered; beyond, all equal is the worst."""
SURE = 30
"""A difference of this many standard deviations does not vary by as much as matters."""
MOST_BOTH = 50
"""The most seeds worth planning together with more items."""


@dataclass(frozen=True)
class Differences:
    """P numbers, each a mean or a difference of two, and the parts of their variances, of K models each."""

    size: Array
    """(P,)"""
    items: Array
    """(P,): the variance over items with the runs fixed, the least that a number varies by."""
    seeds: Array
    """(P, K): the variance of each mean by its runs."""
    interaction: Array
    """(P, K): the part that is in both of these."""
    runs: Whole
    """(P, K): the number of runs; 0 for a model without a seed variance."""
    degrees: Array
    """(P, K): the degrees of freedom of ``seeds``."""
    prior: Array
    pooled: Array
    """(P,) as in :class:`.SeedVariance`."""
    num_items: int

    def take(self, rows: Whole) -> Differences:
        """Return the numbers of these rows."""
        return Differences(
            self.size[rows],
            self.items[rows],
            self.seeds[rows],
            self.interaction[rows],
            self.runs[rows],
            self.degrees[rows],
            self.prior[rows],
            self.pooled[rows],
            self.num_items,
        )

    @property
    def well(self) -> Array:
        """(P,): the variance over items without the interaction."""
        well: Array = np.maximum(self.items - self.interaction.sum(axis=1), 0)
        return well

    @property
    def variance(self) -> Array:
        """(P,)"""
        variance: Array = np.maximum(self.well + self.seeds.sum(axis=1), self.items)
        return variance

    @property
    def freedom(self) -> Array:
        """(P,): degrees of freedom, by Welch and Satterthwaite. The error of the common variance is the same for both
        models of a pair."""
        prior = self.prior[:, None]
        common = self.seeds * prior / np.maximum(prior + np.maximum(self.runs - 1, 0), TINY)
        shared = (common.sum(axis=1) ** 2 - (common**2).sum(axis=1)) / np.maximum(self.pooled, 1)
        own = (self.seeds**2 / np.maximum(self.degrees, TINY)).sum(axis=1)
        unsure = own + shared + self.well**2 / max(self.num_items - 1, 1)
        freedom: Array = (self.variance**2 / np.maximum(unsure, TINY**2)).clip(1, 1e9)
        return np.where(self.fixed, max(self.num_items - 1, 1), freedom)

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """(P,): whether no model has a seed variance."""
        fixed: NDArray[np.bool_] = (self.runs == 0).all(axis=1)
        return fixed

    @property
    def p(self) -> Array:
        """The two-sided p-values (P,) of the hypothesis of 0 over all seeds and items."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = 2 * stdtr(self.freedom, -np.abs(self.size) / np.sqrt(self.variance))
        found = np.where(self.size == 0, 1.0, np.maximum(found, LEAST))
        return np.where(self.fixed, statistics.p_values(self.size, self.items, self.num_items), found)

    def reach(self, level: float) -> Array:
        """Return the half-widths (P,) of intervals with coverage 1 - ``level``."""
        reach: Array = -stdtrit(self.freedom, level / 2) * np.sqrt(self.variance)
        return reach

    def planned(self, items: Whole, runs: Whole) -> Differences:
        """Return the expected parts with other numbers (P,) of items and of runs of each model that has several."""
        share = self.num_items / items
        single = self.interaction * self.runs
        of_runs = np.maximum(self.seeds * self.runs - single, 0) + single * share[:, None]
        count = np.where(self.runs > 1, runs[:, None], np.maximum(self.runs, 1))
        interaction = single * share[:, None] / count
        grown = (runs - 1) / np.maximum(self.runs.max(axis=1) - 1, 1)
        return Differences(
            self.size,
            self.well * share + interaction.sum(axis=1),
            of_runs / count,
            interaction,
            np.where(self.runs > 0, count, 0),
            np.where(self.runs > 0, self.degrees + count - self.runs, 0),
            self.prior,
            self.pooled * grown,
            int(items.min()),
        )

    def power(self, level: float) -> Array:
        """Return the probabilities (P,) that tests at this level find differences as large as these."""
        return self.power_of_one_side(level / 2, self.variance)

    def power_of_one_side(self, level: float, variance: Array) -> Array:
        """Return the probabilities (P,) that one-sided tests at this level find differences as large as these, if the
        true variances are ``variance`` (P,)."""
        deviation = np.sqrt(np.maximum(variance, TINY))
        effect = np.abs(self.size) / deviation
        critical = -stdtrit(self.freedom, level) * np.sqrt(self.variance) / deviation
        found = 1 - nctdtr(self.freedom, np.minimum(effect, SURE), np.minimum(critical, 2 * SURE))
        # A size that hardly varies is significant if the estimated variance is small enough.
        with np.errstate(divide="ignore"):
            constant = chdtr(self.freedom, self.freedom * (effect / critical) ** 2)
        power: Array = np.nan_to_num(np.where(effect < SURE, found, constant), nan=0.0)
        return power


@dataclass(frozen=True)
class Plan:
    """What would make a difference significant with 80% power, if it is as measured; None if it is not practical."""

    items: int | None
    """With as many seeds as now."""
    seeds: int | None
    """With as many items as now, for each model that depends on the seed."""
    both: tuple[int, int] | None
    """Items and seeds together, if neither of them alone is enough."""


def of_means(found: Spread, seeds: SeedVariance) -> Differences:
    """Return the means of a spread with their variances."""
    return _of(found, seeds, np.arange(len(found.mean))[:, None], found.mean, found.items)


def of_pairs(found: Spread, seeds: SeedVariance, first: Whole, second: Whole) -> Differences:
    """Return the differences between the means in rows (P,) and (P,)."""
    own = found.items
    covariances = found.noise @ found.noise.T / (found.noise.shape[1] - 1)  # (G, G)
    items = np.maximum(own[first] + own[second] - 2 * covariances[first, second], 0)
    pairs = np.stack([first, second], axis=1)
    return _of(found, seeds, pairs, found.mean[first] - found.mean[second], items)


def _of(found: Spread, seeds: SeedVariance, pairs: Whole, size: Array, items: Array) -> Differences:
    runs = np.where(seeds.variance > 0, found.runs, 0)[pairs]
    parts = (seeds.variance[pairs], seeds.interaction[pairs], runs, seeds.freedom[pairs])
    shared = (seeds.prior[pairs[:, 0]], seeds.pooled[pairs[:, 0]])
    return Differences(size, items, *parts, *shared, found.num_items)


@cache
def _true_hypotheses(models: int) -> Whole:
    """Return the possible numbers of equal pairs among all pairs of models: those of groups of equal ones."""
    numbers: list[set[int]] = [{0}]
    for many in range(1, models + 1):
        groups = ((size, rest) for size in range(1, many + 1) for rest in numbers[many - size])
        numbers.append({size * (size - 1) // 2 + rest for size, rest in groups})
    return np.array(sorted(numbers[models]))


@cache
def _within_ranges(models: int) -> Array:
    """Return the least probability that no two equal models differ by more than z, (T + 1, Z), if T pairs may be equal.

    It is that of the ranges of groups of equal models, for the worst groups that have at most T pairs.
    """
    points, weights = hermegauss(80)
    weights = weights / weights.sum()
    groups = [np.ones_like(GRID)]
    for size in range(1, models + 1):
        tail = ndtr(points[:, None]) - ndtr(points[:, None] - np.sqrt(2) * GRID)
        groups.append(size * weights @ tail ** (size - 1) if size > 1 else np.ones_like(GRID))
    pairs = models * (models - 1) // 2
    least = np.ones((models + 1, pairs + 1, len(GRID)))
    for many in range(1, models + 1):
        for size in range(2, many + 1):
            own = size * (size - 1) // 2
            rest = least[many - size, : pairs + 1 - own]
            least[many, own:] = np.minimum(least[many, own:], groups[size] * rest)
    return np.minimum.accumulate(least[models], axis=0).clip(0, 1)


def step_down(p: Array, models: int) -> Array:
    """Return the p-values of all pairs of models, corrected for their number.

    A step asks how probable it is that any of the pairs that can still be equal has a p-value this small: at most their
    number times that p-value (Shaffer), or as the ranges of groups of equal models tell (Tukey, Welsch), whichever is
    less. The first step is by their number alone: the ranges take the variances as known, and with few seeds of models
    that vary unequally the largest of all differences exceeds them too often (6 to 8% of simulated tables).
    """
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(_steps(p[order], len(p) - np.arange(len(p)), models))
    return corrected


def next_level(significant: int, models: int) -> float:
    """Return the level at which the next pair is tested, if this number of pairs is significant already."""
    left = max(models * (models - 1) // 2 - significant, 1)
    trial = np.exp(np.linspace(np.log(LEVEL / left / 2), np.log(LEVEL), 400))
    steps = _steps(trial, np.full(len(trial), left), models)
    return float(trial[max(int(np.searchsorted(steps, LEVEL * (1 + 1e-9), side="right")) - 1, 0)])


def _steps(p: Array, left: Whole, models: int) -> Array:
    """Return the probabilities (P,) that any of the pairs that can still be equal has a p-value of at most these.

    Args:
        left: (P,) the number of pairs that are not yet significant.
    """
    possible = _true_hypotheses(models)
    at_most = np.maximum(possible[np.searchsorted(possible, left, side="right") - 1], 1)
    step = np.minimum(p * at_most, 1)
    distance = -ndtri(np.clip(p / 2, LEAST, 0.5))
    near = np.flatnonzero((distance < GRID[-1]) & (left < models * (models - 1) // 2))
    if models <= MOST_RANGES:
        inside, place = _within_ranges(models)[left[near]], distance[near] / GRID[1]  # (near, Z)
        low, rows = place.astype(int), np.arange(len(near))
        within = inside[rows, low] + (place - low) * (inside[rows, low + 1] - inside[rows, low])
    else:
        points, weights = hermegauss(80)
        tail = ndtr(points[:, None]) - ndtr(points[:, None] - np.sqrt(2) * distance[near])
        within = models * (weights / weights.sum()) @ tail ** (models - 1)
    step[near] = np.minimum(step[near], 1 - within)
    return step


def chances_to_be_best(
    p: Array,
    first_is_better: NDArray[np.bool_],
    first: Whole,
    second: Whole,
    models: int,
    *,
    correlated: bool = True,
) -> Array:
    """Return the p-values (K,) of the hypotheses that a model is at least as good as each other one.

    Args:
        p: the two-sided p-values of all pairs.
        first_is_better: whether the first of each pair has the better mean.
        first: the first of each pair, from 0 to K - 1.
        second: the second of each pair.
        models: K.
        correlated: whether the comparisons of one model with the others are correlated by 1/2, as they are if all means
            vary equally (Dunnett); otherwise the correction is for their number alone (Bonferroni).
    """
    least = np.ones(models)
    np.minimum.at(least, np.where(first_is_better, second, first), p / 2)
    if not correlated:
        return np.where(least < 0.5, np.minimum(least * (models - 1), 1), 1.0)
    gap = -ndtri(np.clip(least, TINY, 0.5))
    points, weights = hermegauss(64)
    inside = ndtr(np.sqrt(2) * gap[:, None] - points) ** (models - 1) @ weights / weights.sum()
    return np.where(least < 0.5, 1 - inside, 1.0)


def best_after_selection(
    found: Spread,
    seeds: SeedVariance,
    sign: int,
    rng: np.random.Generator,
    *,
    freedom: int | None = None,
) -> tuple[int, float, float, float]:
    """Return the row of the best mean, and its estimate and the ends of its 95% interval after selection.

    The winner's luck is its excess over its true score in tables drawn around scores that are drawn together as far as
    chance explains their differences (James and Stein). Only models that may be the best belong in it.

    Args:
        found: the means among which the best is chosen.
        seeds: their seed variances.
        sign: 1 if more is better, -1 if less is.
        rng: draws tables.
        freedom: the degrees of freedom of the variances over items if they are few; None for a normal distribution.
    """
    mean = sign * found.mean
    best = int(mean.argmax())
    models = len(mean)
    degrees = np.where(seeds.freedom > 0, seeds.freedom, 1)[:, None]
    scale = degrees / rng.chisquare(degrees, (models, TABLES))
    extra = np.sqrt(np.maximum(seeds.variance - seeds.interaction, 0)[:, None] * scale)  # (G, TABLES)
    sizes, directions = np.linalg.eigh(found.noise @ found.noise.T / (found.noise.shape[1] - 1))
    of_items = directions * np.sqrt(
        np.maximum(sizes, 0)
    )  # (G, G): its product with its transpose is the covariance
    shared = np.ones(TABLES) if freedom is None else np.sqrt(freedom / rng.chisquare(freedom, TABLES))
    errors = of_items @ rng.standard_normal((models, TABLES)) * shared + extra * rng.standard_normal(
        (models, TABLES)
    )
    by_chance = ((errors - errors.mean(axis=0)) ** 2).sum(axis=0).mean()
    around = mean - mean.mean()
    measured = (around**2).sum()
    true = mean.mean() + around * max(0.0, 1 - by_chance / measured if measured > 0 else 0.0)
    drawn = true[:, None] + errors
    chosen = drawn.argmax(axis=0)
    luck = drawn[chosen, np.arange(TABLES)] - true[chosen]
    high, low = mean[best] - np.quantile(luck, [LEVEL / 2, 1 - LEVEL / 2])
    ends = sorted((float(sign * low), float(sign * high)))
    return best, float(sign * (mean[best] - luck.mean())), ends[0], ends[1]


def plan(differences: Differences, level: float) -> list[Plan]:
    """Return what would make each difference significant by the test that is run.

    Args:
        level: the level of the test, corrected for the number of comparisons.
    """
    runs = np.maximum(differences.runs.max(axis=1), 1)
    several = differences.runs.max(axis=1) > 1
    here = np.full(len(runs), differences.num_items)

    def enough(items: Whole, seeds: Whole) -> NDArray[np.bool_]:
        return differences.planned(items, seeds).power(level) >= POWER

    items = least(lambda number: enough(number, runs), here, MOST_ITEMS)
    seeds = least(lambda number: enough(here, number), runs, MOST_SEEDS)
    grown = least(lambda number: enough(-(-here * number // runs), number), runs, MOST_BOTH)
    return [
        Plan(
            items[row],
            seeds[row] if several[row] else None,
            (-(-int(here[row]) * many // int(runs[row])), many)
            if several[row] and many is not None
            else None,
        )
        for row, many in enumerate(grown)
    ]


def least(enough: Callable[[Whole], NDArray[np.bool_]], present: Whole, most: int) -> list[int | None]:
    """Return the smallest numbers (P,) above those present, and up to ``most``, that are enough; None if there is
    none."""
    low, high = present.copy(), np.full_like(present, most)
    possible = enough(high)
    while (high - low > 1).any():
        middle = (low + high) // 2
        fine = enough(middle)
        low, high = np.where(fine, low, middle), np.where(fine, middle, high)
    return [int(number) if fine else None for number, fine in zip(high, possible, strict=True)]
