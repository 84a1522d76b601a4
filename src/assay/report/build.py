# SPDX-License-Identifier: Apache-2.0
"""Build a suite's report from what its cells left on disk."""

from __future__ import annotations

import gc
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assay.files import write_text
from assay.report import page
from assay.report.figures import drawing
from assay.report.figures.plots import Chart
from assay.report.formatting.file_names import file_name
from assay.report.judgement import published_verdicts, quality
from assay.report.judgement.compare import Comparison, MetricOf
from assay.report.output import cards, latex, markdown, printed, statistics_files
from assay.report.results import searches, tables
from assay.report.results.collect import (
    NO_ERRORS,
    FoldItems,
    Model,
    Sheet,
    Task,
    Variant,
    read_sheet,
    read_variants,
)
from assay.report.results.runs import Run, run
from assay.report.results.searches import Search
from assay.report.results.summaries import Summary, summarise
from assay.report.results.trials import Trial, Tuning
from assay.report.results.trials import summarise as summarise_trials
from assay.report.sections import overview
from assay.report.sections.across import across_sections
from assay.report.sections.task import Section, section
from assay.report.sections.tuning import tuning_section

KNOWN_PROVENANCE = ("commit", "dirty", "commands", "params", "versions")


def no_comparison(results: str, costs: str, now: Run, metric_of: MetricOf) -> str:  # noqa: ARG001
    """Return the text of the page's section on changes where no comparison was requested."""
    return "Not compared with an earlier run."


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
    trials: Sequence[Trial] = (),
    tuned: Sequence[Mapping[str, Any]] = (),
    since: Callable[[str, str, Run, MetricOf], Comparison | str] = no_comparison,
    errors: Mapping[Path, str] = NO_ERRORS,
    scope: Sequence[str] = (),
) -> None:
    """Write index.html, results.csv, costs.csv, estimates.csv, tests.csv, results.md, cards, tables and figures.

    The same files and arguments give the same bytes. Missing or unreadable records are shown as such.

    Args:
        variants: the planned variants, each with task, model, family, seed, method, and the folders ``trained``,
            ``compressed`` and ``evaluated`` of its phases.
        tasks: each with name, dataset, primary, direction (maximise | minimise), metric, watched, controls; of data
            with folds also folds: seed -> the prepared dataset of its fold.
        models: each with name, family, seeded (False if the fit does not depend on the seed).
        reports: the output folder, which may hold ``validation/<dataset>/`` of an earlier phase.
        raw: dataset -> folder with source.json.
        prepared: dataset -> folder with prepared.json.
        validated: dataset -> its validation record (a JSON file).
        provenance: commit, dirty, commands (list), params (digest), versions (mapping); each
            may be absent, and other keys are shown as they are.
        trials: hyperparameter settings that were tried before, of any task.
        tuned: the searches for hyperparameters, as :func:`assay.report.results.searches.read` takes them.
        since: maps this run's results.csv and costs.csv, the run itself and a task's metric to the comparison
            with an earlier run, or to the reason why there is none.
        errors: record -> why it cannot be trusted; its cell is shown as failed and has no rank.
        scope: what the report covers, if not a whole suite: lines that the page shows first.
    """
    with ThreadPoolExecutor(2) as executor:
        script = executor.submit(drawing.script)
        found = read(variants, tasks, models, reports, raw, prepared, validated, errors, tuned)
        chosen = cards.choices(trials, found.searches)
        written = executor.submit(
            cards.write, reports / "cards", suite, found.summaries, found.sheets, chosen
        )
        sections = sections_of(found)
        results = tables.to_csv(tables.result_rows(suite, found.variants, found.tasks), tables.RESULT_COLUMNS)
        costs = tables.to_csv(tables.cost_rows(suite, found.variants), tables.COST_COLUMNS)
        judged = {name: (task.primary, task.direction) for name, task in found.tasks.items()}
        changed = since(
            results,
            costs,
            run("this run", results, costs, judged, reports),
            lambda task: found.tasks[task].metric,
        )
        view = view_of(suite, found, sections, provenance, trials)
        compared = across_sections(found.summaries, sections)
        view |= {"changed": changed, "scope": scope, "across": compared}
        figures = {f"{file_name(each.key)}.svg": each.plot.standalone() for each in main_charts(view)}
        drawn = executor.submit(
            drawing.svgs, {reports / "figures" / name: spec for name, spec in figures.items()}
        )
        write_text(reports / "results.csv", results)
        write_text(reports / "costs.csv", costs)
        estimates = statistics_files.estimates(suite, sections)
        write_text(reports / "estimates.csv", tables.to_csv(estimates, statistics_files.ESTIMATES))
        tests = statistics_files.tests(suite, sections, [each.found for each in compared])
        write_text(reports / "tests.csv", tables.to_csv(tests, statistics_files.TESTS))
        shown = printed.tables_of(view)
        write_text(reports / "results.md", markdown.render(view, shown))
        _fill(reports / "tables", _csv_tables(view) | latex.files(shown))
        page.write(reports / "index.html", view, all_charts(view), script.result())
        drawn.result()
        _clear(reports / "figures", figures)
        written.result()


