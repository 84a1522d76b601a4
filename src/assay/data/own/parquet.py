# SPDX-License-Identifier: Apache-2.0
"""Parquet, read in batches, so that a small file that unpacks to a huge one is refused before it fills memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

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
    table = unpacked(path)
    if not table.num_rows or not table.num_columns:
        raise ValueError(f"{path}: no rows; rows are expected")
    cells = tuple(Cells.of(*texts_of(column)) for column in table.columns)
    lines = np.arange(1, table.num_rows + 1)
    return Table(Form(kind="Parquet"), tuple(table.column_names), cells, lines, options, _faults(table))


def unpacked(path: Path) -> pa.Table:
    """Return the whole table of a file.

    Raises:
        ValueError: as :func:`batches`.
    """
    found = list(batches(path, str(path)))
    return pa.Table.from_batches(found, schema=pq.read_schema(path))


def batches(file: Path | BinaryIO, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in batches.

    Args:
        name: that of the file, for errors.

    Raises:
        ValueError: it is no such file, is damaged, grows too large, or a name of a column is repeated; one line.
    """
    try:
        yield from _batches(file, name)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        raise ValueError(f"{name}: not a whole Parquet file ({' '.join(str(fault).split())[:200]})") from None


def _batches(source: Path | BinaryIO, name: str) -> Iterator[pa.RecordBatch]:
    size = 0
    with pq.ParquetFile(source) as file:
        if len(set(file.schema_arrow.names)) < len(file.schema_arrow.names):
            raise ValueError(f"{name}: two columns have the same name; rename one")
        declared = sum(
            file.metadata.row_group(place).total_byte_size for place in range(file.metadata.num_row_groups)
        )
        if declared > LARGEST_UNPACKED:
            raise ValueError(
                f"{name}: {declared:,} bytes unpacked; allowed are {LARGEST_UNPACKED:,}: split the file"
            )
        for batch in file.iter_batches(_BATCH, use_threads=False):
            size += batch.nbytes
            if size > LARGEST_UNPACKED:
                raise ValueError(f"{name}: more than {LARGEST_UNPACKED:,} bytes unpacked: split the file")
            yield batch


def _faults(table: pa.Table) -> tuple[Fault, ...]:
    bare = [name for name in table.column_names if not name.strip()]
    return (
        (Fault(kind="column without a name", message="a column has no name", count=len(bare)),)
        if bare
        else ()
    )


def texts_of(column: pa.Array | pa.ChunkedArray) -> tuple[list[str], str]:
    """Return the cells of a column as texts, a missing one blank, and what they are: number, text, date or nested.

    Nested ones are lists, objects and bytes; each has the same text.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return ["…"] * len(column), "nested"
    texts = column.cast(kind).cast(pa.string()) if not pa.types.is_null(kind) else column.cast(pa.string())
    return pc.fill_null(texts, "").to_pylist(), _declared(kind)


def _declared(kind: Any) -> str:
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
