# SPDX-License-Identifier: Apache-2.0
"""The command line: ``assay COMMAND``. It shows, asks models and keeps results; Snakemake and DVC run things."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from assay import paths
from assay.config.matrix import Matrix, select, selection_faults
from assay.config.params import Params, ParamsError, load_params
from assay.files import STDOUT, check_output, write_output
from assay.pipeline.rule_functions import Graph, matrix_or_exit
from assay.provenance import code_digest, records, run_lock

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Told = TypeVar("Told")
SuiteOption = Annotated[
    str | None, typer.Option(help="suite to show; the one that params.yaml names if left out")
]


@app.command("list")
def list_variants(suite: SuiteOption = None) -> None:
    """Print each variant of a suite and its state. Reads what a run reads to see what is to do; writes nothing.

    The state is how the variant ended; "not run"; or "stale" where the next run makes it again (assay plan says why).
    """
    from assay.pipeline import plan

    matrix = matrix_or_exit({"suite": suite} if suite else {})
    due = {each.job.record for each in plan.plan(Graph(matrix))[1]}
    for variant in matrix.variants:
        status = Path(matrix.evaluated(variant)) / paths.STATUS
        record = records.find(status) or records.find(records.aside(status))
        state = record["status"] if record else "not run"
        if state in records.ENDED_WELL and str(status) in due:
            state = "stale"
        typer.echo(f"{variant.task}\t{variant.model}\t{variant.seed}\t{variant.method}\t{state}")


@app.command("check")
def check_params() -> None:
    """Print every fault of params.yaml, a line each. Exit code 2 if there is any."""
    params = _checked()
    faults = [fault for suite in params.suites for fault in selection_faults(Matrix(params, suite))]
    if faults:
        typer.echo("\n".join(faults), err=True)
        raise typer.Exit(2)
    typer.echo(f"{paths.PARAMS}: fine")


@app.command("schema")
def write_schema(
    out: Annotated[
        Path | None,
        typer.Option(help="file to write, - is standard output; params.schema.json if left out"),
    ] = None,
) -> None:
    """Write the JSON schema of params.yaml, which editors complete from. Without --out it goes beside params.yaml."""
    from assay.config import json_schema

    _told(lambda: json_schema.write(out))


@app.command("publish")
def publish(docs: Path = Path("docs")) -> None:
    """Write docs/results.md and its CSV files from reports/: the last run's tasks; others stay as they were."""
    from assay.report.output.publish import publish as publish_results

    if paths.REPORTS.is_dir():
        _told(run_lock.hold)
    for path in _told(lambda: publish_results(paths.REPORTS, docs)):
        typer.echo(path)


@app.command("plan")
def show_plan(suite: SuiteOption = None) -> None:
    """Print what a run of a suite would do, why, and what that is expected to take. Writes nothing.

    Reads params.yaml, the records of earlier jobs and what Snakemake knows of them. Every fault of params.yaml is
    printed at once, with exit code 2.
    """
    from assay.pipeline import plan

    _checked()
    graph = Graph(matrix_or_exit({"suite": suite} if suite else {}))
    jobs, planned = plan.plan(graph)
    alike = Counter((each.job.phase, each.job.name, each.reasons) for each in planned)
    for (phase, name, reasons), count in alike.items():
        jobs_of = f" ({count} seeds)" if count > 1 else ""
        typer.echo(f"{phase} {name}{jobs_of}: {'; '.join(reasons)}")
    typer.echo(f"{len(planned)} of {len(jobs)} jobs would run" + ("" if planned else ": nothing to do"))
    for phase, told in plan.expected(jobs, planned).items():
        guess = "time and size unknown, none ran before"
        if told.seconds is not None:
            guess = f"{told.seconds:.0f} s of one core, {(told.size_bytes or 0) / 1e6:.1f} MB"
        typer.echo(f"  {phase}: {told.jobs} {'job' if told.jobs == 1 else 'jobs'}, {guess}")


@app.command("restore")
def restore_files() -> None:
    """After git clone, checkout or pull: bring back what dvc.lock names, prove it by content, have it trusted.

    Reads dvc.lock, DVC's cache and remote; writes data, artifacts and reports. Exit code 1 if a file could not be
    proven: it is named, and the next run makes it again. What lay here with other bytes is kept in .assay/replaced.
    """
    from assay.pipeline import plan
    from assay.pipeline.restore import restore

    found = _told(restore)
    for path in found.changed:
        typer.echo(f"{path}: had other bytes than dvc.lock says; put back, they lie in {found.replaced}")
    typer.echo(
        f"{found.proven} files are what dvc.lock says; {found.missing} of them were missing and are back"
    )
    for path, reason in found.wrong.items():
        typer.echo(f"{path}: {reason}; the next run makes it again", err=True)
    with suppress(ParamsError):
        _, planned = plan.plan(Graph(select(load_params(paths.PARAMS))))
        if planned:
            jobs = "1 job" if len(planned) == 1 else f"{len(planned)} jobs"
            typer.echo(f"{jobs} would run, as params.yaml or the code requests something else: assay plan")
    if found.wrong:
        raise typer.Exit(1)