@dataclass(frozen=True)
class Results:
    """What was planned, and what was found of it on disk."""

    sheets: dict[str, Sheet]
    tasks: dict[str, Task]
    models: dict[str, Model]
    variants: list[Variant]
    searches: list[Search] = field(default_factory=list)
    tuned: frozenset[tuple[str, str]] = frozenset()
    """The tasks and models whose hyperparameters are chosen by a search, whether it has finished or not."""

    @cached_property
    def summaries(self) -> list[Summary]:
        """The variants by task, model and method."""
        return summarise(self.variants, self.tasks, self.models, self.tuned)


def read(
    variants: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
    reports: Path,
    raw: Mapping[str, Path],
    prepared: Mapping[str, Path],
    validated: Mapping[str, Path],
    errors: Mapping[Path, str],
    tuned: Sequence[Mapping[str, Any]] = (),
) -> Results:
    """Read what the planned variants left on disk; the arguments are those of :func:`build`."""
    sheets = {name: read_sheet(name, raw[name], prepared[name], validated[name], reports) for name in raw}
    planned = {str(row["name"]): _task(row, sheets) for row in tasks}
    rows = {str(row["name"]): Model(row["name"], row["family"], bool(row["seeded"])) for row in models}
    found = read_variants(variants, planned, errors)
    searched = frozenset((str(row["task"]), str(row["model"])) for row in tuned)
    return Results(sheets, planned, rows, found, searches.read(tuned, errors), searched)


def _task(row: Mapping[str, Any], sheets: Mapping[str, Sheet]) -> Task:
    folds = {str(seed): _fold(sheets[name]) for seed, name in row.get("folds", {}).items()}
    sheet = sheets[next((fold.name for fold in folds.values()), str(row["dataset"]))]
    return Task(
        str(row["name"]),
        str(row["dataset"]),
        str(row["primary"]),
        str(row["direction"]),
        str(row["watched"]),
        tuple(map(str, row["controls"])),
        (sheet.prepared.get("optimum") or {}).get(row["primary"]),
        row.get("metric"),
        folds,
    )


def _fold(sheet: Sheet) -> FoldItems:
    counts = sheet.prepared.get("counts") or {}
    return FoldItems(sheet.name, counts.get("train", 0), counts.get("test", 0))


def sections_of(found: Results) -> list[Section]:
    """Return the section of each task."""
    families = list(dict.fromkeys(model.family for model in found.models.values()))
    mine: dict[str, list[Summary]] = {name: [] for name in found.tasks}
    for each in found.summaries:
        mine[each.task.name].append(each)
    gc.freeze()  # statsmodels collects garbage at each correction: 0.3 s over all records, twice per task
    sections = [
        section(task, f"task-{number}", mine[name], found.sheets[task.sheet], families)
        for number, (name, task) in enumerate(found.tasks.items(), 1)
    ]
    gc.unfreeze()
    return _judged(sections)


def _judged(sections: Sequence[Section]) -> list[Section]:
    """Return the sections with the verdicts on published values, which are corrected for all tasks together."""
    gaps = {(each.task.name, model): gap for each in sections for model, gap in each.gaps.items()}
    found = published_verdicts.verdicts(gaps)
    return [
        replace(each, verdicts={model: found[each.task.name, model] for model in each.gaps})
        for each in sections
    ]


