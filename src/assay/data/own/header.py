# SPDX-License-Identifier: Apache-2.0
"""Whether the first row of a table holds the names of its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from assay.data.own import values
from assay.data.own.found import Ambiguity, Options
from assay.data.own.table import MISSING

_LOOKED_AT = 1000
"""Rows that are looked at."""
_VOTERS = 200
"""Columns that are looked at."""


def has_header(rows: Sequence[Sequence[str]], options: Options) -> tuple[bool, list[Ambiguity]]:
    """Return whether the first row holds names, and a question where the rows leave it open."""
    if options.header is not None:
        return options.header, []
    first = rows[0]
    rest = [row for row in rows[1:_LOOKED_AT] if row != first]  # a header may stand twice
    votes = [
        _vote(name.strip(), [row[place].strip() for row in rest if place < len(row)])
        for place, name in enumerate(first[:_VOTERS])
        if not _counts_on(first, place)
    ]
    if min(votes, default=0) < 0 or max(votes, default=0) > 0:
        return sum(votes) > 0, []
    question = Ambiguity(
        about="header",
        question=f"the first row may be names or data: {', '.join(first)[:80]}",
        candidates=("names", "data"),
        option="--header or --no-header",
    )
    return True, [question]


def _counts_on(first: Sequence[str], place: int) -> bool:
    """Return whether a cell is a year that follows, or is followed by, the next one, as in 1960, 1961, 1962."""
    years = [int(cell) if re.fullmatch(r"[12]\d{3}", cell.strip()) else 0 for cell in first]
    before, after = years[place - 1 : place], years[place + 1 : place + 2]
    return years[place] > 0 and (before == [years[place] - 1] or after == [years[place] + 1])


def _vote(first: str, below: Sequence[str]) -> int:
    """Return 1 if the first cell of a column looks like its name, -1 if like its other cells, 0 if neither."""
    filled = [cell for cell in below if cell not in MISSING]
    if not filled or first == "":
        return 0
    if first in MISSING or _share_of_numbers([first]) == 1:
        return -1
    if _share_of_numbers(filled) > 0.8 or _share_of_dates(filled) > 0.8:
        return 0 if _share_of_dates([first]) else 1
    if first in filled:
        return -1
    if len(set(filled)) <= len(filled) / 2:
        return 1
    return int(np.median([len(cell) for cell in filled]) > 3 * len(first))


def _share_of_numbers(texts: Sequence[str]) -> float:
    return max(float(np.isfinite(values.numbers(texts, decimal)).mean()) for decimal in (".", ","))


def _share_of_dates(texts: Sequence[str]) -> float:
    return float((~np.isnat(values.dates(texts, None)[0])).mean())
