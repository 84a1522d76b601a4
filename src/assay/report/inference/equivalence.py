# SPDX-License-Identifier: Apache-2.0
"""Does a score stay within a margin? Two one-sided tests, with three verdicts.

"No significant difference" is not equality: few items give it for any two models. So a claim that nothing is lost is
tested itself, against a margin that is declared in advance. ``within``: a test rejects that the score is outside the
margin. ``beyond``: the opposite test rejects that it is inside. ``undecided``: neither does; the number of items or of
seeds that would decide is given instead.

For compression the margin is the method's ``max_relative_drop``. What is tested is the room that is left of it in each
run, ``gain + max_relative_drop |score before|``, whose mean over all seeds and items is above 0 if and only if the
drop is within the budget. A gain is no loss, however large, so only one end of the margin counts. The variance is that
of a paired difference (:mod:`assay.report.inference.statistics`), and Holm's correction is for all comparisons of a
task. With correct and incorrect predictions the variance has a lower bound: even if no item differs, so that the
estimate is 0, a mean drop m of R runs cannot come with a variance below m / R - m^2 per item. Otherwise a few items
without a difference would prove any budget.

Sources: Schuirmann, "A comparison of the Two One-Sided Tests Procedure and the Power Approach for assessing the
equivalence of average bioavailability", 1987, https://doi.org/10.1007/BF01068419; Tango, "Equivalence test and
confidence interval for the difference in proportions for the paired-sample design", 1998 (the variance under the
hypothesis, instead of the estimate); Shaffer, "Control of Directional Errors with Stagewise Multiple Test Procedures",
1980 (Holm's correction of tests that also claim a direction).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, ndtri, stdtrit

from assay.report.inference import statistics
from assay.report.inference.statistics import LEVEL, POWER, Array, Variance, Whole

Name = Literal["within", "beyond", "undecided"]
POINTS = 64
"""The number of values of an estimated variance over which the power is averaged."""


@dataclass(frozen=True)
class Equivalence:
    """The verdict on one margin."""

    name: Name
    drop: float
    """The relative drop of the mean score; negative for a gain."""
    budget: float
    p: float
    """The p-value of the test in whose direction the drop lies (inside or outside), with Holm's correction."""
    needed_items: int | None = None
    """How many test items, or units, would decide with 80% power if the drop is as measured; None if it is decided, or
    even very many would not suffice."""
    needed_seeds: int | None = None
    """How many seeds would; None also for a single run."""


@dataclass(frozen=True)
class Left:
    """What is left of G budgets, in the metric's own unit: below 0 if the drop exceeds the budget."""

    mean: Array
    scores: Array
    """The scores that the budgets are shares of."""
    measured: Variance
    tested: Variance
    """The variance with its lower bound, if all of the budget were lost."""

    @property
    def p(self) -> Array:
        """The p-values of one-sided tests in the direction of the mean."""
        return statistics.p_values(self.mean, self.tested) / 2


def judge(
    before: tuple[Array, Array],
    after: tuple[Array, Array],
    runs: Whole,
    budgets: Array,
    *,
    sign: int,
    num_items: int,
    highest: float | None = None,
) -> list[Equivalence]:
    """Return the verdicts on G compressed models.

    Args:
        before: the metric of V runs (V,), and on bootstrap samples of the items (V, B), grouped by model.
        after: the same for the compressed models.
        runs: (G,) the number of runs of each.
        budgets: (G,) the share of the score that may be lost.
        sign: 1 if more is better, -1 if less is.
        num_items: the number of items, or units.
        highest: the metric's largest value if items are correct or not, so that the variance has a lower bound.
    """
    found = left(before, after, runs, budgets, sign=sign, num_items=num_items, highest=highest)
    room, corrected = found.mean, statistics.holm(found.p)
    decided = corrected <= LEVEL
    drops = budgets - room / np.where(found.scores > 0, found.scores, 1)
    items, seeds = needed(found, LEVEL / max(int((~decided).sum()), 1), ~decided)
    return [
        Equivalence(
            "undecided" if not decided[row] else "within" if room[row] > 0 else "beyond",
            float(drops[row]),
            float(budgets[row]),
            float(corrected[row]),
            items[row],
            seeds[row],
        )
        for row in range(len(runs))
    ]


def undecided(found: Equivalence, items: int | None, seeds: int | None) -> Equivalence:
    """Return a verdict that another test does not confirm, with the numbers that this one needs."""
    return replace(found, name="undecided", needed_items=items, needed_seeds=seeds)


