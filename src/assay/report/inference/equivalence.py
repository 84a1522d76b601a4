# SPDX-License-Identifier: Apache-2.0
"""Does a score stay within a margin? Two one-sided tests, with three verdicts.

"No significant difference" is not equality: few items give it for any two models. So a claim that nothing is lost is
tested itself, against a margin that is declared in advance. ``within``: a test rejects that the score is outside the
margin. ``beyond``: the opposite test rejects that it is inside. ``undecided``: neither does; the number of items or of
seeds that would decide is given instead.

For compression the margin is the method's ``max_relative_drop``. The test is of the part of it that each run does not
use, ``gain + max_relative_drop |score before|``, whose mean over all seeds and items is above 0 if and only if the
drop is within the budget. A gain is no loss, however large, so only one end of the margin counts. The variance between
seeds is estimated from all models that the same method compressed (:mod:`.seed_variance`), and Holm's correction is for
all comparisons of a task. With correct and incorrect predictions the variance has a lower bound: even if no item
differs, so that the estimate is 0, a mean drop m of R runs cannot come with a variance below m / R - m^2 per item.
Otherwise a few items without a difference would prove any budget.

Sources: Schuirmann, "A comparison of the Two One-Sided Tests Procedure and the Power Approach for assessing the
equivalence of average bioavailability", 1987, https://doi.org/10.1007/BF01068419; Tango, "Equivalence test and
confidence interval for the difference in proportions for the paired-sample design", 1998 (the variance under the
hypothesis, instead of the estimate); Shaffer, "Control of Directional Errors with Stagewise Multiple Test Procedures",
1980 (Holm's correction of tests that also claim a direction).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.report.inference import comparisons, seed_variance, statistics
from assay.report.inference.comparisons import Differences, least
from assay.report.inference.statistics import LEVEL, POWER, Array, Whole
from assay.report.results.compression import Equivalence


@dataclass(frozen=True)
class Left:
    """How much of G budgets is not used, in the metric's own unit: below 0 if the drop exceeds the budget."""

    scores: Array
    """The scores that the budgets are shares of."""
    budgets: Array
    runs: Whole
    measured: Differences
    highest: float | None
    """The metric's largest value if items are correct or not."""

    @property
    def tested(self) -> Differences:
        """With the lower bound of the variance, if all of the budget were lost."""
        return self._at_least(self.measured, np.full(len(self.runs), self.measured.num_items), self.runs)

    @property
    def p(self) -> Array:
        """The p-values of one-sided tests in the direction of the mean."""
        return self.tested.p / 2

    def power(self, items: Whole, runs: Whole, level: float) -> Array:
        """Return the probabilities (G,) that one-sided tests at this level decide with other numbers (G,) of items and
        of runs, if what is left is as measured."""
        found = self.measured.planned(items, runs)
        return self._at_least(found, items, runs).power_of_one_side(level, found.variance)

    def _at_least(self, found: Differences, items: Whole, runs: Whole) -> Differences:
        if self.highest is None:
            return found
        margin = self.budgets * self.scores
        bound = np.maximum(margin * (self.highest / runs - margin), 0) / items
        return replace(found, items=np.maximum(found.items, bound + found.interaction.sum(axis=1)))


def judge(found: Left) -> list[Equivalence]:
    """Return the verdicts on G compressed models."""
    room, corrected = found.measured.size, statistics.holm(found.p)
    decided = corrected <= LEVEL
    drops = found.budgets - room / np.where(found.scores > 0, found.scores, 1)
    items, seeds = needed(found, LEVEL / max(int((~decided).sum()), 1), ~decided)
    return [
        Equivalence(
            "undecided" if not decided[row] else "within" if room[row] > 0 else "beyond",
            float(drops[row]),
            float(found.budgets[row]),
            float(corrected[row]),
            items[row],
            seeds[row],
        )
        for row in range(len(room))
    ]


def undecided(found: Equivalence, items: int | None, seeds: int | None) -> Equivalence:
    """Return a verdict that another test does not confirm, with the numbers that this one needs."""
    return replace(found, name="undecided", needed_items=items, needed_seeds=seeds)


def left(
    before: tuple[Array, Array],
    after: tuple[Array, Array],
    runs: Whole,
    budgets: Array,
    methods: Sequence[str],
    *,
    sign: int,
    num_items: int,
    highest: float | None = None,
) -> Left:
    """Return what is left of the budgets of G compressed models.

    Args:
        before: the metric of V runs (V,), and on bootstrap samples of the items (V, B), grouped by model.
        after: the same for the compressed models.
        runs: (G,) the number of runs of each.
        budgets: (G,) the share of the score that may be lost.
        methods: (G,) by which each was compressed.
        sign: 1 if more is better, -1 if less is.
        num_items: the number of items, or units.
        highest: the metric's largest value if items are correct or not, so that the variance has a lower bound.
    """
    shares = budgets.repeat(runs)
    room = sign * (after[0] - before[0]) + shares * np.abs(before[0])
    drawn = sign * (after[1] - before[1]) + shares[:, None] * np.abs(before[1])
    found = statistics.spread(room, drawn, runs, num_items)
    starts = np.concatenate([[0], runs.cumsum()[:-1]])
    scores = np.add.reduceat(np.abs(before[0]), starts) / runs
    measured = comparisons.of_means(found, seed_variance.estimate_by_group(found, found.between > 0, methods))
    return Left(scores, budgets, runs, measured, highest)


def needed(found: Left, level: float, rows: NDArray[np.bool_]) -> tuple[list[int | None], list[int | None]]:
    """Return the numbers of items and of seeds (G,) with which the one-sided test has the power ``POWER``.

    Args:
        level: of the one-sided test, corrected for the number of comparisons.
        rows: (G,) which of them to compute; the others are None.
    """
    present = found.runs
    here = np.full(len(present), found.measured.num_items)
    items = least(lambda number: found.power(number, present, level) >= POWER, here, statistics.MOST_ITEMS)
    seeds = least(lambda number: found.power(here, number, level) >= POWER, present, statistics.MOST_SEEDS)
    several = rows & (present > 1)
    return (
        [number if row else None for number, row in zip(items, rows, strict=True)],
        [number if row else None for number, row in zip(seeds, several, strict=True)],
    )
