# SPDX-License-Identifier: Apache-2.0
"""The cells of a table's columns as values: numbers, categories, dates and texts, each of which may be missing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from assay.data.own import values
from assay.data.own.json_values import Written
from assay.data.own.table import MISSING

Kind = Literal["number", "category", "date", "text"]
"""What a column holds; a boolean is a category."""
NOUNS: dict[Kind, str] = {"number": "a number", "category": "a name", "date": "a date", "text": "a text"}
_NESTED = (list, dict, bytes)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?")


class CellFormat(BaseModel):
    """How a file writes the values of its cells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decimal: Literal[".", ","] = "."
    day_first: bool = False
    """Whether 02/03/2026 is in March."""
    missing: tuple[str, ...] = tuple(sorted(MISSING))
    """What stands for a missing value; ``""`` is a blank cell."""


def read(kind: Kind, cells: Sequence[object], form: CellFormat) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the values of a column's cells, and the rows, from 0, that are neither a value of this kind nor missing.

    Args:
        cells: (N,) texts, or values of JSON or Parquet; None is a missing value, and lists, objects and bytes are bad.

    Returns:
        values: (N,) float64 with NaN for a number; texts with None for the other kinds, dates as ISO 8601.
        bad: (M,); their values are missing.
    """
    texts = [_text(cell) for cell in cells]
    there = np.array([text not in form.missing for text in texts], dtype=bool)
    if kind == "number":
        numbers = np.array(
            [
                _number(cell, text, form) if is_there else math.nan
                for cell, text, is_there in zip(cells, texts, there, strict=True)
            ]
        )
        return numbers, np.flatnonzero(there & np.isnan(numbers))
    found = np.full(len(texts), None, dtype=object)
    for place in np.flatnonzero(there).tolist():
        if not isinstance(cells[place], _NESTED):
            found[place] = _date(texts[place], form) if kind == "date" else texts[place]
    return found, np.flatnonzero(there & np.array([value is None for value in found], dtype=bool))


def _text(cell: object) -> str:
    """Return a cell as the text that a CSV file would hold."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _number(cell: object, text: str, form: CellFormat) -> float:
    """Return a finite number, NaN for another text; numbers of JSON and Parquet have a decimal point."""
    decimal = "." if isinstance(cell, (Written, int, float)) else form.decimal
    try:
        number = float(text) if decimal == "." else math.nan
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else float(values.numbers([text], decimal)[0])


def _date(text: str, form: CellFormat) -> str | None:
    """Return a date, with the time if it has one, as ISO 8601; None for another text."""
    if _ISO.fullmatch(text):
        try:
            return str(np.datetime64(text, "s" if len(text) > 10 else "D"))
        except ValueError:
            return None
    [day] = values.days_in_digits([text])
    if np.isnat(day):
        [day] = values.dates([text], form.day_first)[0]
    return None if np.isnat(day) else str(day)


def days(dates: NDArray[Any]) -> NDArray[np.float64]:
    """Return the days since 1970-01-01 of ISO 8601 dates (N,), NaN for None."""
    stamps = np.array(["NaT" if date is None else date for date in dates], dtype="datetime64[s]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 86400)
