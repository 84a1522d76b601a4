# SPDX-License-Identifier: Apache-2.0
"""Intervals and tests of mean scores over seeds and test items: functions of arrays.

A model has R runs, one per seed, each with predictions for the same N test items. Its score is the mean over the runs;
other runs and other items of the same kind would give another score. Its variance has three parts:

- ``items``: the mean's variance over resampled items (a bootstrap), with the runs fixed;
- ``between``: the variance between the runs, divided by R;
- ``both``: the part that is in both of these, the interaction of runs and items. It is estimated from how much more
  single runs vary over resampled items than their mean does.

With three seeds a percentile interval's coverage would be far below its nominal level. So the variance between runs is
estimated from all comparable models together (:mod:`.seed_variance`), and :mod:`.comparisons` makes intervals and tests
of means and differences from it and from the variance over items.

Comparisons of models use the variance of their difference over items, paired because the resampled items are the same
for all. If each model has one run and predictions are correct or not, McNemar's exact test is used instead. The
interval of a bounded metric is Wilson's, for the number of items that gives this variance (as Korn and Graubard do with
Clopper and Pearson's interval).

A metric that is not a function of sums over items is recomputed from the rows, without one of at most 200 groups of
items at a time (:func:`jackknife`); the result replaces the bootstrap samples.

If a task's unit of independence is not the item, such as patients with several items each, "item" means "unit" above:
a metric's counts are summed over each unit before resampling, the jackknife leaves out whole units, and N is the number
of units.

A score that is the same on all resampled items has no interval: the AUROC of a constant is always 0.5. The exception
are sums for which all predictions are correct or all are incorrect: the next one may differ, and Wilson's interval
allows for it.

Sources: Korn, Graubard, "Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated
from Survey Data", Survey Methodology 1998; Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979,
https://www.jstor.org/stable/4615733; Kott, "The Delete-a-Group Jackknife", Journal of Official Statistics 2001; DeLong,
DeLong, Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves",
Biometrics 1988, https://doi.org/10.2307/2531595.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LEVEL = 0.05
"""The level of tests; the coverage of intervals is 1 - LEVEL."""
POWER = 0.8
DRAWS = 1000
"""Bootstrap samples of the items."""
GROUPS = 200
"""The largest number of groups of the jackknife, which leaves out one group of items at a time."""
CONSTANT = 1e-9
"""A score that varies by less than this share of itself is constant: the variation is rounding."""
BLOCK = 2_500_000
"""The number of products computed at a time, which bounds the memory."""
EXACT = 2**24
"""Integers up to this one are exact in float32."""
LEAST = 1e-50
"""The smallest p-value of a difference whose variance depends on seeds."""
TINY = 1e-100
"""Replaces a variance of 0 in a division."""
MOST_ITEMS, MOST_SEEDS = 10_000_000, 1000
"""The largest numbers of items and seeds that are worth reporting as needed."""


@dataclass(frozen=True)
class Spread:
    """The variation of G means over runs: variances of the means (G,)."""

    mean: Array
    runs: Whole
    noise: Array
    """(G, B): the deviation of each mean on each bootstrap sample of the items."""
    between: Array
    both: Array
    num_items: int

    @property
    def items(self) -> Array:
        """(G,)"""
        variances: Array = np.einsum("gb,gb->g", self.noise, self.noise) / (self.noise.shape[1] - 1)
        return variances

    def take(self, rows: Whole) -> Spread:
        """Return the means of these rows."""
        return Spread(
            self.mean[rows],
            self.runs[rows],
            self.noise[rows],
            self.between[rows],
            self.both[rows],
            self.num_items,
        )


def draw(num_items: int, num_draws: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the number of times each item is in each bootstrap sample, (B, N)."""
    weights = np.empty((num_draws, num_items), np.float32)
    for row in weights:
        row[:] = np.bincount(rng.integers(num_items, size=num_items), minlength=num_items)
    return weights


