# SPDX-License-Identifier: Apache-2.0
"""A task's scores on one scale for all tasks: 0 is what should lose, 1 the best that is known to be possible.

0 is the best control. 1 is the known optimum where there is one, else the better of the best comparable published
value and the best measured mean. The scale says which. It needs no direction: where less is better, 1 is simply the
lower end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.report.results.collect import Task
from assay.report.results.published import Published
from assay.report.results.summaries import Square, best_of, better


@dataclass(frozen=True)
class Scale:
    """What 0 and 1 stand for, in the metric's own unit and in words; ``one`` is better than ``zero``."""

    zero: float
    one: float
    zero_is: str
    one_is: str

    def of(self, value: float) -> float:
        """Return a score on the scale; below 0 and above 1 where it lies beyond the ends."""
        return (value - self.zero) / (self.one - self.zero)

    def shade(self, value: float) -> float:
        """Return the same in [0, 1], for a colour."""
        return min(1.0, max(0.0, self.of(value)))


def scale(task: Task, column: Mapping[str, Square], published: Mapping[str, Published]) -> Scale | None:
    """Return a task's scale; None where no control has a score, or nothing is known to be better than it.

    Args:
        column: the matrix's squares of the task, by model.
        published: the dataset's published values, by model.
    """
    means = {name: square.score.mean for name, square in column.items() if square.score}
    controls = {name: mean for name, mean in means.items() if name in task.controls}
    zero = _best(controls, task.direction)
    one = _top(task, means, published)
    if zero is None or one is None or not better(one[1], zero[1], task.direction):
        return None
    return Scale(zero[1], one[1], zero[0], one[0])


def _top(
    task: Task, means: Mapping[str, float], published: Mapping[str, Published]
) -> tuple[str, float] | None:
    if task.optimum is not None:
        return "known optimum", task.optimum
    measured = {f"measured: {name}": mean for name, mean in means.items() if name not in task.controls}
    quoted = {
        f"published: {name}": each.value
        for name, each in published.items()
        if each.comparable and each.metric == task.primary
    }
    return _best(measured | quoted, task.direction)


def _best(scores: Mapping[str, float], direction: str) -> tuple[str, float] | None:
    """Return the best score and its name, the first of equals."""
    best = best_of(scores.values(), direction)
    return next(((name, score) for name, score in scores.items() if score == best), None)
