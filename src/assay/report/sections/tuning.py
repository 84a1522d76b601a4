# SPDX-License-Identifier: Apache-2.0
"""The section on tuning: tuned rows beside the rows with fixed hyperparameters, and what more trials would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.paths import UNCOMPRESSED
from assay.report.figures import plots
from assay.report.figures.plots import Chart
from assay.report.formatting import numbers
from assay.report.inference.expected_best import expected_best
from assay.report.results.collect import Task
from assay.report.results.searches import Search
from assay.report.results.summaries import Score, Summary

CAPTION = (
    "The expected best validation score of a search with fewer trials (Dodge et al. 2019), one line per row; trials are"
    " taken as independent draws, which those of TPE are not quite. A line that still rises says that more trials would"
    " find a better setting."
)


@dataclass(frozen=True)
class Tuned:
    """A tuned row, beside the row that it is like."""

    search: Search
    task: Task
    tuned: Score | None
    """The primary metric on test items."""
    fixed: Score | None
    """That of the row with fixed hyperparameters; None if none ran."""

    @property
    def difference(self) -> float | None:
        """The tuned row's test score minus the fixed row's."""
        return self.tuned.mean - self.fixed.mean if self.tuned and self.fixed else None


@dataclass(frozen=True)
class TuningSection:
    """What the section shows."""

    rows: list[Tuned]
    charts: list[Chart]


def tuning_section(
    searches: Sequence[Search], summaries: Sequence[Summary], tasks: Mapping[str, Task]
) -> TuningSection:
    """Return the section; its rows are empty if no row was tuned."""
    plain = {(each.task.name, each.model.name): each for each in summaries if each.method == UNCOMPRESSED}

    def score(task: str, model: str) -> Score | None:
        found = plain.get((task, model))
        return found.score(tasks[task].primary) if found else None

    rows = [
        Tuned(each, tasks[each.task], score(each.task, each.model), score(each.task, each.fixed))
        for each in searches
    ]
    return TuningSection(rows, _charts(searches))


def _charts(searches: Sequence[Search]) -> list[Chart]:
    """Return one chart per task."""
    found = []
    for task in dict.fromkeys(each.task for each in searches):
        mine = [each for each in searches if each.task == task]
        rows = [
            {"model": each.label, "trials": number, "value": value}
            for each in mine
            for number, value in enumerate(expected_best(each.scores, each.direction), 1)
        ]
        name = numbers.metric_name(mine[0].metric)
        plot = plots.lines(rows, name, numbers.is_fraction(mine[0].metric))
        found.append(Chart(f"trials-{task}", f"{task}: expected best validation {name}", CAPTION, plot))
    return found