def view_of(
    suite: str,
    found: Results,
    sections: Sequence[Section],
    provenance: Mapping[str, Any],
    trials: Sequence[Trial],
) -> dict[str, Any]:
    """Return the variables of the templates and the printed tables."""
    variants, tasks, models, sheets = found.variants, found.tasks, found.models, [*found.sheets.values()]
    hosts = overview.counted(each.host for each in variants)
    commits = overview.counted(commit for each in variants for commit in sorted(each.commits))
    latest = max(variants, key=lambda each: each.finished, default=None)
    matrix = overview.matrix_rows(sections, models)
    families = list(dict.fromkeys(model.family for model in models.values()))
    tuning = summarise_trials(trials, [(each.task, each.model, each.method) for each in variants])
    findings = quality.findings(_evidence(each, tuning) for each in sections)
    return {
        "suite": suite,
        "scope": (),
        "partial": False,
        "tally": overview.tally(variants, len(tasks), len(matrix)),
        "commit": provenance.get("commit") or "",
        "dirty": bool(provenance.get("dirty")),
        "hosts": [host for host, _ in hosts],
        "host_counts": hosts,
        "commits": commits,
        "finished": latest.finished if latest else "",
        "spent": overview.spent(variants),
        "notices": overview.notices(variants, sheets, hosts, commits, provenance),
        "findings": findings,
        "checks": quality.CHECKS,
        "marks": quality.marks(findings),
        "tasks": tasks,
        "matrix": matrix,
        "sections": sections,
        "pareto": overview.quality_and_cost(sections, families),
        "families": overview.families(sections, models),
        "tradeoff": overview.trade_off(sections),
        "sheets": sheets,
        "failures": tables.failure_rows(variants),
        "variants": variants,
        "provenance": provenance,
        "tuning": tuning,
        "searches": found.searches,
        "searched": tuning_section(found.searches, found.summaries, tasks),
        "other": [
            (str(key), str(value)) for key, value in sorted(provenance.items()) if key not in KNOWN_PROVENANCE
        ],
        "versions": sorted(
            (provenance.get("versions") or (latest.versions if latest else {})).items(),
            key=lambda item: str(item[0]).lower(),
        ),
        "assay_version": version("assay"),
    }


def _evidence(each: Section, tuning: Sequence[Tuning]) -> quality.Evidence:
    mine = [row for row in tuning if row.task == each.task.name]
    return quality.Evidence(
        each.task,
        each.sheet,
        each.summaries,
        each.analysis,
        each.quoted,
        each.compression,
        mine,
        each.verdicts,
    )


def main_charts(view: Mapping[str, Any]) -> list[Chart]:
    """Return the figures of the whole run and each task's curves and scatter plots, which are also written as SVG."""
    of_tasks = [chart for each in view["sections"] for chart in (*each.curves[-1:], *each.scatters)]
    return [*_whole_run(view), *of_tasks]


def all_charts(view: Mapping[str, Any]) -> list[Chart]:
    """Return every figure of the page."""
    of_families = [each.chart for each in view["families"] if each.chart]
    return [*_whole_run(view), *of_families, *(chart for each in view["sections"] for chart in each.charts)]


def _whole_run(view: Mapping[str, Any]) -> list[Chart]:
    of_across = [chart for each in view["across"] for chart in each.charts]
    several = (*view["pareto"], *of_across, *view["searched"].charts, *view["tradeoff"]["charts"])
    return [*several, *([view["spent"]["chart"]] if view["spent"]["chart"] else [])]


def _csv_tables(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the page's tables as CSV text, by file name."""
    sections: Sequence[Section] = view["sections"]
    rows: dict[str, tables.Rows] = {name: [] for name in tables.TABLES}
    for each in sections:
        rows["matrix"] += tables.matrix_records(each.task, each.squares)
        rows["metrics"] += tables.metric_records(each.task, each.plain, each.metrics)
        rows["published"] += [{"task": each.task.name, **row} for row in each.published]
        rows["compression"] += each.compression
    rows["failures"] = [
        {**cause, "model": model, "seeds": " ".join(seeds), "methods": " ".join(cause["methods"])}
        for cause in view["failures"]
        for model, seeds in cause["cells"].items()
    ]
    rows["trials"] = searches.trial_rows(view["searches"])
    rows["dropped"] = [
        {"dataset": sheet.name, **row}
        for sheet in view["sheets"]
        for row in sheet.prepared.get("dropped") or []
    ]
    return {f"{name}.csv": tables.to_csv(rows[name], columns) for name, columns in tables.TABLES.items()}


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    """Make ``folder`` hold exactly these files."""
    for name, text in files.items():
        write_text(folder / name, text)
    _clear(folder, files)


def _clear(folder: Path, names: Container[str]) -> None:
    """Remove the files whose names are not in ``names``: an earlier report left them."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted(path for path in folder.iterdir() if path.is_file() and path.name not in names):
        stale.unlink()
