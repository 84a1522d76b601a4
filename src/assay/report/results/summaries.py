# SPDX-License-Identifier: Apache-2.0
"""Summaries of variants: means over seeds, and the squares of the matrix of models and tasks."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.paths import UNCOMPRESSED
from assay.report.formatting import numbers
from assay.report.results.collect import Model, Task, Variant


@dataclass(frozen=True)
class Score:
    """A mean over seeds; ``deviation`` is the sample standard deviation, None for one seed."""

    mean: float
    deviation: float | None
    count: int


@dataclass(frozen=True)
class Summary:
    """One model with one method on one task, over its seeds."""

    task: Task
    model: Model
    method: str
    variants: tuple[Variant, ...]
    tuned: bool = False
    """Whether the model's hyperparameters on this task were chosen by a search (``tuning``)."""

    @property
    def control(self) -> bool:
        return self.model.name in self.task.controls

    @property
    def finished(self) -> tuple[Variant, ...]:
        return tuple(variant for variant in self.variants if variant.ok)

    def score(self, metric: str, split: str = "test") -> Score | None:
        """Return the score of a metric over the finished seeds, None if there is none."""
        values = [
            variant.metrics[split][metric]
            for variant in self.finished
            if metric in variant.metrics.get(split, {})
        ]
        return score_of(values)

    def cost(self, name: str) -> float | None:
        """Return the mean of a numeric attribute of the variants over the finished seeds."""
        return mean([getattr(variant, name) for variant in self.finished])

    @property
    def troubles(self) -> list[tuple[str, int]]:
        """Status and count of the seeds that are not ok, most common first."""
        return Counter(variant.status for variant in self.variants if not variant.ok).most_common()


@dataclass(frozen=True)
class Square:
    """One square of the matrix: a model on a task."""

    summary: Summary
    score: Score | None
    spread: str
    best: bool
    beaten: bool
    """True if the mean is not better than the best control's mean."""


def score_of(values: Sequence[float]) -> Score | None:
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Score(statistics.fmean(values), deviation, len(values))


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None, or None if there are none."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def summarise(
    variants: Sequence[Variant],
    tasks: Mapping[str, Task],
    models: Mapping[str, Model],
    tuned: Collection[tuple[str, str]] = (),
) -> list[Summary]:
    """Return one summary for each task, model and method, in the order of their first variant.

    Args:
        tuned: the tasks and models whose hyperparameters are chosen by a search.
    """
    groups: dict[tuple[str, str, str], list[Variant]] = defaultdict(list)
    for variant in variants:
        groups[variant.task, variant.model, variant.method].append(variant)
    return [
        Summary(tasks[task], models[model], method, tuple(group), (task, model) in tuned)
        for (task, model, method), group in groups.items()
    ]


def better(value: float, other: float, direction: str) -> bool:
    """True if ``value`` is strictly better than ``other``."""
    return value > other if direction == "maximise" else value < other


def best_of(values: Iterable[float], direction: str) -> float | None:
    found = list(values)
    if not found:
        return None
    return max(found) if direction == "maximise" else min(found)


def spread(summary: Summary, score: Score | None) -> str:
    """Return the number of seeds, or folds, behind a score as text, or why there is only one."""
    if score is None:
        return ""
    planned, run = len(summary.variants), summary.task.run
    if score.count < planned:
        return f"{score.count} of {planned} {run}s"
    if not summary.model.seeded and not summary.task.folds:
        return "one run, no seed"
    return f"1 {run}" if score.count == 1 else f"{score.count} {run}s"


def squares(summaries: Sequence[Summary], task: Task) -> dict[str, Square]:
    """Return the matrix's column of a task: model -> square, for the uncompressed models."""
    plain = [each for each in summaries if each.task == task and each.method == UNCOMPRESSED]
    scores = {each.model.name: each.score(task.primary) for each in plain}

    def top(control: bool) -> float | None:
        known = [scores[each.model.name] for each in plain if each.control == control]
        return best_of([score.mean for score in known if score], task.direction)

    control, best = top(True), top(False)
    found = {}
    for each in plain:
        score = scores[each.model.name]
        found[each.model.name] = Square(
            each,
            score,
            spread(each, score),
            best=score is not None and not each.control and score.mean == best,
            beaten=score is not None
            and not each.control
            and control is not None
            and not better(score.mean, control, task.direction),
        )
    return found


def metrics_of(summaries: Sequence[Summary]) -> list[str]:
    """Return the names of the test metrics, the primary one first."""
    names = {
        name for each in summaries for variant in each.finished for name in variant.metrics.get("test", {})
    }
    first = [each.task.primary for each in summaries[:1]]
    return sorted(names, key=lambda name: (name not in first, numbers.reading_order(name)))
