# SPDX-License-Identifier: Apache-2.0
"""Is a published value reproduced? The verdict comes from a statistical test.

A published value is usually the result of one run, without an interval and without the predictions for each test
item. So the question is whether it could be one more run of our model, on test items of the same kind. If so, our
mean over k seeds differs from it by chance with variance

    s^2 (1 + 1 / k)  +  2 v  +  r^2 / 3

where s is the standard deviation over our seeds (k - 1 degrees of freedom; 0 if the fit does not depend on the seed),
v the variance of our mean over test items, and r half a unit of the last digit printed in the source. For a model
that does not depend on the seed and scores of 0 and 1, v is the variance of the binomial distribution. See
:mod:`assay.report.inference.noise` for the sum.

- The sampling errors of the two runs are taken as independent. If both used the very same items, they err on the same
  hard ones, the true variance is smaller, and the test finds a difference less often than it could, never more often.
- With one seed of a model that depends on the seed, s is unknown: the verdict is undecided.
- ``reproduced`` is a claim of equality, so it is tested: two one-sided tests reject that the gap is as large as the
  margin that published.yaml declares for the value. ``below`` and ``above``: the opposite test rejects that it is
  within the margin. ``undecided``: neither does; the number of test items or of seeds that would decide stands beside
  it. A published value is one run on a finite test set, so no number may suffice.
- All tests of a report have Holm's correction for their number, whatever the task.

Source: Schuirmann, "A comparison of the Two One-Sided Tests Procedure and the Power Approach", 1987,
https://doi.org/10.1007/BF01068419.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assay.report.formatting import numbers
from assay.report.inference import noise, statistics
from assay.report.inference.analysis import Analysis, Estimate
from assay.report.inference.comparisons import least
from assay.report.inference.noise import LEVEL, Noise
from assay.report.inference.statistics import Array, Whole
from assay.report.results.collect import Task
from assay.report.results.published import Published
from assay.report.results.summaries import Score, Square, Summary, better

Name = Literal["reproduced", "below", "above", "undecided", "not comparable"]
Key = tuple[str, str]
"""A task and a model."""
FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Verdict:
    """The verdict on a published value; ``below`` is worse than published, ``above`` is better."""

    name: Name
    why: str
    p: float | None
    """The p-value of the test in whose direction the gap lies (inside or outside the margin), corrected for the number
    of published values; None if nothing was tested."""
    margin: float | None
    """The largest gap that counts as reproduced, in the metric's own unit; None if nothing was tested."""
    read_at_source: bool
    """False if the value was not read at its source but is quoted from elsewhere."""
    needed_items: int | None = None
    """How many test items, or units, would decide with 80% power if the gap is as measured."""
    needed_seeds: int | None = None


@dataclass(frozen=True)
class Gap:
    """A measured score beside a published value of the primary metric, or the reason why they cannot be compared."""

    summary: Summary
    published: Published
    score: Score | None
    items: float
    """The variance of our mean over test items."""
    num_units: int
    reason: str

    @property
    def size(self) -> float:
        assert self.score is not None
        return self.score.mean - self.published.value

    @property
    def margin(self) -> float:
        assert self.published.margin is not None
        return self.published.margin

    @property
    def distance(self) -> float:
        """How far the gap is inside the margin; below 0 if it is outside."""
        return self.margin - abs(self.size)

    @property
    def is_alone(self) -> bool:
        """Whether a single seed leaves the variation between seeds unknown."""
        assert self.score is not None
        return self.summary.model.seeded and self.score.count == 1

    @property
    def is_tested(self) -> bool:
        return not self.reason and not self.is_alone

    @property
    def noise(self) -> Noise:
        assert self.score is not None
        return of_gap(self.score, self.items, self.published.rounding)

    def power(self, items: Whole, seeds: Whole, level: float) -> Array:
        """Return the power (G,) of the test with other numbers (G,) of test items and of seeds."""
        assert self.score is not None
        spread = (self.score.deviation or 0.0) ** 2
        fewer = self.num_units / items
        known = self.items * (1 + fewer) + self.published.rounding**2 / 3
        return noise.power(
            abs(self.distance), known, spread * (1 + 1 / seeds), (seeds - 1).astype(float), level
        )


def gaps(
    column: Mapping[str, Square],
    task: Task,
    published: Mapping[str, Published],
    analysis: Analysis,
) -> dict[str, Gap]:
    """Return a gap for each model in the matrix column with a published value of the primary metric."""
    return {
        model: gap(square.summary, analysis, published[model])
        for model, square in column.items()
        if model in published and published[model].metric == task.primary
    }


