# SPDX-License-Identifier: Apache-2.0
"""How sure a mean over seeds and test items is, and which means differ: arrays in, numbers out.

Of a model there are R runs, one a seed, and each answers the same N test items. Its score is the mean over the runs;
asked of other runs and other items of the same kind, it would be another one. Its variance shows in three numbers:

- ``items``: the mean's variance where the items are drawn again (a bootstrap) and the runs are as they are;
- ``between``: the runs' own variance over R;
- ``both``: what is in either of them, how runs differ on single items. It shows in how much more single runs vary with
  the items drawn than their mean does.

Over three seeds a percentile interval would hold far less often than it says. So what is known well (from N items)
and what is known badly (from R runs) are kept apart, and each is given its own quantile of Student's t, as Cochran
does: an interval reaches ``sqrt(well t(N - 1)^2 + badly t(R - 1)^2)``. An interval of a mean has ``both`` with what
is known well: so it holds about 95% of the time whether items or seeds matter more. A test has it with what is known
badly, since runs that happen to be alike would else be trusted too often for the small levels that remain after a
correction for many comparisons. Both is what tests/report/inference/test_statistics.py simulates.

Models are compared by the same parts of their difference, and as the drawn items are the same for all, in pairs. Where
each has one run and each item is right or wrong, McNemar's exact test is asked instead. A bounded metric's interval is
Wilson's, with as many items as have that variance (Korn and Graubard do so with Clopper and Pearson's).

A metric that is no function of sums over items is computed again from the rows, without one of at most 200 groups of
items at a time (:func:`jackknife`); the result takes the place of the bootstrap samples.

Where a task draws its items by a larger unit, such as patients of whom each has several, "item" reads "unit" in all of
this: what a metric counts is summed over each unit before anything is drawn, the jackknife leaves out whole units, and
N is the number of units.

A score that is the same whatever items are drawn has no interval: the AUROC of a constant is 0.5 on all items. The
exception are sums where all items are right or all are wrong: the next item may differ, as Wilson's interval allows.

Sources: Cochran, "Approximate Significance Levels of the Behrens-Fisher Test", Biometrics 1964,
https://doi.org/10.2307/2528199; Korn, Graubard, "Confidence Intervals for Proportions with Small Expected Number of
Positive Counts Estimated from Survey Data", Survey Methodology 1998; Holm, "A Simple Sequentially Rejective Multiple
Test Procedure", 1979, https://www.jstor.org/stable/4615733; Kott, "The Delete-a-Group Jackknife", Journal of Official
Statistics 2001; DeLong, DeLong, Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver Operating
Characteristic Curves", Biometrics 1988, https://doi.org/10.2307/2531595.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_root
from scipy.special import ndtri, stdtr, stdtrit
from scipy.stats import binom
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LEVEL = 0.05
"""Of tests; intervals hold the rest of the time."""
POWER = 0.8
DRAWS = 1000
"""Bootstrap samples of the items."""
GROUPS = 200
"""Most groups of items that the jackknife leaves out, one group at a time."""
CONSTANT = 1e-9
"""A score that varies by less than this share of itself does not vary: the rest is rounding."""
BLOCK = 2_500_000
"""Numbers that are multiplied at once, which bounds the memory."""
EXACT = 2**24
"""Whole numbers up to this one are whole in float32."""
LEAST = 1e-50
"""P-values where seeds matter are no smaller."""
TINY = 1e-100
"""Stands for a variance of 0 where one divides by it."""
MOST_ITEMS, MOST_SEEDS = 10_000_000, 1000
"""More than these nobody will make; to need them is called hopeless."""


@dataclass(frozen=True)
class Spread:
    """What G means over runs vary by: variances of the mean (G,)."""

    mean: Array
    runs: Whole
    noise: Array
    """(G, B): by how much each mean moves with the items drawn again."""
    between: Array
    both: Array
    num_items: int

    @property
    def items(self) -> Array:
        """(G,)"""
        found: Array = np.einsum("gb,gb->g", self.noise, self.noise) / (self.noise.shape[1] - 1)
        return found

    def take(self, rows: Whole) -> Spread:
        """Return some of the means."""
        return Spread(
            self.mean[rows],
            self.runs[rows],
            self.noise[rows],
            self.between[rows],
            self.both[rows],
            self.num_items,
        )


@dataclass(frozen=True)
class Variance:
    """The variance of P numbers, in what is known well and what is known badly."""

    well: Array
    """(P,)"""
    badly: Array
    """(P, K): of each of the K models that a number comes from, 0 of one that has one run."""
    both: Array
    """(P, K): what of ``badly`` more items would lessen."""
    items: Array
    """(P,): with the runs as they are; nothing is ever called surer than that."""
    runs: Whole
    """(P, K)"""
    num_items: int

    def take(self, rows: Whole) -> Variance:
        """Return some of the numbers."""
        parts = (self.well[rows], self.badly[rows], self.both[rows], self.items[rows], self.runs[rows])
        return Variance(*parts, self.num_items)

    def with_items(self, number: Whole) -> Variance:
        """Return what to expect with other numbers (P,) of items."""
        share = self.num_items / number
        both = self.both * share[:, None]
        badly = np.maximum(self.badly - self.both + both, 0)
        parts = (self.well * share, badly, both, self.items * share, self.runs)
        return Variance(*parts, int(number.min()))

    def with_runs(self, number: Whole) -> Variance:
        """Return what to expect with other numbers (P,) of runs of each model that has several."""
        runs = np.where(self.runs > 1, number[:, None], self.runs)
        share = self.runs / runs
        both = self.both * share
        items = np.maximum(self.items - (self.both - both).sum(axis=1), 0)
        return Variance(self.well, self.badly * share, both, items, runs, self.num_items)

    @property
    def freedom_of_items(self) -> float:
        return float(max(self.num_items - 1, 1))

    @property
    def freedom(self) -> Array:
        """(P,): the degrees of freedom of what is known badly, by Welch and Satterthwaite."""
        uncertain = (self.badly**2 / np.maximum(self.runs - 1, 1)).sum(axis=1)
        found: Array = self.badly.sum(axis=1) ** 2 / np.where(uncertain > 0, uncertain, 1)
        return np.maximum(found, 1)

    def reach(self, level: float) -> Array:
        """Return how far (P,) a number is from what it estimates, further at most at this share of times."""
        least = -stdtrit(self.freedom_of_items, level / 2) * np.sqrt(self.items)
        parts = (self.well, self.badly.sum(axis=1), self.freedom, self.freedom_of_items)
        found: Array = np.maximum(_reach(level, *parts), least)
        return found


def draw(num_items: int, num_draws: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how often each item is in each bootstrap sample, (B, N)."""
    found = np.empty((num_draws, num_items), np.float32)
    for row in found:
        row[:] = np.bincount(rng.integers(num_items, size=num_items), minlength=num_items)
    return found


