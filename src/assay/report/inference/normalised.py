# SPDX-License-Identifier: Apache-2.0
"""Normalised scores, comparable between tasks: 0 is the best control, 1 the best score that is known to be possible.

1 is the known optimum if there is one, else the best comparable published value, else a perfect score, if the metric
has a largest value; the scale names it. The best measured mean is none of these: it would always be at 1, lucky or not.
It only ends the range of colours, where nothing else is known. A scale has no direction: if less is better, the value
of 1 is lower than that of 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.report.results.collect import Task
from assay.report.results.published import Published
from assay.report.results.summaries import Square, best_of, better


@dataclass(frozen=True)
class Scale:
    """The values of 0 and 1, in the metric's own unit, and their descriptions; ``one`` is better than ``zero``."""

    zero: float
    one: float
    zero_is: str
    one_is: str
    fixed: bool = True
    """False if 1 is the best measured mean, so that only colours may be taken from it."""

    def of(self, value: float) -> float:
        """Return the normalised score of a value; it can be below 0 or above 1."""
        return (value - self.zero) / (self.one - self.zero)

    def shade(self, value: float) -> float:
        """Return the normalised score clipped to [0, 1], for a colour."""
        return min(1.0, max(0.0, self.of(value)))


def scale(task: Task, column: Mapping[str, Square], published: Mapping[str, Published]) -> Scale | None:
    """Return a task's scale; None if no control has a score, or nothing is known to be better than the best control.

    Args:
        column: the task's squares in the matrix, by model.
        published: the dataset's published values, by model.
    """
    means = {name: square.score.mean for name, square in column.items() if square.score}
    controls = {name: mean for name, mean in means.items() if name in task.controls}
    zero = _best(controls, task.direction)
    known = _known(task, published)
    one = known or _best(
        {f"measured: {name}": mean for name, mean in means.items() if name not in task.controls},
        task.direction,
    )
    if zero is None or one is None or not better(one[1], zero[1], task.direction):
        return None
    return Scale(zero[1], one[1], zero[0], one[0], known is not None)


def _known(task: Task, published: Mapping[str, Published]) -> tuple[str, float] | None:
    """Return the best score that is known to be possible, and what it is."""
    if task.optimum is not None:
        return "known optimum", task.optimum
    quoted = {
        f"published: {name}": each.value
        for name, each in published.items()
        if each.comparable and each.metric == task.primary
    }
    if quoted:
        return _best(quoted, task.direction)
    highest = task.metric.highest if task.metric else None
    return ("perfect score", highest) if highest and task.direction == "maximise" else None


def _best(scores: Mapping[str, float], direction: str) -> tuple[str, float] | None:
    """Return the best score and its name; the first among equals."""
    best = best_of(scores.values(), direction)
    return next(((name, score) for name, score in scores.items() if score == best), None)