def gap(summary: Summary, analysis: Analysis, published: Published) -> Gap:
    """Return a model's gap to a published value."""
    score = summary.score(summary.task.primary)
    estimate = analysis.estimates.get((summary.model.name, summary.method))
    reason = _not_comparable(summary, score, estimate, published)
    items = estimate.items_variance if estimate else 0.0
    return Gap(summary, published, score, items, max(analysis.num_units, 1), reason)


def verdicts(found: Mapping[Key, Gap]) -> dict[Key, Verdict]:
    """Return the verdict on each published value of a report, corrected for the number of those that are tested."""
    tested = [key for key, each in found.items() if each.is_tested]
    chances = [found[key].noise.chance_above(abs(found[key].distance)) for key in tested]
    corrected = dict(zip(tested, statistics.holm(np.array(chances)).tolist(), strict=True))
    level = LEVEL / max(sum(p > LEVEL for p in corrected.values()), 1)
    return {key: _verdict(each, corrected.get(key), level) for key, each in found.items()}


def _verdict(found: Gap, p: float | None, level: float) -> Verdict:
    """Return one verdict.

    Args:
        p: corrected; None if it is not tested.
        level: the level of the next test, for the numbers that would decide.
    """
    published, at_source = found.published, found.published.seen_at_source
    if found.reason or found.score is None:
        return Verdict("not comparable", found.reason, None, None, at_source)
    task = found.summary.task
    side = "better" if better(found.score.mean, published.value, task.direction) else "worse"
    within = f"the margin is {numbers.amount(found.margin, task.primary)}"
    result = f"{numbers.amount(abs(found.size), task.primary)} {side}; {within}"
    if p is None:
        why = f"{result}; one run says nothing of the variation between seeds; {published.why}"
        return Verdict("undecided", why, None, found.margin, at_source, None, FEWEST_SEEDS)
    result += f", p = {p:.2g}" if p >= 0.001 else ", p < 0.001"
    if p <= LEVEL:
        name: Name = "reproduced" if found.distance > 0 else "above" if side == "better" else "below"
        return Verdict(name, f"{result}; {published.why}", p, found.margin, at_source)
    items, seeds = _needed(found, level)
    why = f"{result}; {_numbers(items, seeds, task.unit)}; {published.why}"
    return Verdict("undecided", why, p, found.margin, at_source, items, seeds)


def _needed(found: Gap, level: float) -> tuple[int | None, int | None]:
    """Return the numbers of test items and of seeds that would decide."""
    assert found.score is not None
    items, seeds = np.array([found.num_units]), np.array([found.score.count])
    more = least(
        lambda number: found.power(number, seeds, level) >= statistics.POWER, items, statistics.MOST_ITEMS
    )
    if found.score.count == 1:
        return more[0], None
    others = least(
        lambda number: found.power(items, number, level) >= statistics.POWER, seeds, statistics.MOST_SEEDS
    )
    return more[0], others[0]


def _numbers(items: int | None, seeds: int | None, unit: str) -> str:
    parts = [f"{items:,} test {unit}s"] if items else []
    parts += [f"{seeds:,} seeds"] if seeds else []
    return f"{' or '.join(parts)} would decide" if parts else "no number of items or seeds alone would decide"


def _not_comparable(
    summary: Summary, score: Score | None, estimate: Estimate | None, published: Published
) -> str:
    """Return why nothing can be tested, "" if it can."""
    items = {each.train_items for each in summary.finished if each.train_items}
    if items:
        return f"trained on {max(items):,} items only; {published.why}"
    if not published.comparable:
        return published.why
    if score is None:
        return "no seed has finished"
    if estimate is None:
        return "without its predictions on the test items the effect of chance is unknown"
    if estimate.over == "nothing" or not estimate.items_variance:
        return (
            f"its score does not vary with the test {summary.task.unit}s, so the effect of chance is unknown"
        )
    return ""


def of_gap(score: Score, items: float, rounding: float) -> Noise:
    """Return the noise of the gap between our mean and a published run if nothing differs (see the module docstring).

    Args:
        items: variance of our mean over random draws of the test items.
        rounding: half a unit of the published value's last digit, above 0.
    """
    seeds = (score.deviation or 0.0) ** 2 * (1 + 1 / score.count)
    return Noise(seeds, max(1, score.count - 1), 2 * items + rounding**2 / 3)
