# SPDX-License-Identifier: Apache-2.0
"""What the texts of a column's cells mean: numbers, dates, times of day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Decimal = Literal[".", ","]
DIGITS = re.compile(r"[+-]?\d+")
_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+|[1-9]\d{0,2}(,\d{3})+(\.\d*)?)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+|[1-9]\d{0,2}(\.\d{3})+(,\d*)?)([eE][+-]?\d+)?")
_SIGNS = re.compile(r"^([+-]?)\s*[$€£¥]\s*|\s*[%€]$")
_SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f'\u2019](?=\d{3})")
_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?" + _TIME)
_YEAR_LAST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})" + _TIME)
_IN_WORDS = re.compile(
    r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?[ -](\d{4})|([A-Za-z]{3,9})\.?[ -](\d{1,2}),?[ -](\d{4})"
)
_MONTH_AND_YEAR = re.compile(r"([A-Za-z]{3,9})[ -](\d{4}|\d{2})")
_QUARTER = re.compile(r"(\d{4})[ -]?[Qq]([1-4])")
_EIGHT_DIGITS = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:\.0)?")
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY = 69
"""Years of two digits from here on are of the twentieth century, as in POSIX."""
_LONGEST = 64
_SAMPLED = 500
"""The number of texts that are tried first if there are more than twice as many."""
_FEW = 50
"""With no more texts than these, to set up pandas costs more than it saves."""
_TRIED = 40
"""Values that are tried before a column is read as dates."""


def numbers(texts: Sequence[str], decimal: Decimal) -> NDArray[np.float64]:
    """Return each text as a number, NaN where it is none.

    Signs of money and per cent are dropped, and so are separators of thousands. If most of a sample are no
    numbers, none is taken as one.
    """
    found = np.full(len(texts), np.nan)
    if len(texts) > 2 * _SAMPLED:
        sample = texts[:: len(texts) // _SAMPLED][:_SAMPLED]
        if np.isnan(numbers(sample, decimal)).mean() > 0.5:
            return found
    if decimal == "." and len(texts) > _FEW:
        import pandas as pd  # a prediction reads one text at a time, and does not need it

        found = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(
            dtype=np.float64, copy=True
        )
        found[~np.isfinite(found)] = np.nan
    pattern, thousands = (_POINT, ",") if decimal == "." else (_COMMA, ".")
    for place in np.flatnonzero(np.isnan(found)).tolist():
        if len(texts[place]) > _LONGEST:
            continue
        plain = _plain(texts[place])
        if pattern.fullmatch(plain):
            found[place] = float(plain.replace(thousands, "").replace(",", "."))
    found[~np.isfinite(found)] = np.nan
    return found


def _plain(text: str) -> str:
    """Return a number without signs of money and per cent, spaces between thousands, or brackets for minus."""
    text = _SPACES.sub("", text.replace("\u2212", "-"))
    if text[:1] == "(" and text[-1:] == ")":
        text = f"-{text[1:-1]}"
    return _SIGNS.sub(r"\1", text).strip()


def dates(texts: Sequence[str], day_first: bool | None) -> tuple[NDArray[np.datetime64], bool | None]:
    """Return each text as a day, NaT where it is none, and whether the day comes before the month.

    Args:
        day_first: None finds out from the numbers above 12; None is returned where they leave it open.
    """
    tried = texts[:: max(1, len(texts) // _TRIED)]
    if sum(_looks_like_date(text) for text in tried) < len(tried) / 2:
        return np.full(len(texts), "NaT", dtype="datetime64[D]"), None
    parts = [_parts(text) for text in texts]
    open_order = [part for part in parts if part and part[3]]
    order = day_first
    if open_order and order is None:
        firsts, seconds = max(part[1] for part in open_order), max(part[2] for part in open_order)
        order = None if max(firsts, seconds) <= 12 else firsts > 12
    days = [_day(part, bool(order)) if part else None for part in parts]
    return np.array([day or "NaT" for day in days], dtype="datetime64[D]"), order if open_order else False


def order_is_open(texts: Sequence[str]) -> bool:
    """Return whether any text is a date with the year last, of which day and month may be swapped."""
    return any(_YEAR_LAST.fullmatch(text) for text in texts)


def days_in_digits(texts: Sequence[str]) -> NDArray[np.datetime64]:
    """Return each text of eight digits, such as 20260131, as a day, NaT where it is none."""
    matches = [_EIGHT_DIGITS.fullmatch(text) for text in texts]
    days = [_day((int(m[1]), int(m[2]), int(m[3]), False), False) if m else None for m in matches]
    return np.array([day or "NaT" for day in days], dtype="datetime64[D]")


def day_first_in(text: str) -> bool | None:
    """Return whether the day comes first in a date with the year last; None if that is open, or it is no such date."""
    match = _YEAR_LAST.fullmatch(text)
    first, second = (int(match[1]), int(match[3])) if match else (0, 0)
    return None if max(first, second) <= 12 else first > 12


def _looks_like_date(text: str) -> bool:
    patterns = (_YEAR_FIRST, _YEAR_LAST, _IN_WORDS, _MONTH_AND_YEAR, _QUARTER)
    return any(pattern.fullmatch(text) for pattern in patterns)


def _parts(text: str) -> tuple[int, int, int, bool] | None:
    """Return year, two numbers, and whether these are of unknown order; else they are month and day."""
    if match := _YEAR_FIRST.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3] or 1), False
    if match := _YEAR_LAST.fullmatch(text):
        return _year(match[4]), int(match[1]), int(match[3]), True
    if match := _MONTH_AND_YEAR.fullmatch(text):
        month = match[1][:3].lower()
        return (_year(match[2]), _MONTHS.index(month) + 1, 1, False) if month in _MONTHS else None
    if match := _QUARTER.fullmatch(text):
        return int(match[1]), 3 * int(match[2]) - 2, 1, False
    if match := _IN_WORDS.fullmatch(text):
        day, word, year = (match[1], match[2], match[3]) if match[1] else (match[5], match[4], match[6])
        month = word[:3].lower()
        return (int(year), _MONTHS.index(month) + 1, int(day), False) if month in _MONTHS else None
    return None


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= _CENTURY else 2000)


def _day(part: tuple[int, int, int, bool], day_first: bool) -> str | None:
    year, month, day, is_open = part
    if is_open and day_first:
        month, day = day, month
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def times_of_day(texts: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([_TIME_OF_DAY.fullmatch(text) is not None for text in texts], dtype=bool)
