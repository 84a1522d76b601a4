# SPDX-License-Identifier: Apache-2.0
"""Read the records and results of a suite's cells from disk; nothing here computes a result.

A missing or unreadable file never stops the report: it becomes the variant's status, with the reason.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from assay.data import csv_rows
from assay.files import read_json
from assay.paths import STATUS, UNCOMPRESSED, of_cells
from assay.provenance import measurement, records
from assay.report.formatting import numbers
from assay.tasks.metric import ITEM, PrimaryMetric

NOT_RUN = "not run"
UNFINISHED = "not finished"
"""On a partial page: its results are still to come."""
NO_ERRORS: Mapping[Path, str] = MappingProxyType({})
UNCOMMITTED = " + uncommitted changes"
"""Appended to the commit of a result that was made in a changed working tree."""


@dataclass(frozen=True)
class FoldItems:
    """A fold: the prepared dataset whose test items it is."""

    name: str
    train: int
    """The number of items to learn from, without those of validation; 0, like ``test``, if it is not recorded."""
    test: int


@dataclass(frozen=True)
class Task:
    """A task: its dataset, its primary metric and that metric's direction, the metric watched in training, and its
    controls."""

    name: str
    dataset: str
    primary: str
    direction: str  # "maximise" | "minimise"
    watched: str
    controls: tuple[str, ...]
    optimum: float | None = None
    """For generated data: the best expected value of the primary metric, computed from the generator."""
    metric: PrimaryMetric | None = None
    """How the primary metric is computed from predictions; without it there are no intervals and no ranks."""
    folds: Mapping[str, FoldItems] = field(default_factory=dict, hash=False)
    """By seed: the fold that its runs are tested on; empty if all runs have the same test items."""

    @property
    def sheet(self) -> str:
        """The prepared dataset that describes the data: the first of its folds, if there are several."""
        return next((fold.name for fold in self.folds.values()), self.dataset)

    @property
    def run(self) -> str:
        """What the runs of a model differ in: ``seed``, or ``fold``, which the seed decides."""
        return "fold" if self.folds else "seed"

    @property
    def unit(self) -> str:
        """The unit of independence, by which test items are drawn."""
        return self.metric.unit if self.metric else ITEM


@dataclass(frozen=True)
class Model:
    """A row of ``models:``; ``seeded`` is False if the fit does not depend on the seed."""

    name: str
    family: str
    seeded: bool


@dataclass(frozen=True)
class Phase:
    """The record of one phase (train, compress, evaluate) of a variant."""

    name: str
    status: str
    reason: str
    traceback: str
    spec: Mapping[str, Any]
    artifact: Mapping[str, Any]
    measured: Mapping[str, Any]
    train_items: int | None = None  # None if not recorded, or if all items were used
    trials: Sequence[Mapping[str, float]] = ()
    files: Mapping[str, str] = field(default_factory=dict)  # name -> SHA-256 of the files it wrote
    data: Mapping[str, str] = field(default_factory=dict)  # name -> SHA-256 of the prepared data it read


@dataclass(frozen=True)
class Epoch:
    """One line of history.csv; None if the file has no finite number."""

    epoch: int
    train_loss: float | None
    validation_loss: float | None
    watched: float | None


@dataclass(frozen=True)
class Variant:
    """Cell x method: its status, its numbers (None if there is none) and its provenance."""

    task: str
    dataset: str
    model: str
    family: str
    seed: str
    method: str
    status: str
    phase: str
    reason: str
    traceback: str
    metrics: Mapping[str, Mapping[str, float]]  # split -> metric -> value
    predictions: Path  # one row per test item
    confusion: Sequence[Sequence[int]]  # rows = true class; empty if there is none
    samples: Sequence[Mapping[str, str]]  # predictions: given, expected, said; empty if the task shows none
    images: Sequence[Mapping[str, Any]]  # rows of a grid: title, images; empty if the task shows none
    history: Sequence[Epoch]
    format: str  # the format of the artifact, which decides the runtime
    train_items: int | None  # None if it was trained on all items
    parameters: int | None
    size_bytes: int | None
    compressed_bytes: int | None
    train_seconds: float | None
    seconds: float
    peak_memory_bytes: int | None
    latency_ms_batch1: float | None
    latency_ms_batch64: float | None
    speed: Mapping[str, float]  # a compressed model's speedups over the uncompressed one
    cold_start_ms: float | None
    inference_memory_bytes: int | None  # peak memory while the test items were evaluated
    max_relative_drop: float | None  # the share of the score that compression may lose
    trials: Sequence[Mapping[str, float]]  # the settings that compression tried on validation items
    host: str
    commits: frozenset[str]
    finished: str
    versions: Mapping[str, str]
    phases: tuple[Phase, ...]  # train, compress if there is a method, evaluate
    source: str  # the method whose output this method compressed, "" for the uncompressed model

    @property
    def ok(self) -> bool:
        return self.status == "ok"


@dataclass(frozen=True)
class Sheet:
    """The records of a dataset: source.json, prepared.json and its validation, {} if absent."""

    name: str
    source: Mapping[str, Any]
    prepared: Mapping[str, Any]
    validation: Mapping[str, Any]
    errors: tuple[str, ...]
    docs: str  # link to the Data Docs, relative to the report; "" if there are none

    @property
    def twin(self) -> bool:
        return bool(self.source.get("twin"))


def read_variants(
    rows: Sequence[Mapping[str, Any]], tasks: Mapping[str, Task], errors: Mapping[Path, str] = NO_ERRORS
) -> list[Variant]:
    """Return one variant per row, in the rows' order.

    Args:
        rows: each with task, model, family, seed, method, and the folders ``trained``, ``compressed`` and
            ``evaluated`` of its phases' records; ``source`` if its method compressed the output of another one.
        tasks: the tasks by name.
        errors: record -> why it cannot be trusted; such a phase counts as failed.
    """

    @cache
    def cell(folder: Path, watched: str) -> tuple[Phase, tuple[Epoch, ...]]:
        return _phase(folder, "train", errors), _history(folder / "history.csv", f"validation_{watched}")

    found = []
    for row in rows:
        train, history = cell(row["trained"], tasks[row["task"]].watched)
        phases = [train]
        if row["method"] != UNCOMPRESSED:
            phases.append(_phase(row["compressed"], "compress", errors))
        phases.append(_phase(row["evaluated"], "evaluate", errors))
        found.append(_variant(row, tasks[row["task"]].dataset, phases, history))
    return found


def _phase(folder: Path, name: str, errors: Mapping[Path, str]) -> Phase:
    """Read status.json and measured.json of one phase."""
    path = folder / STATUS
    if not path.is_file():
        return Phase(name, NOT_RUN, f"{name}: no record; the run was stopped before it", "", {}, {}, {})
    if path in errors:
        return Phase(name, "failed", errors[path], "", {}, {}, {})
    try:
        record = records.read(path)
    except ValueError as error:
        return Phase(name, "failed", str(error), "", {}, {}, {})
    measured: dict[str, Any] = {}
    with suppress(ValueError):
        measured = measurement.read(path)
    return Phase(
        record["phase"],
        record["status"],
        record["reason"],
        record["traceback"],
        record.get("spec") or {},
        record.get("artifact") or {},
        measured,
        _whole(record.get("train_items")),
        record.get("trials") or (),
        records.digests(record),
        dict(record.get("data") or {}),
    )


def _variant(
    row: Mapping[str, Any], dataset: str, phases: Sequence[Phase], history: tuple[Epoch, ...]
) -> Variant:
    """Join a variant's phases; the first one that is not ok gives the status."""
    worst = next((phase for phase in phases if phase.status != "ok"), phases[-1])
    metrics: dict[str, dict[str, float]] = {}
    exhibits: dict[str, Any] = {}
    if worst.status == "ok":
        try:
            metrics, exhibits = _metrics(row["evaluated"] / "metrics.json")
        except (ValueError, OSError, AttributeError, TypeError) as error:
            worst = Phase(
                "evaluate", "failed", f"status ok, but no usable metrics: {_one_line(error)}", "", {}, {}, {}
            )
    train, last = phases[0], phases[-1]
    measured = [phase.measured for phase in phases]
    return Variant(
        task=str(row["task"]),
        dataset=dataset,
        model=str(row["model"]),
        family=str(row["family"]),
        seed=str(row["seed"]),
        method=str(row["method"]),
        status=worst.status,
        phase=worst.name,
        reason=worst.reason,
        traceback=worst.traceback,
        metrics=metrics,
        predictions=row["evaluated"] / "predictions.parquet",
        confusion=exhibits.get("confusion") or [],
        samples=exhibits.get("samples") or [],
        images=exhibits.get("images") or [],
        history=history,
        format=str(phases[-2].artifact.get("format") or ""),
        train_items=train.train_items,
        parameters=_whole(last.measured.get("parameters")) or _whole(train.artifact.get("parameters")),
        size_bytes=_whole(last.measured.get("size_bytes")),
        compressed_bytes=_whole(last.measured.get("compressed_bytes")),
        train_seconds=_finite(train.measured.get("seconds")),
        seconds=sum(_finite(each.get("seconds")) or 0.0 for each in measured),
        peak_memory_bytes=max(
            (peak for each in measured if (peak := _whole(each.get("peak_memory_bytes"))) is not None),
            default=None,
        ),
        latency_ms_batch1=_finite(last.measured.get("latency_ms_batch1")),
        latency_ms_batch64=_finite(last.measured.get("latency_ms_batch64")),
        speed={
            name: number
            for name, value in last.measured.items()
            if name.startswith("speed_") and (number := _finite(value)) is not None
        },
        cold_start_ms=_finite(last.measured.get("cold_start_ms")),
        inference_memory_bytes=_whole(last.measured.get("peak_memory_bytes")),
        max_relative_drop=_finite(phases[-2].spec.get("max_relative_drop")),
        trials=phases[-2].trials,
        host=host_name(last.measured.get("host") or train.measured.get("host")),
        commits=frozenset(_commit(each) for each in measured if each.get("commit")),
        finished=max((str(each.get("finished") or "") for each in measured), default=""),
        versions=_versions(last.measured) or _versions(train.measured),
        phases=tuple(phases),
        source=str(row.get("source") or ""),
    )


