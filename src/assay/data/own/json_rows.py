# SPDX-License-Identifier: Apache-2.0
"""JSON lines, and one JSON array: an object a row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.own import text_files
from assay.data.own.found import Fault, Form, Options
from assay.data.own.json_values import Written, check_text, parse
from assay.data.own.table import Cells, Table

MOST_COLUMNS = 10_000
_NESTED = "…"


def read(path: Path, options: Options) -> Table:
    """Return the objects of a file of JSON lines, or of one array.

    Raises:
        ValueError: it is neither, or a value is no object; one line that names the line.
    """
    text = text_files.read(path, options)
    is_array = text.text.lstrip()[:1] == "["
    if not is_array:
        _refuse_one_object(path, text.text)
    items = list(_array(path, text.text) if is_array else _lines(path, text.text))
    if not items:
        raise ValueError(f"{path}: no objects; an object a row is expected")
    names: dict[str, None] = {}
    for line, item in items:
        if not isinstance(item, dict):
            raise ValueError(
                f"{path}: {_place(is_array)} {line}: is no object; {{'text': ..., 'label': ...}} is expected"
            )
        names.update(dict.fromkeys(item))
        if len(names) > MOST_COLUMNS:
            raise ValueError(
                f"{path}: {_place(is_array)} {line}: more than {MOST_COLUMNS:,} names; rows should share them"
            )
    form = Form(
        kind="JSON array" if is_array else "JSON lines",
        encoding=text.encoding,
        bom=text.bom,
        line_ends=text.line_ends,
    )
    faults = [*text.faults, *_shape(items, list(names), is_array)]
    columns = tuple(_cells([item.get(name) for _, item in items]) for name in names)
    lines = np.array([line for line, _ in items], dtype=np.int64)
    return Table(form, tuple(names), columns, lines, options, tuple(faults), text.questions)


def _refuse_one_object(path: Path, text: str) -> None:
    """Refuse a file that is one object over several lines."""
    first, _, rest = text.lstrip().partition("\n")
    if not rest.strip() or first.rstrip().endswith("}"):
        return
    try:
        whole = parse(text)
    except ValueError:
        return  # the line at which it is damaged is named later
    if isinstance(whole, dict) and {"images", "annotations"} <= whole.keys():
        raise ValueError(f"{path}: boxes in images (COCO) are not supported yet")
    raise ValueError(
        f"{path}: one object over several lines; an array of objects or one object a line is expected"
    )


def _place(is_array: bool) -> str:
    return "item" if is_array else "line"


def _array(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    try:
        items = parse(text)
        check_text(text)
        return enumerate(items, start=1)
    except ValueError as fault:
        raise ValueError(f"{path}: not JSON ({fault})") from None


def _lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            item = parse(line)
            check_text(line)
            yield number, item
        except ValueError as fault:
            raise ValueError(
                f"{path}: line {number}: not JSON ({fault}); one object a line is expected"
            ) from None


def _shape(items: list[tuple[int, Any]], names: list[str], is_array: bool) -> list[Fault]:
    """Return what is unusual about the objects."""
    found = []
    if is_array:
        found.append(Fault(kind="JSON array", message="one JSON array, not JSON lines: it is read as rows"))
    short = tuple(line for line, item in items if len(item) < len(names))
    if short:
        message = f"objects lack some of the {len(names)} names: what they lack is missing"
        found.append(Fault(kind="names differ", message=message, lines=short, count=len(short)))
    breaks = tuple(
        line for line, item in items if any(isinstance(v, str) and "\n" in v for v in item.values())
    )
    if breaks:
        message = "a text holds a line break; the row is one line of the file all the same"
        found.append(Fault(kind="line break in a text", message=message, lines=breaks, count=len(breaks)))
    return found


def _cells(values: list[Any]) -> Cells:
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, (Written, bool)) for value in there):
        declared = "number"
    elif any(isinstance(value, (list, dict)) for value in there):
        declared = "nested"
    else:
        declared = "text"
    return Cells.of([_text(value) for value in values], declared)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        return _NESTED
    return str(value)