def resample(
    counts: Sequence[NDArray[Any]],
    of_sums: Callable[[Array], Array],
    rng: np.random.Generator,
    num_draws: int = DRAWS,
) -> tuple[Array, Array]:
    """Return the metric of V runs (V,), and of their B bootstrap samples of the items (V, B), alike for all runs.

    Args:
        counts: S arrays (V, N): what the metric counts of each run's items.
        of_sums: from sums (..., S) to the metric (...).
        rng: which items are drawn.
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
    """Return the sums (V, B) of counts (V, N) by weights (B, N); in float32 where that is exact."""
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
    """Return the metric of V runs (V,), and K numbers (V, K) that vary about it as bootstrap samples do.

    The units are split at random into K groups, the same for all runs, and the metric is computed K times, each time
    without one group. How far these values lie from their mean is scaled to how far a new sample of all units would
    lie, so that :func:`spread` treats the result as it treats bootstrap samples.

    A jackknife rather than a bootstrap, because each step is a call of a Python function. 1,000 bootstrap samples give
    a standard error to within 2%, 200 groups to within 5% (one deviation), for a fifth of the cost: AUROC of 36 runs of
    5,000 items takes some 2 s instead of 10. With at most 200 units each group is one unit, which agrees with DeLong's
    variance of AUROC where units are items. As nearly all items stay, a metric that needs items of a rare class stays
    defined. It is meant for smooth metrics (AUROC, mean average precision, F1, BLEU), not for medians. Intervals use
    Student's t with N - 1 degrees of freedom; with the 199 of the groups they would be 0.6% wider.

    Args:
        arrays: (V, N) each: what the metric reads of each run's items.
        value: from arrays (M,) to the metric; nan where it is not defined.
        rng: which units are together in a group.
        units: (N,) the unit of each item, from 0 to U - 1; None where each item is one.
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
    """Return what the means of G models vary by.

    Args:
        values: (V,) a metric of each run, the runs of a model together.
        drawn: (V, B) the same of bootstrap samples of the items.
        runs: (G,) how many runs each model has.
        num_items: N.
    """
    starts = np.concatenate([[0], runs.cumsum()[:-1]])
    others = np.maximum(runs - 1, 1)
    mean = np.add.reduceat(values, starts) / runs
    # A bootstrap sample's variance is that of N items around their own mean, too small by (N - 1) / N.
    moves = (drawn - drawn.mean(axis=1, keepdims=True)) * np.sqrt(num_items / max(num_items - 1, 1))
    noise = np.add.reduceat(moves, starts) / runs[:, None]
    between = np.add.reduceat((values - mean.repeat(runs)) ** 2, starts) / others / runs
    single = np.add.reduceat(moves.var(axis=1, ddof=1), starts) / runs
    found = Spread(mean, runs, noise, between, np.zeros_like(mean), num_items)
    both = np.where(runs > 1, np.maximum(single - found.items, 0) / others, 0)
    return Spread(mean, runs, noise, between, both, num_items)


