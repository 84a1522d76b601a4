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
- With one seed of a model that depends on the seed, s is unknown. A gap that the items alone can explain is
  reproduced, since s could only explain more; a larger gap cannot be judged.
- ``reproduced`` means that no difference was found, so the verdict also gives the smallest difference that would have
  been found.
- Each value is tested separately: of 20 that are truly equal, one is ``below`` or ``above`` by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assay.report.formatting import numbers
from assay.report.inference.analysis import Estimate
from assay.report.inference.noise import LEVEL, Noise
from assay.report.results.collect import Task
from assay.report.results.published import Published
from assay.report.results.summaries import Score, Square, Summary, better

Name = Literal["reproduced", "below", "above", "not comparable"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a published value; ``below`` is worse than published, ``above`` is better."""

    name: Name
    why: str
    p: float | None
    """The probability of a gap this large by chance; None if nothing was tested."""
    detectable: float | None
    """The smallest gap that the test would have found, in the metric's own unit; None if nothing was tested."""
    read_at_source: bool
    """False if the value was not read at its source but is quoted from elsewhere."""


def verdicts(
    column: Mapping[str, Square],
    task: Task,
    published: Mapping[str, Published],
    estimates: Mapping[tuple[str, str], Estimate],
) -> dict[str, Verdict]:
    """Return a verdict for each model in the matrix column with a published value of the primary metric."""
    return {
        model: verdict(square.summary, estimates.get((model, square.summary.method)), published[model])
        for model, square in column.items()
        if model in published and published[model].metric == task.primary
    }


def verdict(summary: Summary, estimate: Estimate | None, published: Published) -> Verdict:
    """Return the verdict on the published value of a model's primary metric.

    Args:
        estimate: the estimate of that metric over test items (and seeds); None if predictions are missing.
    """
    score = summary.score(summary.task.primary)
    reason = _not_comparable(summary, score, estimate, published)
    if reason or score is None or estimate is None:
        return Verdict("not comparable", reason, None, None, published.seen_at_source)
    return _tested(summary, score, estimate, published)


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


def _tested(summary: Summary, score: Score, estimate: Estimate, published: Published) -> Verdict:
    task = summary.task
    gap = score.mean - published.value
    noise = of_gap(score, estimate.items_variance, published.rounding)
    p = noise.chance(gap)
    amount = numbers.amount(abs(gap), task.primary)
    side = "better" if better(score.mean, published.value, task.direction) else "worse"
    chance = f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
    alone = summary.model.seeded and score.count == 1
    result = f"{amount} {side}, {chance}" + (f", from the test {task.unit}s alone" if alone else "")
    if p >= LEVEL:
        end = "could not have been judged with one seed" if alone else "would have been significant"
        why = f"{result}; {numbers.amount(noise.smallest_significant, task.primary)} or more {end}; {published.why}"
        return Verdict("reproduced", why, p, noise.smallest_significant, published.seen_at_source)
    if alone:
        why = f"{result}; with one seed the variation between seeds is unknown; {published.why}"
        return Verdict("not comparable", why, None, None, published.seen_at_source)
    name: Name = "above" if side == "better" else "below"
    return Verdict(
        name, f"{result}; {published.why}", p, noise.smallest_significant, published.seen_at_source
    )


def of_gap(score: Score, items: float, rounding: float) -> Noise:
    """Return the noise of the gap between our mean and a published run if nothing differs (see the module docstring).

    Args:
        items: variance of our mean over random draws of the test items.
        rounding: half a unit of the published value's last digit, above 0.
    """
    seeds = (score.deviation or 0.0) ** 2 * (1 + 1 / score.count)
    return Noise(seeds, max(1, score.count - 1), 2 * items + rounding**2 / 3)
