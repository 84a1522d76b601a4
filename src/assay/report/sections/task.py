# SPDX-License-Identifier: Apache-2.0
"""The section of each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.paths import UNCOMPRESSED
from assay.report.figures import pareto, plots
from assay.report.figures.image_grid import Grid, grid
from assay.report.figures.plots import Chart
from assay.report.formatting import numbers
from assay.report.inference.analysis import Analysis, Compared, analyse
from assay.report.inference.normalised import Scale, scale
from assay.report.judgement.published_verdicts import Gap, Verdict, gaps
from assay.report.results import compression, published, tables
from assay.report.results.collect import UNFINISHED, Sheet, Task
from assay.report.results.published import Published
from assay.report.results.summaries import Square, Summary, metrics_of, squares
from assay.report.results.tables import Rows

COSTS = (
    ("size_bytes", "size on disk, bytes", "size"),
    ("latency_ms_batch1", "latency at batch 1, ms", "latency"),
)
"""The cost axes: attribute of a variant, title of the axis, key of the figure."""
MOST_COMMON = 3
SAMPLE = ("given", "expected", "said")
CAPTIONS = {
    "loss": "Training and validation loss, one line per {run}; each model has its own scale.",
    "watched": "On the validation set, where the epoch is chosen; one line per {run}, one scale for all models.",
    "scatter": (
        "One point per model and method, mean over {run}s, controls excluded; the cost axis is logarithmic."
        " The line is the Pareto front: the points that no other beats in both."
    ),
    "sensitivity": (
        "The settings tried by each method that chooses its own, scored on validation items: right after"
        " compression and, where the method trains further, after that training; one line per {run}."
    ),
    "confusion": (
        "Test items of all {run}s together. Rows are the true class, columns the prediction; correct predictions are"
        " blue, errors orange, and a deeper colour is a larger share of the true class. The orange scale is stretched"
        " so that rare errors show: it saturates at a fifth of a class. Hover over a square for its count."
    ),
}
"""By figure; ``{run}`` is what the runs of a model differ in, :attr:`.collect.Task.run`."""


@dataclass(frozen=True)
class Section:
    """Everything the page shows about one task."""

    task: Task
    anchor: str
    sheet: Sheet
    summaries: list[Summary]
    squares: dict[str, Square]
    quoted: Mapping[str, Published]
    """The dataset's published values, by model."""
    analysis: Analysis
    scale: Scale | None
    gaps: dict[str, Gap]
    """By model: the gap to its published value."""
    published: Rows
    compression: Rows
    not_compressed: Rows
    curves: list[Chart]
    scatters: list[Chart]
    sensitivity: Chart | None
    confusion: Chart | None
    errors: Rows = field(default_factory=list)
    samples: Rows = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """By model: the verdict on its published value, corrected for all those of the report."""

    @property
    def plain(self) -> list[Summary]:
        return [each for each in self.summaries if each.method == UNCOMPRESSED]

    @property
    def planned(self) -> int:
        """The number of planned variants."""
        return sum(len(each.variants) for each in self.summaries)

    @property
    def unfinished(self) -> int:
        """The number of variants that have not finished; 0 except on a partial page."""
        return sum(variant.status == UNFINISHED for each in self.summaries for variant in each.variants)

    @property
    def metrics(self) -> list[str]:
        return metrics_of(self.summaries)

    @property
    def ranked(self) -> list[Summary]:
        """Models with a score, best first."""
        scored = {name: square.score.mean for name, square in self.squares.items() if square.score}
        order = sorted(scored, key=scored.__getitem__, reverse=self.task.direction == "maximise")
        return [self.squares[name].summary for name in order]

    @property
    def without_curves(self) -> list[str]:
        """Models without a training history in any seed."""
        return [
            each.model.name
            for each in self.plain
            if not each.control and not any(variant.history for variant in each.variants)
        ]

    @property
    def charts(self) -> list[Chart]:
        single = [chart for chart in (self.sensitivity, self.confusion) if chart]
        return [*self.curves, *self.scatters, *single]

    def rank_of(self, model: str) -> str:
        """Return the ranks that the tests allow, such as 2 or 1-3; "" for a model without one."""
        first, last = self.analysis.ranks.get(model, (0, 0))
        return "" if not first else str(first) if first == last else f"{first}-{last}"

    def place_of(self, model: str) -> float | None:
        """Return a number by which ranks sort, None for a model without one."""
        ranks = self.analysis.ranks.get(model)
        return ranks[0] + ranks[1] / 1000 if ranks else None

    @property
    def best_sentence(self) -> str:
        """The sentence on the best model and how certain that is; empty if the tests allow no statement."""
        best, task = self.analysis.best, self.task
        if best is None:
            return ""
        adjusted, low, high = (
            numbers.score_with_unit(value, task.primary) for value in (best.estimate, best.low, best.high)
        )
        luck = (
            f" As the best of several it was probably lucky: corrected for the selection, its score is {adjusted}"
            f" ({low} to {high})."
        )
        if not best.rivals:
            return f"{best.model} is better than every other model, at a confidence of 95%."
        rivals = ", ".join(best.rivals)
        return f"{best.model} has the best mean, but {rivals} may be as good or better: of these, choose by cost.{luck}"

    def next_of(self, model: str) -> Compared | None:
        """Return the comparison of a model with the next worse one."""
        return next((each for each in self.analysis.neighbours if each.better == model), None)


