# SPDX-License-Identifier: Apache-2.0
"""The separator of delimited text, and whether quotation marks enclose its cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from html.entities import html5
from typing import TYPE_CHECKING

import numpy as np

from assay.data.csv_rows import reader
from assay.data.own import values

if TYPE_CHECKING:
    from _csv import Reader

SEPARATORS = ("\t", ";", "|", ",")
"""In the order in which they win a tie: a comma may also be a decimal comma."""
_ENTITY = re.compile(r"&(#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[A-Za-z][A-Za-z0-9]{1,30});")
_SAMPLE = 1 << 18
"""Characters that the separator is found from."""


@dataclass(frozen=True)
class Dialect:
    separator: str
    quotes: bool
    width: int
    """Most frequent number of cells of a row."""
    share: float
    """Part of the rows that have it."""


def sniff(text: str) -> Dialect:
    """Return the separator that gives the most rows the same number of cells, two or more.

    A text without separators has one column, and a comma as its separator.
    """
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    sample = _ENTITY.sub(_without_semicolon, sample)
    tried = [_try(sample, separator) for separator in SEPARATORS]
    wide = [each for each in tried if each.width > 1]
    if not wide:
        aligned = _try(sample, " ")
        return aligned if _is_aligned(sample, aligned) else tried[-1]
    most = max(each.share for each in wide)
    return next(each for each in wide if each.share > most - 0.01)


def _without_semicolon(entity: re.Match[str]) -> str:
    """Return an HTML entity, such as ``&amp;``, without its semicolon, which separates nothing."""
    known = entity[1].startswith("#") or f"{entity[1]};" in html5
    return entity[0][:-1] if known else entity[0]


def _try(sample: str, separator: str) -> Dialect:
    quotes = _encloses(sample, separator)
    widths = Counter(len(row) for row in rows_of(sample, separator, quotes) if row)
    width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0])) if widths else (1, 0)
    return Dialect(separator, quotes, width, count / max(1, widths.total()))


def _is_aligned(sample: str, dialect: Dialect) -> bool:
    """Return whether blanks separate columns, most of them of numbers, rather than words."""
    rows = [row for row in rows_of(sample, " ", dialect.quotes) if len(row) == dialect.width]
    cells = [cell for row in rows[1:200] for cell in row]
    if dialect.width < 2 or dialect.share < 0.95 or len(rows) < 3:
        return False
    return float(np.isfinite(values.numbers(cells, ".")).mean()) > 0.5


def _encloses(sample: str, separator: str) -> bool:
    """Return whether quotation marks enclose cells, rather than being part of a text."""
    edge = re.escape(separator)
    return re.search(rf'(?:^|{edge})"(?:[^"]|"")*"(?={edge}|\r|\n|$)', sample, re.MULTILINE) is not None


def rows_of(text: str, separator: str, quotes: bool) -> Reader:
    """Return a reader of the rows of a text, which counts the lines that it has read."""
    stream = io.StringIO(text, newline="")
    return reader(
        stream,
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        skipinitialspace=separator == " ",
    )
