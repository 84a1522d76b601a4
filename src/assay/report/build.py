"""Build a suite's report from what its cells left on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assay.files import write_text
from assay.layout import UNCOMPRESSED
from assay.report import cards, compression, formats, markdown, page, plots, published, tables
from assay.report.collect import (
    NOT_RUN,
    Model,
    Sheet,
    Task,
    Variant,
    read_sheet,
    read_variants,
)
from assay.report.file_names import file_name
from assay.report.summaries import Square, Summary, metrics_of, squares, summarise
from assay.report.tables import Rows

SCATTERS = (
    ("size_bytes", "size on disk, bytes", "size"),
    ("latency_ms_batch1", "latency at batch 1, ms", "latency"),
)
KNOWN_PROVENANCE = ("commit", "dirty", "commands", "params", "tuning", "versions")
COMMONEST = 3
SAMPLE = ("given", "expected", "said")


@dataclass(frozen=True)
class Chart:
    """A figure: its key in the page, its title, its caption and its specification."""

    key: str
    title: str
    caption: str
    spec: plots.Spec


@dataclass(frozen=True)
class Section:
    """All that the page shows of one task."""

    task: Task
    anchor: str
    sheet: Sheet
    plain: list[Summary]
    squares: dict[str, Square]
    metrics: list[str]
    published: Rows
    compression: Rows
    not_compressed: Rows
    curves: list[Chart]
    scatters: list[Chart]
    sensitivity: Chart | None
    confusion: Chart | None
    errors: Rows = field(default_factory=list)
    samples: Rows = field(default_factory=list)

    @property
    def without_curves(self) -> list[str]:
        """Models of which no seed left a history."""
        return [
            each.model.name
            for each in self.plain
            if not each.control and not any(variant.history for variant in each.variants)
        ]

    @property
    def charts(self) -> list[Chart]:
        single = [chart for chart in (self.sensitivity, self.confusion) if chart]
        return [*self.curves, *self.scatters, *single]


def build(
    *,
    suite: str,
    variants: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
    reports: Path,
    raw: Mapping[str, Path],
    prepared: Mapping[str, Path],
    validated: Mapping[str, Path],
    provenance: Mapping[str, Any],
) -> None:
    """Write index.html, results.csv, costs.csv, results.md, cards, tables/*.csv and figures/*.svg to ``reports``.

    The same files and arguments give the same bytes. Missing or unreadable records are shown as such.

    Args:
        variants: what was planned, each with task, model, family, seed, method, and the folders ``trained``,
            ``compressed`` and ``evaluated`` of its phases.
        tasks: each with name, dataset, primary, direction (maximise | minimise), watched, controls.
        models: each with name, family, seeded (False where the fit does not depend on the seed).
        reports: where to write, and where ``validation/<dataset>/`` of an earlier phase may be.
        raw: dataset -> folder with source.json.
        prepared: dataset -> folder with prepared.json.
        validated: dataset -> its validation record (a JSON file).
        provenance: commit, dirty, commands (list), params (digest), tuning (text), versions (mapping); each
            may be absent, and other keys are shown as they are.
    """
    sheets = {name: read_sheet(name, raw[name], prepared[name], validated[name], reports) for name in raw}
    asked = {str(row["name"]): _task(row, sheets[row["dataset"]]) for row in tasks}
    rows = {str(row["name"]): Model(row["name"], row["family"], bool(row["seeded"])) for row in models}
    found = read_variants(variants, asked)
    summaries = summarise(found, asked, rows)
    sections = [
        _section(task, f"task-{number}", summaries, sheets[task.dataset])
        for number, task in enumerate(asked.values(), 1)
    ]
    view = _view(
        suite, found, asked, sections, list(sheets.values()), matrix_rows(sections, rows), provenance
    )
    charts = {chart.key: chart.spec for section in sections for chart in section.charts}
    write_text(reports / "index.html", page.render(view, charts))
    results, costs = tables.result_rows(suite, found, asked), tables.cost_rows(suite, found)
    write_text(reports / "results.csv", tables.to_csv(results, tables.RESULT_COLUMNS))
    write_text(reports / "costs.csv", tables.to_csv(costs, tables.COST_COLUMNS))
    write_text(reports / "results.md", markdown.render(view))
    cards.write(reports / "cards", suite, summaries, sheets)
    _fill(reports / "tables", {f"{name}.csv": text for name, text in _csv_tables(view).items()})
    _fill(reports / "figures", {f"{file_name(key)}.svg": plots.to_svg(spec) for key, spec in charts.items()})


def _task(row: Mapping[str, Any], sheet: Sheet) -> Task:
    return Task(
        str(row["name"]),
        str(row["dataset"]),
        str(row["primary"]),
        str(row["direction"]),
        str(row["watched"]),
        tuple(map(str, row["controls"])),
        (sheet.prepared.get("optimum") or {}).get(row["primary"]),
    )


def _section(task: Task, anchor: str, summaries: Sequence[Summary], sheet: Sheet) -> Section:
    """Gather what the page shows of a task."""
    mine = [each for each in summaries if each.task == task]
    plain = [each for each in mine if each.method == UNCOMPRESSED]
    column = squares(mine, task)
    classes = [str(name) for name in sheet.prepared.get("classes") or []]
    confused = plots.confusions(plain, classes)
    return Section(
        task=task,
        anchor=anchor,
        sheet=sheet,
        plain=plain,
        squares=column,
        metrics=metrics_of(mine),
        published=tables.beside_published(column, task, published.load().get(task.dataset, {})),
        compression=compression.compared(mine, task),
        not_compressed=compression.left_out(mine, task),
        sensitivity=_sensitivity(mine, task),
        curves=[
            Chart(f"{name}-{task.name}", title, CAPTIONS[name], spec)
            for name, title, spec in plots.curves(plain, task.watched)
        ],
        scatters=[
            Chart(f"{short}-{task.name}", f"Against {title.split(',')[0]}", CAPTIONS["scatter"], spec)
            for cost, title, short in SCATTERS
            if (spec := plots.quality_cost(mine, cost, title)) is not None
        ],
        confusion=Chart(f"confusion-{task.name}", "Where each model errs", CAPTIONS["confusion"], confused)
        if confused
        else None,
        errors=_errors(plain, classes),
        samples=_samples(plain),
    )


CAPTIONS = {
    "loss": "Training and validation loss, one line a seed; each model has a scale of its own.",
    "watched": "On the validation set, by which the epoch is chosen; one line a seed, one scale for all models.",
    "scatter": (
        "One point a model and method, mean over seeds, controls left out; the cost axis is logarithmic."
        " The line joins those that no other beats in both."
    ),
    "sensitivity": (
        "What each method that chooses its setting tried, judged on validation: the score as it was right after"
        " compression and, where the method trains on, after that; one line a seed."
    ),
    "confusion": (
        "Test items of all seeds together. Rows are the true class, columns the prediction; blue is right,"
        " orange is wrong, deeper is a larger share of the true class. The orange is stretched so that rare"
        " errors show: it is full from a fifth of a class. Point at a square for its count."
    ),
}


def _sensitivity(summaries: Sequence[Summary], task: Task) -> Chart | None:
    """Return how the task's best model bears each method, None where none was tried at several settings."""
    rows = compression.trials(summaries, task)
    if not rows:
        return None
    title = f"Sensitivity of {rows[0]['model']} to compression"
    spec = plots.sensitivity(rows, task.watched)
    return Chart(f"sensitivity-{task.name}", title, CAPTIONS["sensitivity"], spec)


def _errors(plain: Sequence[Summary], classes: Sequence[str]) -> Rows:
    """Return the number of errors and the commonest confusions of each model."""
    rows = []
    for each in plain:
        matrix = tables.confusion_of(each)
        if matrix and not each.control:
            names = [plots.class_name(classes, place) for place in range(len(matrix))]
            wrong = sum(map(sum, matrix)) - sum(row[place] for place, row in enumerate(matrix))
            errors = tables.commonest_errors(matrix, names, COMMONEST)
            rows.append({"model": each.model.name, "wrong": wrong, "errors": errors})
    return rows


def _samples(plain: Sequence[Summary]) -> Rows:
    """Return what each model answered to the first test items, one seed a model."""
    return [
        {"model": each.model.name, **{name: str(sample.get(name, "")) for name in SAMPLE}}
        for each in plain
        for variant in each.finished[:1]
        for sample in variant.samples
    ]


def matrix_rows(sections: Sequence[Section], models: Mapping[str, Model]) -> Rows:
    """Return the matrix's rows, models of one family together in the order of their first member."""
    used = [name for name in models if any(name in section.squares for section in sections)]
    families = list(dict.fromkeys(models[name].family for name in used))
    rows = []
    for name in sorted(used, key=lambda name: families.index(models[name].family)):
        mine = [section.squares[name] for section in sections if name in section.squares]
        sizes = sorted(
            {round(number) for square in mine if (number := square.summary.cost("parameters")) is not None}
        )
        rows.append(
            {
                "model": models[name],
                "control": all(square.summary.control for square in mine),
                "parameters": sizes[-1] if sizes else None,
                "parameters_text": " to ".join(
                    formats.count(number) for number in dict.fromkeys((sizes[0], sizes[-1]))
                )
                if sizes
                else formats.NOTHING,
            }
        )
    return rows


def _view(
    suite: str,
    variants: Sequence[Variant],
    tasks: Mapping[str, Task],
    sections: Sequence[Section],
    sheets: Sequence[Sheet],
    matrix: Rows,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what page.html and the Markdown name."""
    ok = sum(each.ok for each in variants)
    skipped = sum(each.status == "skipped" for each in variants)
    not_run = sum(each.status == NOT_RUN for each in variants)
    hosts = _counted(each.host for each in variants)
    commits = _counted(commit for each in variants for commit in sorted(each.commits))
    latest = max(variants, key=lambda each: each.finished, default=None)
    return {
        "suite": suite,
        "tally": {
            "ok": ok,
            "skipped": skipped,
            "not_run": not_run,
            "failed": len(variants) - ok - skipped - not_run,
            "planned": len(variants),
            "tasks": len(tasks),
            "models": len(matrix),
        },
        "commit": provenance.get("commit") or "",
        "dirty": bool(provenance.get("dirty")),
        "hosts": [host for host, _ in hosts],
        "host_counts": hosts,
        "commits": commits,
        "finished": latest.finished if latest else "",
        "seconds_spent": _seconds_spent(variants),
        "notices": _notices(variants, sheets, hosts, commits, provenance),
        "tasks": tasks,
        "matrix": matrix,
        "sections": sections,
        "sheets": sheets,
        "failures": tables.failure_rows(variants),
        "variants": variants,
        "provenance": provenance,
        "other": [
            (str(key), str(value)) for key, value in sorted(provenance.items()) if key not in KNOWN_PROVENANCE
        ],
        "versions": sorted(
            (provenance.get("versions") or (latest.versions if latest else {})).items(),
            key=lambda item: str(item[0]).lower(),
        ),
        "assay_version": version("assay"),
    }


def _seconds_spent(variants: Sequence[Variant]) -> float:
    """Return the seconds of all phases; a cell's training counts once, not once a method."""
    training = {(each.task, each.model, each.seed): each.train_seconds or 0.0 for each in variants}
    rest = sum(each.seconds - (each.train_seconds or 0.0) for each in variants)
    return sum(training.values()) + rest


def _notices(
    variants: Sequence[Variant],
    sheets: Sequence[Sheet],
    hosts: Sequence[tuple[str, int]],
    commits: Sequence[tuple[str, int]],
    provenance: Mapping[str, Any],
) -> list[str]:
    """Return what a reader must know before trusting a number."""
    notices = []
    if not variants:
        notices.append("This suite plans no variants.")
    elif not any(each.ok for each in variants):
        notices.append("No variant has finished: this report holds no results, only what went wrong.")
    twins = [sheet.name for sheet in sheets if sheet.twin]
    if twins:
        notices.append(
            f"Generated twins stand in for {', '.join(twins)}: these numbers show that the pipeline works and"
            " say nothing of the models' quality on the real data."
        )
    if provenance.get("dirty"):
        notices.append("The working tree had uncommitted changes when this report was built.")
    if len(commits) > 1:
        notices.append(
            f"The variants were made at {len(commits)} different states of the code; see How it was made."
        )
    if len(hosts) > 1:
        notices.append(f"Costs were measured on {len(hosts)} different hosts and may not be comparable.")
    return notices


def _counted(values: Iterable[str]) -> list[tuple[str, int]]:
    """Return distinct non-empty values with their counts, commonest first, ties by name."""
    return sorted(Counter(value for value in values if value).items(), key=lambda item: (-item[1], item[0]))


def _csv_tables(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the page's tables as CSV text by name."""
    sections: Sequence[Section] = view["sections"]
    rows: dict[str, Rows] = {name: [] for name in tables.TABLES}
    for section in sections:
        rows["matrix"] += tables.matrix_records(section.task, section.squares)
        rows["metrics"] += tables.metric_records(section.task, section.plain, section.metrics)
        rows["published"] += [{"task": section.task.name, **row} for row in section.published]
        rows["compression"] += section.compression
    rows["failures"] = [
        {**cause, "model": model, "seeds": " ".join(seeds), "methods": " ".join(cause["methods"])}
        for cause in view["failures"]
        for model, seeds in cause["cells"].items()
    ]
    rows["dropped"] = [
        {"dataset": sheet.name, **row}
        for sheet in view["sheets"]
        for row in sheet.prepared.get("dropped") or []
    ]
    return {name: tables.to_csv(rows[name], columns) for name, columns in tables.TABLES.items()}


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    """Make ``folder`` hold exactly these files; what an earlier report left there goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted(path for path in folder.iterdir() if path.is_file() and path.name not in files):
        stale.unlink()
    for name, text in files.items():
        write_text(folder / name, text)