def left(
    before: tuple[Array, Array],
    after: tuple[Array, Array],
    runs: Whole,
    budgets: Array,
    *,
    sign: int,
    num_items: int,
    highest: float | None = None,
) -> Left:
    """Return what is left of each budget; the arguments are those of :func:`judge`."""
    shares = budgets.repeat(runs)
    room = sign * (after[0] - before[0]) + shares * np.abs(before[0])
    drawn = sign * (after[1] - before[1]) + shares[:, None] * np.abs(before[1])
    found = statistics.spread(room, drawn, runs, num_items)
    starts = np.concatenate([[0], runs.cumsum()[:-1]])
    scores = np.add.reduceat(np.abs(before[0]), starts) / runs
    measured = statistics.variance_of_differences(found)
    tested = measured
    if highest is not None:
        tested = at_least(measured, budgets * scores, runs, num_items, highest)
    return Left(found.mean, scores, measured, tested)


def at_least(variance: Variance, margin: Array, runs: Whole, num_items: int, highest: float) -> Variance:
    """Return the variance with its lower bound for a mean difference ``margin`` (G,) of correct and incorrect items."""
    bound = np.maximum(margin * (highest / runs - margin), 0) / num_items
    return replace(variance, well=np.maximum(variance.well, bound), items=np.maximum(variance.items, bound))


def needed(found: Left, level: float, rows: NDArray[np.bool_]) -> tuple[list[int | None], list[int | None]]:
    """Return the numbers of items and of seeds (G,) with which the one-sided test has the power ``POWER``.

    The power is that of the test itself, averaged over the estimates of the variance that it may meet.

    Args:
        level: of the one-sided test, corrected for the number of comparisons.
        rows: (G,) which of them to compute; the others are None.
    """
    measured, tested = found.measured, found.tested
    items = smallest(
        lambda number: power(found.mean, measured.with_items(number), tested.with_items(number), level),
        np.full(len(found.mean), tested.num_items),
        statistics.MOST_ITEMS,
    )
    present = tested.runs.max(axis=1)
    seeds = smallest(
        lambda number: power(found.mean, measured.with_runs(number), tested.with_runs(number), level),
        present,
        statistics.MOST_SEEDS,
    )
    several = rows & (present > 1)
    return (
        [number if row else None for number, row in zip(items, rows, strict=True)],
        [number if row else None for number, row in zip(seeds, several, strict=True)],
    )


def power(distance: Array, measured: Variance, tested: Variance, level: float) -> Array:
    """Return the probability (G,) that a one-sided test rejects a margin at this distance.

    A variance between few seeds is more often estimated too small than too large, so it is divided by the median of
    the ratio of such estimates to the truth.
    """
    unbiased = tested.freedom / chdtri(tested.freedom, 0.5)
    poorly = unbiased * tested.poorly.sum(axis=1)
    chances = (np.arange(POINTS) + 0.5) / POINTS
    freedom = tested.freedom[:, None]
    estimates = np.where(poorly[:, None] > 0, chdtri(freedom, chances) / freedom, 1) * poorly[:, None]
    sure = tested.well * stdtrit(tested.freedom_of_items, level) ** 2
    least = tested.items * stdtrit(tested.freedom_of_items, level) ** 2
    critical = np.sqrt(np.maximum(sure[:, None] + estimates * stdtrit(freedom, level) ** 2, least[:, None]))
    varies = np.maximum(measured.well + unbiased * measured.poorly.sum(axis=1), measured.items)
    deviation = np.sqrt(np.maximum(varies, statistics.TINY))
    chance: Array = ndtr((np.abs(distance)[:, None] - critical) / deviation[:, None]).mean(axis=1)
    return chance


def chance(distance: float, known: Array, estimated: Array, freedom: Array, level: float) -> Array:
    """Return the probability (G,) that a one-sided test rejects a margin at this distance.

    Args:
        known: (G,) the part of the variance that is known.
        estimated: (G,) the part that is estimated with ``freedom`` (G,) degrees of freedom; 0 without such a part.
    """
    degrees = np.maximum(freedom, 1)
    estimated = estimated * degrees / chdtri(degrees, 0.5)
    ratios = chdtri(degrees[:, None], (np.arange(POINTS) + 0.5) / POINTS) / degrees[:, None]
    sure = known * ndtri(level) ** 2
    critical = np.sqrt(sure[:, None] + estimated[:, None] * ratios * stdtrit(degrees, level)[:, None] ** 2)
    found: Array = ndtr((distance - critical) / np.sqrt(known + estimated)[:, None]).mean(axis=1)
    return found


def smallest(chance: Callable[[Whole], Array], present: Whole, most: int) -> list[int | None]:
    """Return the smallest numbers (G,) above those present, and up to ``most``, that give the power ``POWER``."""
    low, high = present.copy(), np.full_like(present, most)
    possible = chance(high) >= POWER
    while (high - low > 1).any():
        middle = (low + high) // 2
        fine = chance(middle) >= POWER
        low, high = np.where(fine, low, middle), np.where(fine, middle, high)
    return [int(number) if fine else None for number, fine in zip(high, possible, strict=True)]
