# SPDX-License-Identifier: Apache-2.0
"""The results of one run: from the current report, or from one that DVC recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from assay import paths
from assay.data import csv_rows
from assay.provenance import dvc_lock

RESULTS, COSTS, MATRIX = (paths.REPORTS / name for name in ("results.csv", "costs.csv", "tables/matrix.csv"))
CELLS = paths.REPORTS / "cells"

Row = Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """The results of one run, as in its report's CSV files."""

    name: str
    results: Sequence[Row]
    costs: Sequence[Row]
    judged: Mapping[str, tuple[str, str]]
    """Task -> its primary metric and the metric's direction."""
    read: Callable[[Path], bytes | None]
    """Returns the bytes that the run wrote to a path in the project, None if they are not available."""


def on_disk(reports: Path) -> Run:
    """Return the run whose report is in a folder.

    Raises:
        ValueError: there is no report; one line.
    """
    texts = []
    for path in (RESULTS, COSTS, MATRIX):
        here = reports / path.relative_to(paths.REPORTS)
        if not here.is_file():
            raise ValueError(f"{here}: not found; run the suite first")
        texts.append(here.read_text(encoding="utf-8"))
    return run("this run", texts[0], texts[1], judged_by(texts[2]), reports)


def run(name: str, results: str, costs: str, judged: Mapping[str, tuple[str, str]], reports: Path) -> Run:
    """Return a run from the texts of its results.csv and costs.csv; its report is in ``reports``."""
    of_cells = paths.of_cells(reports)

    def read(path: Path) -> bytes | None:
        here = (of_cells if path.is_relative_to(CELLS) else reports) / path.relative_to(paths.REPORTS)
        return here.read_bytes() if here.is_file() else None

    return Run(name, _rows(results), _rows(costs), judged, read)


def of_record(record: dvc_lock.Record) -> Run:
    """Return the run that DVC recorded.

    Raises:
        ValueError: it has no results, or DVC's cache does not have them; one line that says what to do.
    """
    texts = []
    for path in (RESULTS, COSTS, MATRIX):
        data = record.read(path)
        if data is None and not any(out in (path, *path.parents) for out in record.outs):
            raise ValueError(f"{record.name}: DVC recorded no {path} there")
        if data is None:
            raise ValueError(
                f"{record.name}: {path} is not in DVC's cache; dvc fetch --all-commits {RESULTS} {COSTS}"
                f" {MATRIX.parent} {CELLS} fetches it if it was pushed to the remote"
            )
        texts.append(data.decode())
    return Run(record.name, _rows(texts[0]), _rows(texts[1]), judged_by(texts[2]), record.read)


def last(results: str, costs: str) -> dvc_lock.Record | None:
    """Return DVC's newest record of results other than these, None if there is none.

    Args:
        results: the text of this run's results.csv.
        costs: the text of this run's costs.csv.
    """
    texts = {RESULTS: results, COSTS: costs}
    digests = {
        path: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for path, text in texts.items()
    }
    return dvc_lock.latest(digests)


def _rows(text: str) -> list[dict[str, str]]:
    return csv_rows.read_rows(StringIO(text))


def judged_by(matrix: str) -> dict[str, tuple[str, str]]:
    """Return each task's primary metric and its direction, from the text of tables/matrix.csv."""
    return {row["task"]: (row["metric"], row["direction"]) for row in _rows(matrix)}