def _metrics(path: Path) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Return the finite numbers of metrics.json by split, and its exhibits."""
    found = read_json(path)
    metrics = {
        split: {name: number for name, value in values.items() if (number := _finite(value)) is not None}
        for split, values in sorted(found.items())
        if isinstance(values, dict)
    }
    return metrics, {name: value for name, value in found.items() if not isinstance(value, dict)}


def _history(path: Path, watched: str) -> tuple[Epoch, ...]:
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = csv_rows.read_rows(stream)
    return tuple(
        Epoch(
            number if (number := _whole(row.get("epoch"))) is not None else position,
            _finite(row.get("train_loss")),
            _finite(row.get("validation_loss")),
            _finite(row.get(watched)),
        )
        for position, row in enumerate(rows)
    )


def read_sheet(name: str, raw: Path, prepared: Path, validated: Path, reports: Path) -> Sheet:
    """Return a dataset's sheet.

    Args:
        raw: its folder under data/raw, with source.json.
        prepared: its folder under data/prepared, with prepared.json.
        validated: its file data/validated/<dataset>.json.
        reports: the folder of the report; ``validation/<dataset>/index.html`` may be there, or one folder up if it is
            a selection's.
    """
    errors: list[str] = []
    parts = []
    for path in (raw / "source.json", prepared / "prepared.json", validated):
        try:
            parts.append(records.read(path) if path.is_file() else {})
        except ValueError as error:
            errors.append(str(error))
            parts.append({})
    page = of_cells(reports) / "validation" / name / "index.html"
    docs = os.path.relpath(page, reports) if page.is_file() else ""
    return Sheet(name, parts[0], parts[1], parts[2], tuple(errors), docs)


def host_name(host: Any) -> str:
    """Return a host record as one line; equal records give equal lines."""
    if not isinstance(host, Mapping):
        return str(host or "")
    known = [
        f"{host['cores']} cores" if host.get("cores") else "",
        numbers.size(_finite(host.get("memory_bytes"))) + " memory" if host.get("memory_bytes") else "",
        " ".join(map(str, host.get("features") or [])),
        *map(str, host.get("accelerators") or []),
    ]
    hardware = ", ".join(part for part in (str(host.get("processor") or ""), *known) if part)
    return ": ".join(part for part in (str(host.get("name") or ""), hardware) if part)


def _commit(measured: Mapping[str, Any]) -> str:
    return f"{str(measured['commit'])[:12]}{UNCOMMITTED if measured.get('dirty') else ''}"


def _versions(measured: Mapping[str, Any]) -> dict[str, str]:
    versions = {str(key): str(value) for key, value in (measured.get("versions") or {}).items()}
    return {"python": str(measured["python"]), **versions} if measured.get("python") else versions


def _finite(value: Any) -> float | None:
    """Return a finite number, else None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    number = _finite(value)
    return None if number is None else round(number)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
