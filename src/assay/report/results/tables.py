# SPDX-License-Identifier: Apache-2.0
"""The report's tables: differences and ratios of summaries, and tidy rows for CSV."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from operator import attrgetter
from pathlib import Path
from typing import Any

from assay.data import csv_rows
from assay.report.formatting.spreadsheets import defused
from assay.report.results import compression, searches
from assay.report.results.collect import Task, Variant
from assay.report.results.published import Published
from assay.report.results.summaries import Square, Summary

Rows = list[dict[str, Any]]

RESULT_COLUMNS = ("suite", "task", "dataset", "model", "method", "seed", "split", "metric", "value", "status")
COST_COLUMNS = (
    "suite",
    "task",
    "model",
    "method",
    "seed",
    "parameters",
    "size_bytes",
    "train_seconds",
    "peak_memory_bytes",
    "latency_ms_batch1",
    "latency_ms_batch64",
    "host",
)
TABLES = {
    "matrix": (
        "task",
        "model",
        "family",
        "metric",
        "direction",
        "mean",
        "deviation",
        "seeds",
        "spread",
        "control",
        "best",
        "not_above_control",
    ),
    "metrics": ("task", "model", "metric", "mean", "deviation", "seeds"),
    "published": (
        "task",
        "model",
        "measured",
        "spread",
        "published",
        "difference",
        "comparable",
        "why",
        "described_as",
        "quoted",
        "protocol",
        "read_at_source",
        "source",
    ),
    "compression": compression.COLUMNS,
    "trials": searches.COLUMNS,
    "failures": ("task", "model", "seeds", "methods", "phase", "status", "reason"),
    "dropped": ("dataset", "split", "reason", "count"),
}
"""Columns of the files in tables/."""


def beside_published(column: Mapping[str, Square], task: Task, published: Mapping[str, Published]) -> Rows:
    """Return one row per model with a published value: the difference and whether it may be compared."""
    rows = []
    for model, square in column.items():
        value = published.get(model)
        if value is None or task.primary != value.metric:
            continue
        measured = square.score.mean if square.score else None
        items = {each.train_items for each in square.summary.finished if each.train_items}
        fewer = f"trained on {max(items):,} items only; " if items else ""
        rows.append(
            {
                "model": model,
                "measured": measured,
                "spread": square.spread,
                "published": value.value,
                "difference": None if measured is None else measured - value.value,
                "comparable": value.comparable and not fewer,
                "why": fewer + value.why,
                "described_as": value.model,
                "quoted": f"{value.quoted_metric} {value.quoted_value:g}",
                "protocol": value.protocol,
                "read_at_source": value.seen_at_source,
                "source": value.source_url,
            }
        )
    return rows


def confusion_of(summary: Summary) -> list[list[int]]:
    """Return the confusion matrix summed over seeds; empty if there is none or the shapes differ."""
    found = [variant.confusion for variant in summary.finished if variant.confusion]
    if not found or len({tuple(map(len, matrix)) for matrix in found}) != 1:
        return []
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*found, strict=True)]


def most_common_errors(matrix: Sequence[Sequence[int]], classes: Sequence[str], limit: int) -> Rows:
    """Return the ``limit`` most common confusions of a matrix, with their share of the true class."""
    errors: Rows = [
        {"true": classes[i], "predicted": classes[j], "count": number, "share": number / sum(row)}
        for i, row in enumerate(matrix)
        for j, number in enumerate(row)
        if i != j and number
    ]
    return sorted(errors, key=lambda error: -error["count"])[:limit]


def result_rows(suite: str, variants: Sequence[Variant], tasks: Mapping[str, Task]) -> Rows:
    """Return the rows of results.csv: one per number, and one without a value for a variant that is not ok.

    They are sorted by name, so that the order of rows in params.yaml does not change the file.
    """
    rows = []
    for each in sorted(variants, key=attrgetter("task", "model", "method", "seed")):
        base = {
            "suite": suite,
            "task": each.task,
            "dataset": each.dataset,
            "model": each.model,
            "method": each.method,
            "seed": each.seed,
            "status": each.status,
        }
        numbers = [
            {"split": split, "metric": metric, "value": value}
            for split, metrics in each.metrics.items()
            for metric, value in metrics.items()
        ]
        nothing = [{"split": "test", "metric": tasks[each.task].primary, "value": None}]
        rows += [{**base, **number} for number in numbers or nothing]
    return rows


def cost_rows(suite: str, variants: Sequence[Variant]) -> Rows:
    """Return the rows of costs.csv, one per variant."""
    return [
        {"suite": suite, **{name: getattr(each, name) for name in COST_COLUMNS if name != "suite"}}
        for each in variants
    ]


def failure_rows(variants: Sequence[Variant]) -> Rows:
    """Return one row per cause: the variants of a task with the same phase, status and reason.

    Variants that are ok or skipped are not failures. ``cells`` is model -> its seeds.
    """
    groups: dict[tuple[str, ...], list[Variant]] = defaultdict(list)
    for each in variants:
        if each.status not in ("ok", "skipped"):
            groups[each.task, each.phase, each.status, each.reason, each.traceback].append(each)
    rows = []
    for (task, phase, status, reason, traceback), group in groups.items():
        cells: dict[str, list[str]] = {}
        for each in group:
            seeds = cells.setdefault(each.model, [])
            if each.seed not in seeds:
                seeds.append(each.seed)
        rows.append(
            {
                "task": task,
                "phase": phase,
                "status": status,
                "reason": reason,
                "traceback": traceback,
                "methods": list(dict.fromkeys(each.method for each in group)),
                "cells": cells,
                "variants": len(group),
            }
        )
    return rows


def matrix_records(task: Task, column: Mapping[str, Square]) -> Rows:
    """Return the rows of tables/matrix.csv of a task."""
    return [
        {
            "task": task.name,
            "model": name,
            "family": square.summary.model.family,
            "metric": task.primary,
            "direction": task.direction,
            "mean": square.score.mean if square.score else None,
            "deviation": square.score.deviation if square.score else None,
            "seeds": square.score.count if square.score else 0,
            "spread": square.spread,
            "control": square.summary.control,
            "best": square.best,
            "not_above_control": square.beaten,
        }
        for name, square in column.items()
    ]


def metric_records(task: Task, plain: Sequence[Summary], metrics: Sequence[str]) -> Rows:
    """Return the rows of tables/metrics.csv of a task: one per model and metric with a number."""
    return [
        {
            "task": task.name,
            "model": summary.model.name,
            "metric": metric,
            "mean": score.mean,
            "deviation": score.deviation,
            "seeds": score.count,
        }
        for summary in plain
        for metric in metrics
        if (score := summary.score(metric)) is not None
    ]


def metrics_by_row(matrix: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return task -> model -> metric -> mean over seeds from tables/matrix.csv, for ``dvc metrics``."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    with matrix.open(encoding="utf-8", newline="") as stream:
        for row in csv_rows.read_rows(stream):
            if row["mean"]:
                found.setdefault(row["task"], {})[row["model"]] = {row["metric"]: float(row["mean"])}
    return found


def to_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return these columns of rows as CSV with a header, text defused; None is an empty field."""
    stream = StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: defused(row.get(name)) for name in columns} for row in rows)
    return stream.getvalue()