def alone(found: Spread) -> Variance:
    """Return the variance of each mean."""
    badly = np.maximum(found.between - found.both, 0)[:, None]
    parts = (found.items, badly, np.zeros_like(badly), found.items, found.runs[:, None])
    return Variance(*parts, found.num_items)


def of_differences(found: Spread) -> Variance:
    """Return the variance of means that are themselves differences between two models' runs of the same seeds."""
    well = np.maximum(found.items - found.both, 0)
    parts = (well, found.between[:, None], found.both[:, None], found.items, found.runs[:, None])
    return Variance(*parts, found.num_items)


def apart(found: Spread, first: Whole, second: Whole) -> Variance:
    """Return the variance of the differences between models (P,) and (P,) of a spread."""
    alike = found.noise @ found.noise.T / (found.noise.shape[1] - 1)  # (G, G) covariances
    own = np.diagonal(alike)
    items = np.maximum(own[first] + own[second] - 2 * alike[first, second], 0)
    pairs = np.stack([first, second], axis=1)
    well = np.maximum(items - found.both[pairs].sum(axis=1), 0)
    parts = (well, found.between[pairs], found.both[pairs], items, found.runs[pairs])
    return Variance(*parts, found.num_items)


def interval(
    mean: Array, variance: Variance, highest: float | None = None, *, summed: bool = True
) -> tuple[Array, Array]:
    """Return the ends of 95% intervals of means (P,), nan where nothing varies.

    Args:
        highest: the metric's largest value, where its smallest one is 0; None where it has no largest one.
        summed: whether the metric comes from sums over items; where all of them are right, the next one may be wrong.
    """
    reach = variance.reach(LEVEL)
    constant = reach <= CONSTANT * np.abs(mean)
    if highest is None:
        reach = np.where(constant, np.nan, reach)
        return mean - reach, mean + reach
    share = np.clip(mean / highest, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = share * (1 - share) * (ndtri(LEVEL / 2) * highest / reach) ** 2
    number = np.where(constant | ~(number > 0), variance.num_items, number)
    at_an_end = (share < CONSTANT) | (share > 1 - CONSTANT)
    number = np.where(constant & ~(at_an_end & summed), np.nan, number)
    low, high = proportion_confint(share * number, number, LEVEL, "wilson")
    return highest * low, highest * high


def p_values(difference: Array, variance: Variance) -> Array:
    """Return the p-values (P,), two-sided, of differences that would be 0 over all seeds and items.

    A difference that is the same whatever items are drawn gets the p-value of a sign test in which all N items agree.
    """
    size = np.abs(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = 2 * stdtr(variance.freedom_of_items, -size / np.sqrt(variance.items))
    found = np.where(np.sqrt(variance.items) <= CONSTANT * size, 0.5 ** (variance.num_items - 1), found)
    uncertain = np.flatnonzero((variance.badly.sum(axis=1) > 0) & (size > 0))
    found[uncertain] = np.maximum(found[uncertain], LEAST)
    inside = uncertain[size[uncertain] < variance.take(uncertain).reach(LEAST)]
    if len(inside):
        part = variance.take(inside)
        logs = find_root(
            lambda log, size, *parts: _reach(np.exp(log), *parts) - size,
            (np.log(LEAST), 0.0),
            args=(size[inside], part.well, part.badly.sum(axis=1), part.freedom, part.freedom_of_items),
        )
        found[inside] = np.fmax(found[inside], np.exp(logs.x))  # nan where the items alone are so unsure
    return np.where(size == 0, 1.0, found)


def _reach(level: float | Array, well: Array, badly: Array, freedom: Array, freedom_of_items: Any) -> Array:
    """Return how far a number is from what it estimates, from the two parts of its variance."""
    of_items = stdtrit(freedom_of_items, np.asarray(level) / 2)
    found: Array = np.sqrt(well * of_items**2 + badly * stdtrit(freedom, np.asarray(level) / 2) ** 2)
    return found


def mcnemar(only_first: Whole, only_second: Whole) -> Array:
    """Return the p-values (P,) of McNemar's exact test, from how many items one alone of two models has right.

    As statsmodels.stats.contingency_tables.mcnemar has it, which takes one pair at a time.
    """
    fewer = np.minimum(only_first, only_second)
    found: Array = np.minimum(2 * binom.cdf(fewer, only_first + only_second, 0.5), 1)
    return found


def holm(p: Array) -> Array:
    """Return p-values (P,) corrected for their number."""
    if not len(p):
        return p
    corrected: Array = multipletests(p, LEVEL, "holm")[1]
    return corrected


def needed_items(difference: Array, variance: Variance, level: float) -> list[int | None]:
    """Return how many items would tell differences (P,) apart with 80% power, if they are as measured; None where
    even very many would not.

    Args:
        level: of the test, corrected for the number of comparisons.
    """
    present = np.full(len(difference), variance.num_items)
    return _needed(difference, variance.with_items, present, MOST_ITEMS, level)


def needed_runs(difference: Array, variance: Variance, level: float) -> list[int | None]:
    """Return likewise how many runs of each model that has several; None also where neither has."""
    present = variance.runs.max(axis=1)
    found = _needed(difference, variance.with_runs, present, MOST_SEEDS, level)
    return [number if several else None for number, several in zip(found, present > 1, strict=True)]


def _needed(
    difference: Array,
    expected: Callable[[Whole], Variance],
    present: Whole,
    most: int,
    level: float,
) -> list[int | None]:
    """Return the least numbers (P,) above those present, and up to ``most``, that give the power that is asked."""

    def enough(number: Whole) -> NDArray[np.bool_]:
        variance = expected(number)
        parts = variance.well + variance.badly.sum(axis=1)
        total = np.maximum(np.maximum(parts, variance.items), TINY)
        sure = variance.well**2 / variance.freedom_of_items
        unsure = variance.badly.sum(axis=1) ** 2 / variance.freedom
        freedom = total**2 / np.maximum(sure + unsure, TINY**2)
        effect = np.minimum(np.abs(difference) / np.sqrt(total), 1000)
        # One side at half the level: what the other side adds is nothing, and it is often nan.
        return np.asarray(TTestPower().power(effect, 1, level / 2, freedom, "larger")) >= POWER

    low, high = present.copy(), np.full_like(present, most)
    possible = enough(high)
    while (high - low > 1).any():
        middle = (low + high) // 2
        fine = enough(middle)
        low, high = np.where(fine, low, middle), np.where(fine, middle, high)
    return [int(number) if fine else None for number, fine in zip(high, possible, strict=True)]
