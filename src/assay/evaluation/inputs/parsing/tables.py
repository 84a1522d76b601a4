# SPDX-License-Identifier: Apache-2.0
"""A user's rows of a table: CSV or TSV whose first line names the columns, or JSON lines, one object per row."""

from __future__ import annotations

import json
from collections.abc import Iterator

from assay.evaluation.inputs.parsing import texts
from assay.evaluation.inputs.parsing.encodings import not_utf8
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
Row = tuple[tuple[str, ...], tuple[object, ...]]
"""The names of the columns, and the cells of a row: texts, or the values of JSON."""


def rows(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    """Yield the rows of a source, each with the names of its columns (:data:`Row`).

    Raises:
        ValueError: it is empty, or not CSV; one line.
    """
    if source.suffix in texts.JSON or (source.suffix == "" and stream.first(1) == b"{"):
        return _of_json(source, stream)
    return _of_table(source, stream)


def _of_table(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    found = texts.rows_of(source, stream)
    names = tuple(name.strip() for name in next(found, ()))
    for number, cells in enumerate(found, start=1):
        item = Item(source.name, number, (names, tuple(cell.strip() for cell in cells)))
        if len(cells) != len(names):
            yield item.wrong(f"{len(cells)} values; the first line names {len(names)} columns")
        elif reason := not_utf8("\n".join(cells)):
            yield item.wrong(reason)
        else:
            yield item


def _of_json(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    for number, line in enumerate(stream.lines(), start=1):
        item = Item(source.name, number, None)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield item.wrong(f"not JSON ({error}); one object per line is expected")
            continue
        if not isinstance(row, dict):
            yield item.wrong(f"{json.dumps(row)[:40]}; an object with the columns is expected")
            continue
        yield Item(source.name, number, (tuple(row), tuple(row.values())))
