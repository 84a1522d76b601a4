# SPDX-License-Identifier: Apache-2.0
"""Publish a run's results in docs: one CSV file per suite and task with each row's provenance, and a page of them all.

A later run of one task replaces that task's files and leaves the others unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from assay import paths
from assay.config import registry
from assay.config.registry import TWIN
from assay.files import check_output, discard_unfinished, write_output
from assay.provenance import measurement, records
from assay.report.formatting import numbers
from assay.report.formatting.spreadsheets import csv_text
from assay.report.judgement import targets
from assay.report.results import compression, published, searches, trials
from assay.report.results.tables import COST_COLUMNS, RESULT_COLUMNS

PAGE = "results.md"
TUNING = "tuning.csv"
AFTER_TEST = "†"
CELL = ["suite", "task", "dataset", "model", "method"]
ESTIMATED, INTERVAL = ["suite", "task", "model", "method", "metric"], ["low", "high"]
READ = {
    "results.csv": RESULT_COLUMNS,
    "costs.csv": COST_COLUMNS,
    "estimates.csv": (*ESTIMATED, *INTERVAL),
    "tables/matrix.csv": ("task", "metric", "direction"),
    "tables/compression.csv": ("task",),
    "tables/trials.csv": searches.COLUMNS,
}
"""The tables of a report that are published, and the columns that each must have."""
COSTS = ["parameters", "size_bytes", "train_seconds", "latency_ms_batch1", "latency_ms_batch64"]
PROVENANCE = ["commit", "dirty", "processor", "cores", "finished"]
JUDGED = ["primary", "direction"]
SPEEDS = {"speed at batch 1": "speed_batch1", "at batch 64": "speed_batch64"}
MOST_COLUMNS = 4
"""Up to this many compression methods are columns beside a model's score; more get a table of their own."""


def publish(reports: Path, docs: Path) -> list[Path]:
    """Write the last report's scores and compression by suite and task, then ``docs/results.md`` from all such files.

    They go to ``docs/results/<suite>/<task>.csv`` and ``docs/compression/<suite>/<task>.csv``, every trial of
    tuned rows to ``docs/tuning.csv``.

    Raises:
        ValueError: there is no report, one of its files or a measured.json was changed, none of its variants is ok,
            targets.yaml or tuning.csv has an error, or ``docs`` cannot be written; one line.
    """
    records.require_intact(reports / paths.REPORT.name, "report")
    scores, costs, estimates, judged, compression, tried = (
        _table(reports / name, columns) for name, columns in READ.items()
    )
    check_output(docs / PAGE if docs.exists() else docs)
    wanted = targets.load(docs / "targets.yaml")
    trials.load(docs / TUNING)
    scores = scores[(scores["status"] == "ok") & (scores["split"] == "test")]
    if scores.empty:
        raise ValueError(f"{reports / 'results.csv'}: no variant is ok; nothing to publish")
    proofs = pd.DataFrame([_proof(reports, row) for row in costs.to_dict("records")])
    judged = judged.rename(columns={"metric": "primary"})
    joined = scores.merge(costs.drop(columns="host"), how="left").merge(proofs, how="left")
    joined = joined.merge(judged[["task", *JUDGED]].drop_duplicates(), how="left")
    discard_unfinished([docs, *docs.glob("results/*"), *docs.glob("compression/*")])
    written = []
    for (suite, task), rows in joined.groupby(["suite", "task"], sort=False):
        place = Path(str(suite)) / f"{task}.csv"
        written.append(_write(docs / "results" / place, _summary(rows, estimates)))
        compressed = compression[compression["task"] == task]
        if len(compressed):
            written.append(_write(docs / "compression" / place, compressed))
    tried = tried[~tried["dataset"].str.endswith(TWIN)].assign(suite=scores["suite"].iloc[0])
    if len(tried):
        write_output(docs / TUNING, trials.with_searches(docs / TUNING, tried.to_dict("records")))
        written.append(docs / TUNING)
    page = docs / PAGE
    write_output(page, _page(docs, wanted))
    return [*written, page]


