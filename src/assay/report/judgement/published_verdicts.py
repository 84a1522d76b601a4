# SPDX-License-Identifier: Apache-2.0
"""Is a published value reproduced? A verdict by a test, not by eye.

A published value comes alone: mostly of one run, without an interval, and nobody knows what that run answered to
each test item. So the question is whether it could be one more run of our model, on test items of the same kind. If
it is, then our mean over k seeds differs from it by chance with variance

    s^2 (1 + 1 / k)  +  2 v  +  r^2 / 3

where s is the deviation over our seeds (k - 1 degrees of freedom; 0 where the fit does not depend on the seed), v
the variance of our mean over test items, and r half a step of the last digit that the source prints. For a model
that does not depend on the seed and scores of 0 and 1, v is that of the binomial distribution. See
:mod:`assay.report.inference.noise` for the sum.

- The luck of the two runs with the items is taken as independent. On the very same items they stumble over the same
  hard ones, the true variance is smaller, and the test calls a difference less often than it could, never more often.
- With one seed of a model that depends on the seed, s is unknown. What the items alone explain is reproduced, for s
  could only explain more; what they do not explain cannot be judged.
- ``reproduced`` says that no difference was found, so it says too how large a difference would have been.
- Each value is judged for itself: of 20 that are truly equal, chance calls one ``below`` or ``above``.
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
    """What to make of a published value; ``below`` is worse than published, ``above`` is better."""

    name: Name
    why: str
    p: float | None
    """How often chance alone makes a gap as large as this; None where nothing was tested."""
    told: float | None
    """The smallest gap that the test would have called, in the metric's own unit; None likewise."""
    read_at_source: bool
    """False where the value was not read at its source, but is quoted elsewhere."""


def verdicts(
    column: Mapping[str, Square],
    task: Task,
    published: Mapping[str, Published],
    estimates: Mapping[tuple[str, str], Estimate],
) -> dict[str, Verdict]:
    """Return a verdict for each model of the matrix's column that has a published value of the primary metric."""
    return {
        model: verdict(square.summary, estimates.get((model, square.summary.method)), published[model])
        for model, square in column.items()
        if model in published and published[model].metric == task.primary
    }


def verdict(summary: Summary, estimate: Estimate | None, published: Published) -> Verdict:
    """Return what to make of the published value of a model's primary metric.

    Args:
        estimate: of the same metric, over test items (and seeds); None where predictions are missing.
    """
    score = summary.score(summary.task.primary)
    reason = _not_comparable(summary, score, estimate, published)
    if reason or score is None or estimate is None:
        return Verdict("not comparable", reason, None, None, published.seen_at_source)
    return _tested(summary, score, estimate, published)


def _not_comparable(
    summary: Summary, score: Score | None, estimate: Estimate | None, published: Published
) -> str:
    """Return why nothing can be tested, "" where it can."""
    items = {each.train_items for each in summary.finished if each.train_items}
    if items:
        return f"trained on {max(items):,} items only; {published.why}"
    if not published.comparable:
        return published.why
    if score is None:
        return "no seed has finished"
    if estimate is None:
        return "without its answers to the test items nothing says how far chance goes"
    if estimate.over == "nothing" or not estimate.items_variance:
        return "its score does not vary with the test items, so nothing says how far chance goes"
    return ""


def _tested(summary: Summary, score: Score, estimate: Estimate, published: Published) -> Verdict:
    task = summary.task
    gap = score.mean - published.value
    found = of_gap(score, estimate.items_variance, published.rounding)
    p = found.chance(gap)
    amount = numbers.amount(abs(gap), task.primary)
    side = "better" if better(score.mean, published.value, task.direction) else "worse"
    chance = f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
    alone = summary.model.seeded and score.count == 1
    told = f"{amount} {side}, {chance}" + (", by the test items alone" if alone else "")
    if p >= LEVEL:
        end = "could not have been judged with one seed" if alone else "would have been called a difference"
        why = f"{told}; {numbers.amount(found.told, task.primary)} or more {end}; {published.why}"
        return Verdict("reproduced", why, p, found.told, published.seen_at_source)
    if alone:
        why = f"{told}; with one seed nobody knows how far seeds differ; {published.why}"
        return Verdict("not comparable", why, None, None, published.seen_at_source)
    name: Name = "above" if side == "better" else "below"
    return Verdict(name, f"{told}; {published.why}", p, found.told, published.seen_at_source)


def of_gap(score: Score, items: float, rounding: float) -> Noise:
    """Return how far our mean may lie from a published run though nothing differs (see the file's head).

    Args:
        items: variance of our mean with the test items drawn again.
        rounding: half a step of the published value's last digit, above 0.
    """
    seeds = (score.deviation or 0.0) ** 2 * (1 + 1 / score.count)
    return Noise(seeds, max(1, score.count - 1), 2 * items + rounding**2 / 3)
