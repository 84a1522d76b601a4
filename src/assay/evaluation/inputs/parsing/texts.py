# SPDX-License-Identifier: Apache-2.0
"""A user's texts: lines, one file per text, columns of CSV, TSV or Parquet, or JSON; their streams are UTF-8."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from assay.data import csv_rows
from assay.data.own.json_values import Written
from assay.evaluation.inputs.parsing import objects
from assay.evaluation.inputs.parsing.encodings import not_utf8
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import LONGEST, Source, Stream

TABLES = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
"""By suffix: the separator that is tried first."""
SEPARATORS = (",", ";", "\t", "|")
SUFFIXES = (".txt", *TABLES, *objects.SUFFIXES)
NAME = "text"
"""The name of the column of texts that is found without being named."""
SAMPLED = 50
"""The number of rows by which a column of texts is recognised."""


def texts(
    source: Source, stream: Stream, column: str | None, also: Sequence[str] = (), joined_by: str = "\t"
) -> Iterator[Item | Bad]:
    """Yield each text of a source.

    Args:
        column: the column or key of the texts; None to find it.
        also: further columns or keys; their values precede the text.
        joined_by: what separates them.

    Raises:
        ValueError: a table does not have one column of texts; one line.
    """
    if (source.suffix == ".txt" and source.in_folder) or source.text is not None:
        yield from _whole(source, stream)
    elif objects.holds(source, stream):
        yield from _of_objects(source, stream, column, also, joined_by)
    elif source.suffix in TABLES or column is not None:
        yield from _of_table(source, stream, column, also, joined_by)
    else:
        for row, line in enumerate(stream.lines(), start=1):
            yield checked(Item(source.name, row, decoded(line)))


def decoded(data: bytes) -> str:
    """Return a text; bytes that are not UTF-8 become lone surrogates, which :func:`checked` names."""
    return data.decode("utf-8", "surrogateescape")


def checked(item: Item) -> Item | Bad:
    """Return an item whose value is a text, or what is wrong with the text."""
    text: str = item.value
    if not text.strip():
        return item.wrong("blank; a text is expected")
    if len(text) > LONGEST // 4 and len(text.encode("utf-8", "surrogateescape")) > LONGEST:
        return item.wrong(f"more than {LONGEST:,} bytes")
    reason = not_utf8(text)
    return item.wrong(reason) if reason else item


def _whole(source: Source, stream: Stream) -> Iterator[Item | Bad]:
    try:
        text = decoded(stream.whole().removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        yield Bad(source.name, None, str(error))
        return
    yield checked(Item(source.name, 1, text))


def _of_objects(
    source: Source, stream: Stream, column: str | None, also: Sequence[str], joined_by: str
) -> Iterator[Item | Bad]:
    for each in objects.objects(source, stream):
        if isinstance(each, Bad):
            yield each
            continue
        value = each.value
        try:
            parts = [value] if _is_text(value) else [*_of_keys(value, also), _text_of(value, column)]
        except ValueError as error:
            yield each.wrong(str(error))
            continue
        yield checked(Item(each.source, each.row, _joined(parts, joined_by)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Written)


def _joined(parts: Sequence[str], joined_by: str) -> str:
    """Return texts as one, blank if all are."""
    return joined_by.join(parts) if any(part.strip() for part in parts) else ""


def _of_keys(value: Any, keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise ValueError(f"no text {key!r}")
        yield _text_at(value, key)


def _text_at(value: dict[str, Any], key: str) -> str:
    """Return the text of a key, blank if it is null."""
    text = "" if key in value and value[key] is None else value.get(key)
    if not _is_text(text):
        raise ValueError(f"{key} is not a text; the keys are {', '.join(map(str, value))[:80]}")
    return str(text)


def _text_of(value: Any, column: str | None) -> str:
    """Return the text of a JSON object: that of the named key, of ``text``, or the only one."""
    if not isinstance(value, dict):
        raise ValueError(f"{json.dumps(value)[:40]}; a text, or an object with one, is expected")
    if column is None:
        held = [key for key, each in value.items() if _is_text(each)]
        if NAME not in held and len(held) != 1:
            raise ValueError(f"the keys {', '.join(held)[:80]} hold texts; name one with --text")
        column = NAME if NAME in held else held[0]
    return _text_at(value, column)


def rows_of(source: Source, stream: Stream) -> Iterator[list[str]]:
    """Yield the rows of a table, of which the first may hold the names of the columns.

    Raises:
        ValueError: it is not CSV; one line.
    """
    lines = map(decoded, stream.lines())
    first = next(lines, None)
    if first is None:
        raise ValueError(f"{source.name}: empty; a line with the names of the columns is expected")
    separator = TABLES.get(source.suffix, ",")
    if separator not in first:
        separator = max(SEPARATORS, key=first.count)
    # The reader needs the ends of lines within quotation marks.
    rows = csv_rows.reader((f"{line}\n" for line in chain([first], lines)), delimiter=separator, strict=True)
    try:
        yield from (row for row in rows if row)
    except csv.Error as error:
        raise ValueError(f"{source.name}: line {rows.line_num}: not CSV ({error}); save it as CSV") from None


def _of_table(
    source: Source, stream: Stream, column: str | None, also: Sequence[str], joined_by: str
) -> Iterator[Item | Bad]:
    rows = rows_of(source, stream)
    sample = [*islice(rows, 1)]
    while len(sample) < SAMPLED and not stream.idle() and (row := next(rows, None)) is not None:
        sample.append(row)
    names = [name.strip() for name in sample[0]]
    if column is None and not also and len(names) == 1 and not _is_header(sample):
        names, body = [NAME], chain(sample, rows)
    else:
        body = chain(sample[1:], rows)
    chosen = _column(source, names, sample[1:], column)
    places = [_place(source, names, name) for name in (*also, chosen)]
    for number, cells in enumerate(body, start=1):
        item = Item(source.name, number, None)
        if len(cells) != len(names):
            yield item.wrong(f"{len(cells)} values; the first line names {len(names)} columns")
        else:
            yield checked(Item(source.name, number, _joined([cells[place] for place in places], joined_by)))


def _is_header(sample: Sequence[Sequence[str]]) -> bool:
    """Return whether the only cell of the first row is a name: a single word that no text below it equals."""
    first = sample[0][0].strip()
    below = [row[0].strip() for row in sample[1:]]
    return first.lower() == NAME or (bool(below) and " " not in first and first not in below)


def _place(source: Source, names: Sequence[str], name: str) -> int:
    if names.count(name) != 1:
        problem = "is repeated" if name in names else "is missing"
        raise ValueError(
            f"{source.name}: the column {name} {problem}; its columns are {', '.join(names)[:200]}"
        )
    return names.index(name)


def _column(source: Source, names: Sequence[str], sample: Sequence[Sequence[str]], column: str | None) -> str:
    """Return the name of the column of texts: the one named, ``text``, the only one, or the only one with sentences."""
    if column is not None:
        return column
    if NAME in names or len(names) == 1:
        return NAME if NAME in names else names[0]
    rows = [row for row in sample if len(row) == len(names)]
    spaced = [
        name
        for place, name in enumerate(names)
        if rows and sum(" " in row[place].strip() for row in rows) * 2 > len(rows)
    ]
    if len(spaced) != 1:
        raise ValueError(
            f"{source.name}: which column holds the texts? --text {' or --text '.join(names[:20])}"
        )
    return spaced[0]
