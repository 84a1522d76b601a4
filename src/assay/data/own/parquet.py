# SPDX-License-Identifier: Apache-2.0
"""Parquet, read in batches, so that a small file that unpacks to a huge one is refused before it fills memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.data.own import text_files
from assay.data.own.found import Fault, Form, Options
from assay.data.own.table import Cells, Table

LARGEST_UNPACKED = 4 << 30
"""Most bytes of a file's rows in memory."""
_BATCH = 1 << 16


def read(path: Path, options: Options) -> Table:
    """Return the rows of a Parquet file.

    Raises:
        ValueError: it is no such file, is damaged, or grows too large; one line.
    """
    if path.stat().st_size > text_files.LARGEST_BYTES:
        raise ValueError(f"{path}: more than {text_files.LARGEST_BYTES:,} bytes: split the file")
    try:
        table = unpacked(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        raise ValueError(f"{path}: not a whole Parquet file ({' '.join(str(fault).split())[:200]})") from None
    if not table.num_rows or not table.num_columns:
        raise ValueError(f"{path}: no rows; rows are expected")
    if len(set(table.column_names)) < table.num_columns:
        raise ValueError(f"{path}: two columns have the same name; rename one")
    cells = tuple(_cells(table.column(place)) for place in range(table.num_columns))
    lines = np.arange(1, table.num_rows + 1)
    return Table(Form(kind="Parquet"), tuple(table.column_names), cells, lines, options, _faults(table))


def unpacked(path: Path) -> pa.Table:
    batches, size = [], 0
    with pq.ParquetFile(path) as file:
        declared = sum(
            file.metadata.row_group(place).total_byte_size for place in range(file.metadata.num_row_groups)
        )
        if declared > LARGEST_UNPACKED:
            raise ValueError(
                f"{path}: {declared:,} bytes unpacked; allowed are {LARGEST_UNPACKED:,}: split the file"
            )
        for batch in file.iter_batches(_BATCH, use_threads=False):
            size += batch.nbytes
            if size > LARGEST_UNPACKED:
                raise ValueError(f"{path}: more than {LARGEST_UNPACKED:,} bytes unpacked: split the file")
            batches.append(batch)
        return pa.Table.from_batches(batches, schema=file.schema_arrow)


def _faults(table: pa.Table) -> tuple[Fault, ...]:
    bare = [name for name in table.column_names if not name.strip()]
    return (
        (Fault(kind="column without a name", message="a column has no name", count=len(bare)),)
        if bare
        else ()
    )


def _cells(column: pa.ChunkedArray) -> Cells:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return Cells.of(["…"] * len(column), "nested")
    texts = column.cast(kind).cast(pa.string()) if not pa.types.is_null(kind) else column.cast(pa.string())
    filled = pc.fill_null(texts, "").to_pylist()
    return Cells.of(filled, _declared(kind))


def _declared(kind: Any) -> str | None:
    if (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    ):
        return "number"
    if pa.types.is_temporal(kind):
        return "date"
    return "text"
