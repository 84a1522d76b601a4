# SPDX-License-Identifier: Apache-2.0
"""The command line of Assay: plan, check, predict, compare and publish. Snakemake and DVC run the pipeline."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from assay import paths
from assay.provenance import code_digest

# Each command imports what it needs: the types of params.yaml take half a second, and predictions seldom read it.
if TYPE_CHECKING:
    from assay.config.matrix import Matrix
    from assay.config.params import Params

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Result = TypeVar("Result")
SuiteOption = Annotated[
    str | None, typer.Option(help="the suite; the default is the one that params.yaml names")
]


@app.command("list")
def list_variants(suite: SuiteOption = None) -> None:
    """Print each variant of a suite and its state. Reads params.yaml and the records; writes nothing.

    The state is the variant's status, "not run", or "stale" if the next run makes it again (assay plan says why). On a
    terminal the columns are aligned and named; otherwise tabs separate them, and every line is a variant.
    """
    from assay.pipeline import plan
    from assay.pipeline.rule_functions import Graph
    from assay.provenance import records

    matrix = _matrix(suite)
    due = {each.job.record for each in plan.plan(Graph(matrix))[1]}
    rows = []
    for variant in matrix.variants:
        status = Path(matrix.evaluated(variant)) / paths.STATUS
        record = records.find(status) or records.find(records.aside(status))
        state = record["status"] if record else "not run"
        if state in records.ENDED_WELL and str(status) in due:
            state = "stale"
        rows.append((variant.task, variant.model, str(variant.seed), variant.method, state))
    if sys.stdout.isatty():
        typer.echo(_aligned([("task", "model", "seed", "method", "state"), *rows]))
    else:
        for row in rows:
            typer.echo("\t".join(row))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines whose columns are as wide as their longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


@app.command("check")
def check_params() -> None:
    """Print every error in params.yaml, one per line. Exit code 2 if there is any."""
    from assay.config.matrix import Matrix, selection_errors

    params = _checked()
    errors = [error for suite in params.suites for error in selection_errors(Matrix(params, suite))]
    if errors:
        typer.echo("\n".join(errors), err=True)
        raise typer.Exit(2)
    typer.echo(f"{paths.PARAMS}: ok")


@app.command("schema")
def write_schema(
    out: Annotated[
        Path | None,
        typer.Option(help="file to write, - for standard output; the default is params.schema.json"),
    ] = None,
) -> None:
    """Write the JSON schema of params.yaml, which editors use for completion, by default next to params.yaml."""
    from assay.config import json_schema

    _or_exit(lambda: json_schema.write(out))


@app.command("init")
def start_project(
    folder: Annotated[Path, typer.Argument(help="folder to write to; it is created if missing")] = Path(),
) -> None:
    """Write a small project, whose rules and code are those of the installed package, into a folder.

    Writes params.yaml with one suite, Snakefile, dvc.yaml and the files around them, and puts the folder under Git and
    DVC unless it is already. Files that exist are kept, and nothing is written through a link. Exit code 2, before
    anything is written, if the folder already holds params.yaml, Snakefile or dvc.yaml.
    """
    from assay.pipeline.init import init

    def write() -> None:
        for line in init(folder):
            typer.echo(line)

    _or_exit(write)
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    typer.echo(f"next: {there}snakemake --cores all")


@app.command("add")
def add_data(
    path: Annotated[
        str, typer.Argument(help="file, folder, or address that begins with http:// or https://")
    ],
    name: Annotated[str | None, typer.Option(help="name in params.yaml; the default is the file's")] = None,
    target: Annotated[list[str] | None, typer.Option(help="column to predict")] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="column of texts to predict from; repeat to join several")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="column to leave out; repeat for more")] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="column:NAME, time:NAME, group:NAME, the share of the rows to test on, or folds:NUMBER to test on each"
            " part once"
        ),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="metric to compare models by")] = None,
    encoding: Annotated[str | None, typer.Option(help="of the text, such as windows-1252")] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="whether the first row names the columns")
    ] = None,
    day_first: Annotated[
        bool | None, typer.Option("--day-first/--month-first", help="whether 02/03/2026 is in March")
    ] = None,
    min_per_class: Annotated[int, typer.Option(min=2, help="rows of classes with fewer are left out")] = 5,
    link: Annotated[
        bool, typer.Option("--link", help="use the bytes where they are, without a copy")
    ] = False,
    update: Annotated[bool, typer.Option("--update", help="accept bytes that have changed")] = False,
    record_set: Annotated[
        str | None, typer.Option(help="record set of a Croissant description, if it has several")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print what is found, write nothing")] = False,
) -> None:
    """Add your own data: look at a file or folder, print what it holds, and write the rows that train models on it.

    Reads CSV, TSV, JSON lines and Parquet (texts or table rows, with a column of classes or numbers; pairs of texts),
    folders of images (a folder for each class, or a table that names the images), folders of texts (a folder for each
    class), plain text, whose next character is predicted, sentences with a tag for each word (CoNLL columns and
    CoNLL-U), and a record set that a Croissant description (croissant.json) names.

    Writes to params.yaml a dataset, a task, models and methods that fit the data, and a suite that runs them, which
    becomes the default; data/own/NAME, a copy of the bytes; and data/expectations/NAME.yaml, what the items must meet
    from now on. If something is ambiguous, the question and the option that answers it are printed, nothing is
    written, and the exit code is 2, as for every error. Run twice it changes nothing.
    """
    from assay.data.own.found import Options, parse_folds
    from assay.data.own.web import is_address
    from assay.pipeline.adding.add import Request, add, look_only
    from assay.pipeline.adding.sources import opened

    if target and len(target) > 1:
        typer.echo(
            f"--target {target[1]}: given twice; a task has one target: add the file once for each", err=True
        )
        raise typer.Exit(2)
    if link and is_address(path):
        typer.echo(f"--link: {path} is an address; add it without --link, which copies the file", err=True)
        raise typer.Exit(2)
    folds = _or_exit(lambda: parse_folds(split))
    options = Options(
        target=target[0] if target else None,
        text=tuple(text or ()),
        min_per_class=min_per_class,
        ignore=tuple(ignore or ()),
        split=None if folds else split,
        folds=folds,
        metric=metric,
        encoding=encoding,
        header=header,
        day_first=day_first,
    )

    def work() -> None:
        try:
            with opened(path, record_set, options, link=link) as given:
                for remark in given.remarks:
                    typer.echo(remark)
                request = Request(
                    given.path, options, name or given.name, given.about, link=link, update=update
                )
                for line in look_only(request) if dry_run else add(request):
                    typer.echo(line)
        except OSError as error:
            where = error.filename or path
            raise ValueError(f"{where}: cannot be read or written: {error.strerror or error}") from None

    _or_exit(work)


@app.command("publish")
def publish(
    docs: Path = Path("docs"),
    reports: Annotated[
        Path, typer.Option(help="folder of the report; reports/selection-SUITE is that of a selection")
    ] = paths.REPORTS,
) -> None:
    """Write docs/results.md and its CSV files from a report, for the tasks of its run; others stay unchanged."""
    from assay.provenance import run_lock
    from assay.report.output.publish import publish as publish_results

    if paths.REPORTS.is_dir():
        _or_exit(run_lock.hold)
    for path in _or_exit(lambda: publish_results(reports, docs)):
        typer.echo(path)


@app.command("report")
def build_report(
    partial: Annotated[
        bool, typer.Option("--partial", help="build reports/partial.html from what has finished")
    ] = False,
    suite: SuiteOption = None,
) -> None:
    """Build a page of what has finished, at any moment, even while a run is at work.

    Reads params.yaml, data, artifacts and reports; writes reports/partial.html. The page of a whole run,
    reports/index.html, is built by the run itself: without --partial, nothing is built, with exit code 2.
    """
    if not partial:
        typer.echo(
            "assay report: a run builds reports/index.html (snakemake --cores all);"
            " --partial builds reports/partial.html from what has finished",
            err=True,
        )
        raise typer.Exit(2)
    from assay.pipeline.partial import build

    matrix = _matrix(suite)
    typer.echo(_or_exit(lambda: build(matrix)))


@app.command("plan")
def show_plan(suite: SuiteOption = None) -> None:
    """Print what a run of a suite would do, why, and its expected cost. Writes nothing.

    Reads params.yaml, the records of earlier jobs and Snakemake's metadata. If params.yaml has errors, all of them
    are printed, with exit code 2.
    """
    from assay.pipeline import plan
    from assay.pipeline.rule_functions import Graph

    _checked()
    graph = Graph(_matrix(suite))
    jobs, planned = plan.plan(graph)
    alike = Counter((each.job.phase, each.job.name, each.reasons) for each in planned)
    for (phase, name, reasons), count in alike.items():
        jobs_of = f" ({count} seeds)" if count > 1 else ""
        typer.echo(f"{phase} {name}{jobs_of}: {'; '.join(reasons)}")
    typer.echo(f"{len(planned)} of {len(jobs)} jobs would run" + ("" if planned else ": nothing to do"))
    for phase, cost in plan.expected(jobs, planned).items():
        estimate = "time and size are known after the first run"
        if cost.seconds is not None:
            estimate = f"{cost.seconds:.0f} s on one core, {(cost.size_bytes or 0) / 1e6:.1f} MB"
        typer.echo(f"  {phase}: {cost.jobs} {'job' if cost.jobs == 1 else 'jobs'}, {estimate}")


@app.command("restore")
def restore_files() -> None:
    """After git clone, checkout or pull: restore the files in dvc.lock and verify them, so that no job runs again.

    Reads dvc.lock, DVC's cache and remote; writes data, artifacts and reports. Exit code 1 if a file could not be
    verified: it is named, and the next run makes it again. Files with other contents are kept in .assay/replaced.
    """
    from assay.config.matrix import select
    from assay.config.params import ParamsError, load_params
    from assay.pipeline import plan
    from assay.pipeline.restore import restore
    from assay.pipeline.rule_functions import Graph

    found = _or_exit(restore)
    for path in found.changed:
        typer.echo(f"{path}: differed from dvc.lock; restored, the other version is in {found.replaced}")
    typer.echo(f"{found.proven} files match dvc.lock; {found.missing} of them were missing and were restored")
    for path, reason in found.unproven.items():
        typer.echo(f"{path}: {reason}; the next run makes it again", err=True)
    with suppress(ParamsError):
        _, planned = plan.plan(Graph(select(load_params(paths.PARAMS))))
        if planned:
            jobs = "1 job" if len(planned) == 1 else f"{len(planned)} jobs"
            typer.echo(f"{jobs} would run because params.yaml or the code has changed; see assay plan")
    if found.unproven:
        raise typer.Exit(1)


@app.command("sweep")
def sweep_leftovers() -> None:
    """Move results that no suite of params.yaml requests from data, artifacts and reports into .assay/replaced.

    Then updates what stages of dvc.yaml depend on: records.sha256, the digests of a phase's records, and code.json, the
    digests of the installed package's files.

    A successful run does this too. Reads params.yaml; prints a line for each folder that it moves.
    """
    from assay.pipeline import cleanup, phase_code, phase_digests
    from assay.provenance import run_lock

    params = _checked()
    _or_exit(run_lock.hold)
    phase_digests.unseal()
    cleanup.sweep(params)
    phase_digests.seal()
    _or_exit(phase_code.write)


@app.command("verify")
def verify_cell(
    cell: Annotated[
        str | None, typer.Argument(help="TASK/MODEL/SEED or TASK/MODEL/SEED/METHOD; not with --files")
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="check every file of the suite instead")] = False,
    suite: SuiteOption = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="largest difference of a metric that is within tolerance")
    ] = 1e-3,
) -> None:
    """Reproduce a cell in a scratch folder; print if it is equal, within tolerance (how far) or different (where).

    With --files: compare all data, models and results of the suite with the digests in their records and print one
    line for each file that differs or has no record; nothing is reproduced.

    Reads params.yaml, data, artifacts and reports; writes nothing. Exit code 1 if something is different.
    """
    from assay.pipeline.reproduce import DIFFERENT, verify, verify_files

    matrix = _matrix(suite)
    if files:
        wrong = verify_files(matrix)
        typer.echo("\n".join(wrong) if wrong else f"suite {matrix.suite}: every file matches its record")
        raise typer.Exit(1 if wrong else 0)
    if cell is None:
        typer.echo("assay verify: name a cell, TASK/MODEL/SEED, or use --files", err=True)
        raise typer.Exit(2)
    found = _or_exit(lambda: verify(matrix, matrix.variant(cell), tolerance))
    typer.echo(f"{cell}: {found.verdict}: {found.detail}")
    if found.verdict == DIFFERENT:
        raise typer.Exit(1)


@app.command("compare")
def compare_runs(
    revision: Annotated[
        str | None,
        typer.Argument(
            help="a Git commit, branch or tag; the default is DVC's newest record with other results"
        ),
    ] = None,
) -> None:
    """Print what changed since an earlier run, as Markdown for a pull request: scores beyond noise, costs.

    Reads reports, params.yaml, the revision's dvc.lock and DVC's cache; writes nothing.
    """
    from assay.report.output import compare_text

    params = _checked()
    typer.echo(_or_exit(lambda: compare_text.compare_with(revision, params)))


@app.command("predict")
def predict_items(
    variant: Annotated[str, typer.Argument(help="TASK/MODEL/SEED, or TASK/MODEL/SEED/METHOD")],
    items: Annotated[
        list[str],
        typer.Argument(help="files or folders with your own items, - for standard input, or a text"),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="CSV to write, or JSON lines if it ends with .jsonl; the default is CSV on standard output"
        ),
    ] = None,
    text: Annotated[str | None, typer.Option(help="the column, or key, of the texts in a table")] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="of text files, such as windows-1252; the default is that of the dataset's own file, or UTF-8"
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="the suite; the default is the one that has run the variant")
    ] = None,
) -> None:
    """Predict your own items with a trained or compressed model.

    Images are PNG, JPEG, GIF, BMP or WebP files, drawn in the dataset's colours and size, or .npy and .npz files
    with one array, (N, channels, height, width) or (N, height, width), of whole numbers on the scale of the
    dataset's source, such as 0 to 255. The first frame of an animation is used. Rows of a table come from CSV or
    TSV, whose first line names the columns, or from JSON lines. Texts are one per line; a column of CSV or TSV; a key
    of JSON lines; each .txt file of a folder; or in the command itself, in quotation marks. A text to tag has its words
    separated by spaces, one with a missing word has ____ for it, and a model of several tasks needs the task's name, a
    tab and a text, or the column task. Links that lead out of a folder are not followed.

    Text files are in UTF-8, in UTF-16 with a mark, or in the encoding of the user's own file that the model learned
    from; --encoding names another one that assay add reads. A file that is UTF-8 as well as in the dataset's other
    encoding needs --encoding.

    Writes one row per item, in order: file (if there are several), row (from 1, without the header), and the answer:
    prediction and, for classes, confidence; for beginnings bits_per_character and continuation; for reconstructed
    images their error. In CSV, text that a spreadsheet would read as a formula, because it begins with =, +, -, @, a
    tab or a carriage return, gets an apostrophe in front. If the output is a link, its target is written; the items'
    own files, and anything that is not a file, are refused. Standard input is answered as items come, in bounded
    memory.

    A model that computes a fixed function answers through its ONNX graph on one thread, without PyTorch: the graph is
    the compressed model itself, or is made at the first call, compared with the model on validation items, and kept in
    .assay/predict. A model that generates word by word answers in PyTorch, or its own format. Also reads data/prepared
    and artifacts, and params.yaml if several suites have run the variant, or none.

    Exit code 1 if an item cannot be predicted: each is named on standard error, and the others are answered. Exit code
    2, with one line, if nothing can be: the model does not exist, a file cannot be read, or the output not be written.
    """
    from assay.evaluation import own_items
    from assay.report.formatting.spreadsheets import defused

    problems = _or_exit(
        lambda: own_items.predict(
            variant,
            items,
            out,
            column=text,
            encoding=encoding,
            suite=suite,
            matrix=lambda: _matrix(suite),
            safe=defused,
        )
    )
    if problems:
        raise typer.Exit(1)


@app.command("export")
def export_variant(
    variant: Annotated[str, typer.Argument(help="TASK/MODEL/SEED, or TASK/MODEL/SEED/METHOD")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    suite: Annotated[
        str | None, typer.Option(help="the suite; the default is the one that has run the variant")
    ] = None,
) -> None:
    """Write a model as a folder that runs without Assay: with onnxruntime, NumPy and at most Pillow or tokenizers.

    The folder holds model.onnx, labels.json, example.py, requirements.txt, README.md, for texts tokenizer.json, for
    tables features.py, and card.md if the report has a card of the model. Images enter the graph as bytes, rows of a
    table as features; the graph normalises them. The answers of example.py are those of assay predict, bit for bit,
    with the same version of onnxruntime and one thread. A model that generates word by word is refused.

    Reads data/prepared, artifacts, reports/cards, and params.yaml if several suites have run the variant, or none. An
    earlier export in the folder is replaced; any other folder that is not empty is refused. Exit code 2, with one line,
    if the model cannot be exported.
    """
    from assay.evaluation import export

    for path in _or_exit(lambda: export.export(variant, out, suite=suite, matrix=lambda: _matrix(suite))):
        typer.echo(path)


def _matrix(suite: str | None) -> Matrix:
    """Return the matrix of a suite, by default of the one that params.yaml names; print errors and exit."""
    from assay.pipeline.rule_functions import matrix_or_exit

    return matrix_or_exit({"suite": suite} if suite else {})


def _checked() -> Params:
    """Return params.yaml; if it has errors, print all of them and exit."""
    from assay.config.params import ParamsError, load_params

    try:
        return load_params(paths.PARAMS)
    except ParamsError as error:
        typer.echo("\n".join(error.errors), err=True)
        raise typer.Exit(2) from None


def _or_exit(work: Callable[[], Result]) -> Result:
    """Return the result of ``work``; an error in the user's input is printed in one line, with exit code 2."""
    try:
        return work()
    except (ValueError, FileNotFoundError) as error:
        typer.echo(" ".join(str(error).split()), err=True)
        raise typer.Exit(2) from None


def main() -> None:
    """Run the command line with the code of the current folder, if it holds Assay's code."""
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
