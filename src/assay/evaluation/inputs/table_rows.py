# SPDX-License-Identifier: Apache-2.0
"""A user's table rows: a CSV file whose first line names the columns, in any order; other columns are ignored."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from assay.data.preparation.table_encoder import BadCellError, TableEncoder
from assay.evaluation.inputs import files
from assay.tasks.table_features import standardised


def read(path: Path, prepared: Path) -> Tensor:
    """Return the rows of a file as model inputs (N, F).

    Args:
        prepared: folder of the prepared dataset.

    Raises:
        ValueError: a column is missing or repeated, there is no row, or a cell is not what its column holds.
    """
    text = "\n".join(files.lines(path))
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names, *found = [[cell.strip() for cell in row] for row in rows]
    except csv.Error as error:
        raise files.wrong(path, rows.line_num, f"not CSV ({error}); save the file as CSV") from None
    if not found:
        raise ValueError(f"{path}: no row after the column names; one row per line is expected")
    encoder = TableEncoder.load(prepared)
    for column in encoder.names:
        if names.count(column) > 1:
            raise files.wrong(path, 1, f"the column {column} is repeated; name it once")
    for row, cells in enumerate(found, start=2):
        if len(cells) != len(names):
            raise files.wrong(path, row, f"{len(cells)} values; the first line names {len(names)} columns")
    columns = dict(zip(names, zip(*found, strict=True), strict=False))
    return inputs(path, columns, encoder, first_row=2)


def inputs(
    path: Path, columns: Mapping[str, Sequence[object]], encoder: TableEncoder, *, first_row: int = 1
) -> Tensor:
    """Return columns of cells as model inputs (N, F), whichever file they are from.

    Args:
        columns: the cells (N,) by name, as texts or as values of JSON or Parquet; blank ones and None are missing.
        first_row: the number of the first row in the file.

    Raises:
        ValueError: a column is missing, or a cell is not what its column holds; one line.
    """
    missing = [column for column in encoder.names if column not in columns]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        verb = "is" if len(missing) == 1 else "are"
        needed = f"needed are {', '.join(encoder.names)}"
        raise ValueError(f"{path}: the {noun} {', '.join(missing)} {verb} missing; {needed}")
    try:
        values = encoder.read(columns)
    except BadCellError as bad:
        raise files.wrong(path, first_row + bad.row, str(bad)) from None
    return standardised(torch.from_numpy(encoder.encode(values)), encoder)
