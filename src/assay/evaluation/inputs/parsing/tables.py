# SPDX-License-Identifier: Apache-2.0
"""A user's rows of a table: CSV or TSV whose first line names the columns, or JSON or Parquet, one object per row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from assay.evaluation.inputs.parsing import objects, texts
from assay.evaluation.inputs.parsing.encodings import not_utf8
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream

SUFFIXES = (*texts.TABLES, *objects.SUFFIXES)
Row = tuple[tuple[str, ...], tuple[object, ...]]
"""The names of the columns, and the cells of a row: texts, or the values of JSON or Parquet."""


def rows(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    """Yield the rows of a source, each with the names of its columns (:data:`Row`).

    Raises:
        ValueError: it is empty, damaged, or not CSV; one line.
    """
    if objects.holds(source, stream):
        return _of_objects(source, stream)
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


def _of_objects(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    """Yield objects with the names of those that come first; what one of them lacks is missing, as in training."""
    found = (_checked(each) for each in objects.objects(source, stream))
    names: dict[str, None] = {}
    sample: list[Item | Bad] = []
    while len(sample) < texts.SAMPLED and not (names and stream.idle()):
        each = next(found, None)
        if each is None:
            break
        sample.append(each)
        if isinstance(each, Item):
            names.update(dict.fromkeys(each.value))
    for each in chain(sample, found):
        if isinstance(each, Bad):
            yield each
        else:
            yield Item(each.source, each.row, (tuple(names), tuple(map(each.value.get, names))))


def _checked(item: Item | Bad) -> Item | Bad:
    if isinstance(item, Item) and not isinstance(item.value, dict):
        return item.wrong(f"{json.dumps(item.value)[:40]}; an object with the columns is expected")
    return item