def resample(
    counts: Sequence[NDArray[Any]],
    of_sums: Callable[[Array], Array],
    rng: np.random.Generator,
    num_draws: int = DRAWS,
) -> tuple[Array, Array]:
    """Return the metric of V runs (V,), and on B bootstrap samples of the items (V, B), the same ones for all runs.

    Args:
        counts: S arrays (V, N): the metric's counts of each run's items.
        of_sums: from sums (..., S) to the metric (...).
        rng: samples the items.
    """
    num_runs, num_items = counts[0].shape
    values = of_sums(np.stack([each.sum(axis=1, dtype=np.float64) for each in counts], axis=-1))
    drawn = np.empty((num_runs, num_draws))
    shared = [bool((each == each[0]).all()) for each in counts]
    step = max(1, BLOCK // num_items)
    for first in range(0, num_draws, step):
        weights = draw(num_items, min(step, num_draws - first), rng)
        once = [_sums(each[:1], weights) if same else None for each, same in zip(counts, shared, strict=True)]
        for start in range(0, num_runs, step):
            rows = slice(start, start + step)
            sums = [
                _sums(each[rows], weights) if known is None else known
                for each, known in zip(counts, once, strict=True)
            ]
            columns = slice(first, first + len(weights))
            drawn[rows, columns] = of_sums(np.stack(np.broadcast_arrays(*sums), axis=-1))
    return values, drawn


def _sums(counts: NDArray[Any], weights: NDArray[np.float32]) -> Array:
    """Return the sums (V, B) of counts (V, N) weighted by (B, N); in float32 if that is exact."""
    whole = counts.dtype.kind in "bui" and int(counts.max()) * counts.shape[1] < EXACT
    kind = np.float32 if whole else np.float64
    sums: Array = np.matmul(counts.astype(kind), weights.astype(kind, copy=False).T).astype(np.float64)
    return sums


def jackknife(
    arrays: Sequence[NDArray[Any]],
    value: Callable[[Sequence[NDArray[Any]]], float],
    rng: np.random.Generator,
    num_groups: int = GROUPS,
    *,
    units: Whole | None = None,
) -> tuple[Array, Array]:
    """Return the metric of V runs (V,), and K numbers (V, K) that vary around it like bootstrap samples.

    The units are split at random into K groups, the same for all runs, and the metric is computed K times, each time
    without one group. The deviations of these values from their mean are scaled to those of new samples of all units,
    so that :func:`spread` can treat the result like bootstrap samples.

    A jackknife rather than a bootstrap, because each step is a call of a Python function. 1,000 bootstrap samples give
    a standard error to within 2%, 200 groups to within 5% (one deviation), for a fifth of the cost: AUROC of 36 runs of
    5,000 items takes some 2 s instead of 10. With at most 200 units each group is one unit, which agrees with DeLong's
    variance of AUROC where units are items. As nearly all items stay, a metric that needs items of a rare class stays
    defined. It is meant for smooth metrics (AUROC, mean average precision, F1, BLEU), not for medians. Intervals use
    Student's t with N - 1 degrees of freedom; with the 199 of the groups they would be 0.6% wider.

    Args:
        arrays: (V, N) each: the metric's arrays of each run's items.
        value: from arrays (M,) to the metric; nan if it is undefined.
        rng: assigns the units to groups.
        units: (N,) the unit of each item, from 0 to U - 1; None if each item is one.
    """
    num_runs, num_items = arrays[0].shape
    units = np.arange(num_items) if units is None else units
    num_units = int(units.max()) + 1
    values = np.array([value([each[run] for each in arrays]) for run in range(num_runs)])
    if num_units == 1:
        return values, values[:, None].repeat(2, axis=1)
    groups = np.array_split(rng.permutation(num_units), min(num_groups, num_units))
    without = np.empty((num_runs, len(groups)))
    for column, group in enumerate(groups):
        kept = np.flatnonzero(~np.isin(units, group))
        for run in range(num_runs):
            without[run, column] = value([each[run, kept] for each in arrays])
    step = (len(groups) - 1) * np.sqrt((num_units - 1) / (num_units * len(groups)))
    return values, values[:, None] + step * (without.mean(axis=1, keepdims=True) - without)


def spread(values: Array, drawn: Array, runs: Whole, num_items: int) -> Spread:
    """Return the variation of the means of G models.

    Args:
        values: (V,) the metric of each run, grouped by model.
        drawn: (V, B) the metric on bootstrap samples of the items.
        runs: (G,) the number of runs of each model.
        num_items: the number of items, N.
    """
    starts = np.concatenate([[0], runs.cumsum()[:-1]])
    others = np.maximum(runs - 1, 1)
    mean = np.add.reduceat(values, starts) / runs
    # The variance of bootstrap samples is that of N items around their own mean, too small by (N - 1) / N.
    deviations = (drawn - drawn.mean(axis=1, keepdims=True)) * np.sqrt(num_items / max(num_items - 1, 1))
    noise = np.add.reduceat(deviations, starts) / runs[:, None]
    between = np.add.reduceat((values - mean.repeat(runs)) ** 2, starts) / others / runs
    single = np.add.reduceat(deviations.var(axis=1, ddof=1), starts) / runs
    found = Spread(mean, runs, noise, between, np.zeros_like(mean), num_items)
    both = np.where(runs > 1, np.maximum(single - found.items, 0) / others, 0)
    return Spread(mean, runs, noise, between, both, num_items)


def bounded(
    mean: Array, reach: Array, num_items: int, highest: float | None = None, *, summed: bool = True
) -> tuple[Array, Array]:
    """Return the ends of intervals of means (P,) from their half-widths (P,): Wilson's for a bounded metric."""
    constant = reach <= CONSTANT * np.abs(mean)
    if highest is None:
        reach = np.where(constant, np.nan, reach)
        return mean - reach, mean + reach
    share = np.clip(mean / highest, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = share * (1 - share) * (ndtri(LEVEL / 2) * highest / reach) ** 2
    number = np.where(constant | ~(number > 0), num_items, number)
    at_an_end = (share < CONSTANT) | (share > 1 - CONSTANT)
    number = np.where(constant & ~(at_an_end & summed), np.nan, number)
    low, high = proportion_confint(share * number, number, LEVEL, "wilson")
    return highest * low, highest * high


def p_values(difference: Array, variance: Array, num_items: int) -> Array:
    """Return the two-sided p-values (P,) of the paired t-test over items, from variances (P,) over them.

    A difference that is the same on all resampled items gets the p-value of a sign test in which all N items agree.
    """
    size, deviation = np.abs(difference), np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = 2 * stdtr(max(num_items - 1, 1), -size / deviation)
    found = np.where(deviation <= CONSTANT * size, 0.5 ** (num_items - 1), found)
    return np.where(size == 0, 1.0, found)


def mcnemar(only_first: Whole, only_second: Whole) -> Array:
    """Return the p-values (P,) of McNemar's exact test, from the numbers of items on which only one model is correct.

    Equal to statsmodels.stats.contingency_tables.mcnemar, which takes one pair at a time.
    """
    fewer = np.minimum(only_first, only_second)
    p: Array = np.minimum(2 * binom.cdf(fewer, only_first + only_second, 0.5), 1)
    return p


def holm(p: Array) -> Array:
    """Return p-values (P,) with Holm's correction for their number.

    Equal to statsmodels.stats.multitest.multipletests, which collects garbage at each call: 0.2 s beside PyTorch.
    """
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected
