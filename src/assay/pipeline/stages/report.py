# SPDX-License-Identifier: Apache-2.0
"""Build the report of a suite from the results of its jobs; nothing here recomputes a result."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from assay import paths
from assay.config.matrix import Matrix, select
from assay.config.params import load_params
from assay.files import sha256, write_json
from assay.pipeline import trust
from assay.pipeline.rule_functions import Graph
from assay.pipeline.stages.arguments import parse
from assay.provenance import measurement, records
from assay.report.build import build
from assay.report.judgement.compare import Comparison, MetricOf, since_last
from assay.report.results import trials
from assay.report.results.runs import Run
from assay.report.results.tables import metrics_by_row
from assay.tasks import loading

PARTS = (
    "index.html",
    "results.csv",
    "costs.csv",
    "estimates.csv",
    "tests.csv",
    "results.md",
    "metrics.json",
    "tables",
    "cards",
    "figures",
)


def tasks_of(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the tasks that ran, each with its primary metric, the metric's direction and its controls."""
    found = []
    for name in matrix.tasks:
        kind = matrix.kind(name)
        task = loading.load(matrix.params.tasks[name].kind, matrix.metric(name))
        rows = [row for row in matrix.models if matrix.params.models[row].model in kind.controls]
        found.append(
            {
                "name": name,
                "dataset": matrix.dataset(name),
                "primary": task.primary.name,
                "direction": task.primary.direction,
                "metric": task.primary,
                "watched": task.watched.name,
                "controls": rows,
                **({"folds": matrix.prepared_of(name)} if matrix.params.folds_of(name) else {}),
            }
        )
    return found


def models_of(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the rows of models that ran, each with its family and whether its fit depends on the seed."""
    entries = {name: matrix.family(name) for name in matrix.models}
    return [{"name": name, "family": entry.family, "seeded": entry.seeded} for name, entry in entries.items()]


def variants_of(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the planned variants, each with the folders of its phases."""
    return [
        {
            **asdict(variant),
            "family": matrix.family(variant.model).family,
            "source": None if variant.method == paths.UNCOMPRESSED else matrix.source(variant).method,
            "trained": Path(matrix.trained(variant.cell)),
            "compressed": Path(matrix.compressed(variant)),
            "evaluated": Path(matrix.evaluated(variant)),
        }
        for variant in matrix.variants
    ]


def tuned_of(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the tuned rows, each with the row that it is like, if that runs with fixed hyperparameters."""
    found, running = [], {(cell.task, cell.model) for cell in matrix.cells}
    for row in matrix.tuned:
        like = matrix.params.models[row.model].like or ""
        is_fixed = (row.task, like) in running and not matrix.tuning(row.task, like)
        found.append(
            {
                "task": row.task,
                "dataset": matrix.prepared_for(row.trial),
                "model": row.model,
                "fold": row.fold,
                "fixed": like if is_fixed else "",
                "tuned": Path(matrix.tuning_folder(row)),
            }
        )
    return found


def provenance_of(matrix: Matrix, params: str) -> dict[str, Any]:
    """Return the provenance of the run: commit, commands, digest of the params."""
    selected = {"tasks": matrix.only_tasks, "models": matrix.only_models}
    chosen = "".join(f" {key}={','.join(names)}" for key, names in selected.items() if names)
    return {
        **measurement.commit(),
        "commands": [f"snakemake --cores all --config suite={matrix.suite}{chosen}"],
        "params": params,
        "lock": measurement.lock() or "",
    }


def errors_of(matrix: Matrix) -> dict[Path, str]:
    """Return the records that cannot be trusted, each with the first reason."""
    proofs = trust.Proofs()
    found = {Path(job.record): proofs.problems(job) for job in Graph(matrix).jobs}
    return {
        record: f"{problems[0].text}; the next run makes it again"
        for record, problems in found.items()
        if problems and problems[0].kind != "ended"
    }


def inputs_of(matrix: Matrix, params: str) -> dict[str, Any]:
    """Return what a report of ``matrix`` is built from, as arguments of :func:`assay.report.build.build`."""
    names = matrix.prepared
    return {
        "suite": matrix.suite,
        "variants": variants_of(matrix),
        "tasks": tasks_of(matrix),
        "models": models_of(matrix),
        "raw": {name: Path(paths.RAW.format(dataset=matrix.whole(name))) for name in names},
        "prepared": {name: Path(paths.PREPARED.format(dataset=name)) for name in names},
        "validated": {name: Path(paths.VALIDATED.format(dataset=name)) for name in names},
        "provenance": provenance_of(matrix, params),
        "tuned": tuned_of(matrix),
        "errors": errors_of(matrix),
        "scope": scope_of(matrix),
    }


def scope_of(matrix: Matrix) -> list[str]:
    """Return the line that says which part of the suite a selection is; empty for a whole suite."""
    selected = {"tasks": matrix.only_tasks, "models": matrix.only_models}
    chosen = "; ".join(f"{key} {', '.join(names)}" for key, names in selected.items() if names)
    return [f"A selection of the suite {matrix.suite}: {chosen}."] if chosen else []


def since_recorded(results: str, costs: str, now: Run, metric_of: MetricOf) -> Comparison | str:
    """Return the changes since the last recorded run of those models that a selection runs too."""
    found = since_last(results, costs, now, metric_of)
    if isinstance(found, str):
        return found
    return replace(found, changes=tuple(each for each in found.changes if each.kind != "gone"))


def report(matrix: Matrix, spec: dict[str, Any], tried: list[trials.Trial], code: str, reports: Path) -> None:
    """Build the report in ``reports`` and write a record with the digest of each file."""
    since = since_recorded if Graph(matrix).is_selection else since_last
    build(**inputs_of(matrix, spec["params"]), reports=reports, trials=tried, since=since)
    write_json(reports / "metrics.json", metrics_by_row(reports / "tables" / "matrix.csv"))
    made = [
        path for name in PARTS for path in (reports / name, *(reports / name).rglob("*")) if path.is_file()
    ]
    files = {str(path.relative_to(reports)): sha256(path) for path in made}
    shown = map(Path, Graph(matrix).report_job.made_from)
    record = reports / paths.REPORT.name
    records.keep(record, "report", lambda: {"files": files}, code=code, made_from=shown, spec=spec)


def main(argv: list[str]) -> int:
    """Build the report of the suite that ``argv`` names."""
    arguments = parse(argv, "report", __doc__, "--spec", "--params", "--code", "--out")
    spec, reports = arguments.spec, arguments.out.parent
    selected = {key: ",".join(spec[key]) for key in ("tasks", "models") if paths.of_cells(reports) != reports}
    matrix = select(load_params(arguments.params), suite=spec["suite"], **selected)
    try:
        tried = trials.load(paths.TUNING)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    report(matrix, spec, tried, arguments.code, reports)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