@app.command("sweep")
def sweep_leftovers() -> None:
    """Move what no suite of params.yaml asks for out of data, artifacts and reports, into .assay/replaced.

    The folders of cells are then sealed again: records.sha256 in each, on which later stages of dvc.yaml depend.

    A run does this too when it has ended well. Reads params.yaml; prints a line for each folder that it moved.
    """
    from assay.pipeline import cleanup, phase_digests

    params = _checked()
    _told(run_lock.hold)
    phase_digests.unseal()
    cleanup.sweep(params)
    phase_digests.seal()


@app.command("verify")
def verify_cell(
    cell: Annotated[
        str | None, typer.Argument(help="TASK/MODEL/SEED, or TASK/MODEL/SEED/METHOD; with --files, none")
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="read every file of the suite instead")] = False,
    suite: SuiteOption = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="largest difference of a metric that is not called different")
    ] = 1e-3,
) -> None:
    """Make a cell again in a scratch folder and say if it is equal, within tolerance (how far) or different (where).

    With --files: compare all data, models and results of the suite with the digests in their records, one line for
    each that differs or has no record; nothing is made again.

    Reads params.yaml, data, artifacts and reports; writes nothing. Exit code 1 if something is different.
    """
    from assay.pipeline.reproduce import DIFFERENT, verify, verify_files

    matrix = matrix_or_exit({"suite": suite} if suite else {})
    if files:
        wrong = verify_files(matrix)
        typer.echo("\n".join(wrong) if wrong else f"suite {matrix.suite}: every file is what its record says")
        raise typer.Exit(1 if wrong else 0)
    if cell is None:
        typer.echo("assay verify: name a cell, TASK/MODEL/SEED, or give --files", err=True)
        raise typer.Exit(2)
    found = _told(lambda: verify(matrix, matrix.variant(cell), tolerance))
    typer.echo(f"{cell}: {found.verdict}: {found.detail}")
    if found.verdict == DIFFERENT:
        raise typer.Exit(1)


@app.command("compare")
def compare_runs(
    revision: Annotated[
        str | None,
        typer.Argument(
            help="of Git: a commit, branch or tag; DVC's newest record of other results if left out"
        ),
    ] = None,
) -> None:
    """Print what changed since an earlier run, as Markdown fit for a pull request: scores beyond noise, costs.

    Reads reports, params.yaml, the revision's dvc.lock and DVC's cache; writes nothing.
    """
    from assay.report.output import compare_text

    params = _checked()
    typer.echo(_told(lambda: compare_text.compare_with(revision, params)))


@app.command("predict")
def predict_items(
    variant: Annotated[str, typer.Argument(help="TASK/MODEL/SEED, or TASK/MODEL/SEED/METHOD")],
    file: Annotated[Path, typer.Argument(help="items of your own")],
    out: Annotated[Path, typer.Option(help="CSV to write; - is standard output")],
    suite: SuiteOption = None,
) -> None:
    """Let a trained or compressed model answer items of your own.

    Images are read from an .npy or .npz file of one array, (N, channels, height, width) or (N, height, width), of
    whole numbers as the dataset's own source has them, such as 0 to 255; rows of a table from a CSV file whose
    first line names the columns. All else is UTF-8, an item a line: a text to classify; a sentence to tag, its
    words apart by blanks; the beginning of a text that goes on; a text to translate, rewrite or sum up; a text with
    ____ for the word that is missing; and where one model learned several tasks, a task's name, a tab and a text.

    Writes a CSV, one row an item in the file's order: row (from 1), prediction and, of classes, confidence; of
    beginnings bits_per_character and continuation; of images that are reconstructed their error. A text that a
    spreadsheet would take for a formula, because it begins with =, +, -, @, a tab or a carriage return, has an
    apostrophe in front. Through a link the file that it leads to is written; the items' own file and what is no
    file are refused. Reads params.yaml, data/prepared and artifacts too. Exit code 2, with one line that names file
    and row, if an item is not what the task reads, the model is not there or the CSV cannot be written.
    """
    from assay.evaluation.predict import predict
    from assay.report.formatting.spreadsheets import csv_text

    _told(lambda: check_output(out, file, paths.PARAMS))
    matrix = matrix_or_exit({"suite": suite} if suite else {})
    table = _told(lambda: predict(matrix, matrix.variant(variant), file))
    _told(lambda: write_output(out, csv_text(table)))
    typer.echo(f"{out}: {len(table)} {'row' if len(table) == 1 else 'rows'}", err=out == STDOUT)


def _checked() -> Params:
    """Return params.yaml; leave with all of its faults if there are any."""
    try:
        return load_params(paths.PARAMS)
    except ParamsError as fault:
        typer.echo("\n".join(fault.faults), err=True)
        raise typer.Exit(2) from None


def _told(work: Callable[[], Told]) -> Told:
    """Do ``work``; the user's mistake is one line and exit code 2."""
    try:
        return work()
    except (ValueError, FileNotFoundError) as fault:
        typer.echo(" ".join(str(fault).split()), err=True)
        raise typer.Exit(2) from None


def main() -> None:
    """Run the command that the command line names, by the code of the current folder if it holds any."""
    own = str(code_digest.OWN.parent.resolve())
    if not code_digest.is_own():
        if os.environ.get("PYTHONPATH", "").partition(os.pathsep)[0] == own:
            typer.echo(code_digest.other_code(), err=True)
            sys.exit(2)
        path = os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH"))))
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONPATH": path})
    sys.exit(app())


if __name__ == "__main__":
    main()