def _table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table of the report.

    Raises:
        ValueError: it lacks a column; an earlier release wrote it.
    """
    table = pd.read_csv(path)
    if missing := [name for name in columns if name not in table]:
        raise ValueError(f"{path}: no column {missing[0]}; run the suite again")
    return table


def _write(path: Path, table: pd.DataFrame) -> Path:
    write_output(path, csv_text(table))
    return path


def _proof(reports: Path, row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """Return the host and commit of one variant's evaluation."""
    names = {key: row[key] for key in ("suite", "task", "model", "seed", "method")}
    folder = Path(paths.EVALUATED.format(**names)).relative_to(paths.REPORTS)
    record = paths.of_cells(reports) / folder / paths.STATUS
    measured = measurement.read(record) if record.exists() else {}
    host = measured.get("host", {})
    facts = {key: measured.get(key) for key in ("commit", "dirty", "finished")}
    return {**names, **facts, "processor": host.get("processor"), "cores": host.get("cores")}


def _summary(rows: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Return one row per model, method and metric: mean and standard deviation over seeds, costs, provenance.

    A primary metric has its 95% interval too.
    """
    grouped = rows.groupby([*CELL, "metric"], sort=False, dropna=False)
    table = grouped["value"].agg(mean="mean", deviation="std", seeds="count")
    for column in COSTS:
        table[column] = grouped[column].mean()
    for column in [*PROVENANCE, *JUDGED]:
        table[column] = grouped[column].last()
    joined: pd.DataFrame = table.reset_index().merge(estimates[[*ESTIMATED, *INTERVAL]], "left", ESTIMATED)
    return joined[[*CELL, "metric", "mean", "deviation", *INTERVAL, "seeds", *COSTS, *PROVENANCE, *JUDGED]]


def _page(docs: Path, wanted: list[targets.Target]) -> str:
    files = sorted((docs / "results").glob("*/*.csv"), key=lambda path: (path.stem, path.parent.name))
    tables = {(path.parent.name, path.stem): pd.read_csv(path) for path in files}
    seen = {
        (each.task, each.model, each.method)
        for each in trials.load(docs / TUNING)
        if each.is_choice_after_test
    }
    models_first = sorted(tables, key=lambda names: _is_of_methods(tables[names]))
    parts = [
        "# Results",
        "Written by `assay publish` from the reports of real runs; do not edit. Each task's numbers with the"
        " provenance of every row are in `docs/results/<suite>/<task>.csv`, the effects of compression on size and"
        " speed in `docs/compression/<suite>/<task>.csv`. Scores are means over seeds on the test items, ± one standard"
        " deviation over seeds; intervals, ranks and tests are in the report of a run.",
        f"{AFTER_TEST} marks rows whose hyperparameters were chosen after one of their test scores had been seen"
        " (`docs/tuning.csv`): their scores may be too good.",
        targets.table(wanted, tables),
        *(_section(docs, *names, tables[names], seen) for names in models_first),
    ]
    return "\n\n".join(parts) + "\n"


def _section(
    docs: Path, suite: str, task: str, table: pd.DataFrame, seen: Collection[tuple[str, str, str]]
) -> str:
    primary = str(table["primary"].iloc[0])
    rows = table[table["metric"] == primary]
    plain = rows[rows["method"] == paths.UNCOMPRESSED]
    last = plain.iloc[-1]
    provenance = (
        f"Suite `{suite}`; {last['processor']}, {last['cores']} cores; commit {last['commit']}"
        f"{' with uncommitted changes' if last['dirty'] is True else ''}; finished {plain['finished'].max()}."
    )
    methods = _methods(rows)
    if _is_of_methods(rows):
        compressed = pd.read_csv(docs / "compression" / suite / f"{task}.csv")
        return "\n".join(
            [f"## Compression of {task}", "", provenance, "", *_compression(compressed, primary)]
        )
    return "\n".join([f"## {task}", "", provenance, "", *_scores(rows, plain, methods, primary, seen)])


def _methods(rows: pd.DataFrame) -> list[str]:
    return [name for name in rows["method"].unique() if name != paths.UNCOMPRESSED]


def _is_of_methods(rows: pd.DataFrame) -> bool:
    """Whether a suite compares methods rather than models: it has too many methods for columns."""
    return len(_methods(rows)) > MOST_COLUMNS


def _scores(
    rows: pd.DataFrame,
    plain: pd.DataFrame,
    methods: list[str],
    primary: str,
    seen: Collection[tuple[str, str, str]],
) -> list[str]:
    """Return the lines of a table with one row per model."""

    def mark(model: str, method: str) -> str:
        return f" {AFTER_TEST}" if (str(plain["task"].iloc[0]), model, method) in seen else ""

    quoted = published.load().get(str(rows["dataset"].iloc[0]), {})
    heads = [
        "model",
        numbers.metric_name(primary),
        "seeds",
        *methods,
        "published",
        "parameters",
        "training s",
        "ms at batch 1",
    ]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    rising = rows["direction"].iloc[0] == "minimise"
    for row in plain.sort_values("mean", ascending=rising).to_dict("records"):
        model = str(row["model"])
        others = [_other(rows, model, method) + mark(model, method) for method in methods]
        source = quoted.get(row["model"])
        cells = [
            model,
            _score(row) + mark(model, paths.UNCOMPRESSED),
            str(row["seeds"]),
            *others,
            _quoted(source) if source and source.metric == primary else "",
            f"{row['parameters']:,.0f}",
            f"{row['train_seconds']:.1f}",
            f"{row['latency_ms_batch1']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _compression(table: pd.DataFrame, primary: str) -> list[str]:
    """Return the lines of a table with one row per model and method."""
    heads = [
        "model",
        "method",
        numbers.metric_name(primary),
        "before",
        "times smaller",
        "after zlib",
        *SPEEDS,
        "budget",
        "speed at batch 1, same runtime",
        "at batch 64",
        "gain",
    ]
    known = table.astype(object).where(table.notna(), None)
    rows = [{str(key): value for key, value in row.items()} for row in known.to_dict("records")]
    full_precision = {name for name, method in registry.METHODS.items() if method.full_precision}
    compression.beside_runtime(rows, full_precision)
    lines = [
        "Sizes and speeds are relative to the uncompressed model; speeds are medians (and quartiles) of alternating"
        " calls on one thread. A method that writes an ONNX graph also changes the runtime, so the last columns"
        " are relative to the same runtime at full precision; “no gain”: neither smaller nor faster by 10% there."
        " Budgets are judged by two one-sided tests: within, beyond or undecided.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
    ]
    for row in rows:
        cells = [
            row["model"],
            row["method"],
            *(numbers.score_with_unit(row[key], primary) for key in ("after", "before")),
            *(f"{row[key]:.2f}" for key in ("size_ratio", "zipped_ratio")),
            *(_speed(row, key) for key in SPEEDS.values()),
            _budget(row),
            *(numbers.ratio(row[f"{key}_same_runtime"]) for key in SPEEDS.values()),
            row["gain"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _budget(row: Mapping[str, Any]) -> str:
    """Return the verdict on a budget; the results of earlier releases have none."""
    return f"{row['verdict']}, {row['max_relative_drop']:.1%}" if row.get("verdict") else "not tested"


def _speed(row: Mapping[Any, Any], key: str) -> str:
    return f"{row[key]:.2f} ({row[f'{key}_low']:.2f} to {row[f'{key}_high']:.2f})"


def _quoted(source: published.Published) -> str:
    value = numbers.score_with_unit(source.value, source.metric)
    return f"[{value}]({source.source_url}){'' if source.comparable else ' (not comparable)'}"


def _other(rows: pd.DataFrame, model: str, method: str) -> str:
    found = rows[(rows["model"] == model) & (rows["method"] == method)]
    return "" if found.empty else numbers.score_with_unit(found["mean"].iloc[0], found["metric"].iloc[0])


def _score(row: Mapping[Hashable, Any]) -> str:
    metric = str(row["metric"])
    unit = numbers.metric_unit(metric)
    spread = f" ± {numbers.deviation(row['deviation'], metric)}{unit}" if row["seeds"] > 1 else ""
    return f"{numbers.score_with_unit(row['mean'], metric)}{spread}"
