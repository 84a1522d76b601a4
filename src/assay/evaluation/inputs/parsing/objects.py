# SPDX-License-Identifier: Apache-2.0
"""A user's rows as JSON values: one per line, those of one JSON array, or the rows of a Parquet file as objects.

They are read as ``assay add`` reads them. A file of lines is read as it comes, the others are read whole.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assay.data.own.json_values import Written, check_text, parse
from assay.evaluation.inputs.parsing.encodings import PARQUET
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream

if TYPE_CHECKING:
    import pyarrow as pa

OF_PARQUET = (".parquet", ".pq")
SUFFIXES = (".json", ".jsonl", ".ndjson", *OF_PARQUET)
_ARRAYS = (b"[{", b'["', b"[\n", b"[\r")
"""How an array begins; a line of text may begin with the bracket, too."""
_MARK = b"\xef\xbb\xbf"
"""The byte-order mark of UTF-8."""


def holds(source: Source, stream: Stream) -> bool:
    """Return whether a source has JSON or Parquet: by its suffix, or by its first bytes if it has none."""
    if source.suffix or source.text is not None:
        return source.suffix in SUFFIXES
    return (
        stream.first(1) == b"{"
        or (stream.first(1) == b"[" and stream.first(2) in _ARRAYS)
        or (stream.first(1) == PARQUET[:1] and stream.first(len(PARQUET)) == PARQUET)
    )


def objects(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    """Yield the values of a source, of which each should be an object; numbers are :class:`Written`.

    Raises:
        ValueError: an array or a Parquet file is damaged or empty, or one object is on several lines; one line.
    """
    begin = stream.arrived()
    if source.suffix in OF_PARQUET or begin.startswith(PARQUET):
        return _of_parquet(source, stream)
    if begin.removeprefix(_MARK).lstrip().startswith(b"["):
        return _of_array(source, stream)
    return _of_lines(source, stream)


def _of_lines(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    for number, line in enumerate(stream.lines(), start=1):
        if not line.strip():
            continue
        item = Item(source.name, number, None)
        try:
            text = line.decode("utf-8")
            value = parse(text)
            check_text(text)
        except ValueError as error:
            if number == 1 and line.strip() == b"{":
                raise ValueError(
                    f"{source.name}: one object over several lines; an array of objects, or one object per line, is"
                    " expected"
                ) from None
            yield item.wrong(f"not JSON ({error}); one object per line is expected")
            continue
        yield Item(source.name, number, value)


def _of_array(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    try:
        text = stream.whole().removeprefix(_MARK).decode("utf-8")
        values = parse(text)
    except ValueError as error:
        raise ValueError(f"{source.name}: not a whole JSON array ({error})") from None
    if not values:
        raise ValueError(f"{source.name}: no objects; one object per row is expected")
    is_plain = "\\u" not in text
    for number, value in enumerate(values, start=1):
        item = Item(source.name, number, value)
        try:
            if not is_plain:
                check_text(json.dumps(value))
        except ValueError as error:
            yield item.wrong(f"not JSON ({error})")
        else:
            yield item


def _of_parquet(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    from assay.data.own import parquet  # it imports pyarrow

    path = source.path
    file = path if path is not None and path.is_file() else io.BytesIO(stream.whole())
    number = 0
    for batch in parquet.batches(file, source.name):
        names = batch.schema.names
        for cells in zip(*map(_cells, batch.columns), strict=True):
            number += 1
            yield Item(source.name, number, dict(zip(names, cells, strict=True)))
    if not number:
        raise ValueError(f"{source.name}: no rows; rows are expected")


def _cells(column: pa.Array) -> list[object]:
    """Return the cells (N,) of a column as ``assay add`` reads them, None for a missing one."""
    from assay.data.own import parquet

    texts, declared = parquet.texts_of(column)
    if declared == "nested":
        return list(column.to_pylist())
    there = column.is_valid().to_pylist()
    kind = str if declared == "text" else Written
    return [kind(text) if is_there else None for text, is_there in zip(texts, there, strict=True)]