def section(
    task: Task, anchor: str, summaries: Sequence[Summary], sheet: Sheet, families: Sequence[str]
) -> Section:
    """Return a task's section; ``summaries`` are those of this task."""
    plain = [each for each in summaries if each.method == UNCOMPRESSED]
    column = squares(summaries, task)
    quoted = {} if sheet.twin else published.load().get(task.dataset, {})
    analysis = analyse(summaries, task)
    classes = [str(name) for name in sheet.prepared.get("classes") or []]
    confused = plots.confusions(plain, classes)
    return Section(
        task=task,
        anchor=anchor,
        sheet=sheet,
        summaries=list(summaries),
        squares=column,
        quoted=quoted,
        analysis=analysis,
        scale=scale(task, column, quoted),
        gaps=gaps(column, task, quoted, analysis),
        published=tables.beside_published(column, task, quoted),
        compression=compression.compared(summaries, task, analysis.budgets),
        not_compressed=compression.left_out(summaries, task),
        curves=[
            Chart(f"{name}-{task.name}", title, _caption(name, task), plot)
            for name, title, plot in plots.curves(plain, task.watched)
        ],
        scatters=[
            Chart(f"{key}-{task.name}", f"Against {title.split(',')[0]}", _caption("scatter", task), plot)
            for cost, title, key in COSTS
            if (plot := pareto.of_task(summaries, cost, title, families)) is not None
        ],
        sensitivity=_sensitivity(summaries, task),
        confusion=Chart(
            f"confusion-{task.name}", "Errors of each model", _caption("confusion", task), confused
        )
        if confused
        else None,
        errors=_errors(plain, classes),
        samples=_samples(plain),
        grids=_grids(plain),
    )


def _caption(name: str, task: Task) -> str:
    return CAPTIONS[name].format(run=task.run)


def _sensitivity(summaries: Sequence[Summary], task: Task) -> Chart | None:
    """Return the chart of the best model's score by setting of each method; None if no method tried several."""
    rows = compression.trials(summaries, task)
    if not rows:
        return None
    title = f"Sensitivity of {rows[0]['model']} to compression"
    plot = plots.sensitivity(rows, task.watched)
    return Chart(f"sensitivity-{task.name}", title, _caption("sensitivity", task), plot)


def _errors(plain: Sequence[Summary], classes: Sequence[str]) -> Rows:
    """Return the share of errors and the most common confusions of each model."""
    rows = []
    for each in plain:
        matrix = tables.confusion_of(each)
        if matrix and not each.control:
            names = [plots.class_name(classes, place) for place in range(len(matrix))]
            wrong = 1 - sum(row[place] for place, row in enumerate(matrix)) / sum(map(sum, matrix))
            errors = tables.most_common_errors(matrix, names, MOST_COMMON)
            rows.append({"model": each.model.name, "wrong": wrong, "errors": errors})
    return rows


def _grids(plain: Sequence[Summary]) -> list[Grid]:
    """Return each model's images of the first test items, from its first seed."""
    found = (grid(each.model.name, variant.images) for each in plain for variant in each.finished[:1])
    return [each for each in found if each]


def _samples(plain: Sequence[Summary]) -> Rows:
    """Return each model's predictions on the first test items, from its first seed."""
    return [
        {"model": each.model.name, **{name: str(sample.get(name, "")) for name in SAMPLE}}
        for each in plain
        for variant in each.finished[:1]
        for sample in variant.samples
    ]
