# SPDX-License-Identifier: Apache-2.0
"""A user's table rows: a CSV file whose first line names the columns, in any order; other columns are ignored."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assay.evaluation.inputs import files
from assay.tasks.table_features import standardised


def read(path: Path, facts: dict[str, Any]) -> Tensor:
    """Return the rows of a file as model inputs (N, F).

    Args:
        facts: the content of prepared.json.

    Raises:
        ValueError: a column is missing or repeated, there is no row, or a value is not a finite number.
    """
    text = "\n".join(files.lines(path))
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names, *found = [[cell.strip() for cell in row] for row in rows]
    except csv.Error as error:
        raise files.wrong(path, rows.line_num, f"not CSV ({error}); save the file as CSV") from None
    missing = [column for column in facts["columns"] if names.count(column) != 1]
    if missing:
        given = "is repeated" if names.count(missing[0]) else "is missing"
        raise files.wrong(
            path, 1, f"the column {missing[0]} {given}; needed are {', '.join(facts['columns'])}"
        )
    if not found:
        raise ValueError(f"{path}: no row after the column names; one row per line is expected")
    places = [names.index(column) for column in facts["columns"]]
    numbers = [
        [_number(path, row, cells, names, place) for place in places]
        for row, cells in enumerate(found, start=2)
    ]
    return standardised(torch.tensor(numbers, dtype=torch.float64), facts)


def _number(path: Path, row: int, cells: list[str], names: list[str], place: int) -> float:
    if len(cells) != len(names):
        raise files.wrong(path, row, f"{len(cells)} values; the first line names {len(names)} columns")
    try:
        number = float(cells[place])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise files.wrong(path, row, f"{names[place]} = {cells[place]!r}; a number is expected")
    return number
