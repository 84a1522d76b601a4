# SPDX-License-Identifier: Apache-2.0
"""Faults in the values of a single column, such as missing values and mixed units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.data.own import values
from assay.data.own.columns import Studied
from assay.data.own.found import Ambiguity, Fault
from assay.data.own.table import Table

_UNITS = frozenset("$€£¥%")


def faults_of(table: Table, studied: Studied) -> list[Fault]:
    """Return what is wrong with the values of a column, with the lines."""
    cells, name, found = studied.cells, studied.name, []
    if studied.kind == "blank":
        return [Fault(kind="blank column", message="has no value in any row", column=name)]
    if studied.kind == "constant":
        return [Fault(kind="constant column", message="has the same value in every row", column=name)]
    found += _near_constant(table, studied)
    if cells.missing_rows.any():
        shown = ", ".join(f"{text or 'blank'} {count:,}" for text, count in studied.column.markers.items())
        found.append(table.fault(name, "missing", f"no value ({shown})", np.flatnonzero(cells.missing_rows)))
    if len(studied.column.markers) > 1:
        message = f"{shown}: they may mean different things, and are all taken as missing"
        found.append(Fault(kind="several marks of missing", message=message, column=name))
    if len(cells.padded):
        found.append(table.fault(name, "blanks around", "blanks around a value are stripped", cells.padded))
    odd = _odd(studied)
    if odd is not None and odd.any():
        words = [cells.values[place] for place in np.flatnonzero(odd)[:3]]
        what = "no numbers" if studied.numbers is not None else "no dates"
        found.append(
            table.fault(name, what, f"words among {what[3:]}: {', '.join(words)}", cells.rows_of(odd))
        )
    if studied.column.note.startswith("digits with leading zeros"):
        zeros = np.array([text[:1] == "0" and len(text) > 1 for text in cells.values])
        found.append(
            table.fault(name, "leading zeros", "digits with leading zeros are a code", cells.rows_of(zeros))
        )
    if studied.days is not None:
        found += _day_order(table, studied)
    if studied.kind == "number":
        found += _sentinel(table, studied)
    if studied.kind == "number" and cells.declared == "text":
        found.append(Fault(kind="numbers as text", message="numbers are written as text", column=name))
    if studied.kind == "number":
        found += _signs(studied)
    return found


def _signs(studied: Studied) -> list[Fault]:
    """Return a fault where numbers differ in their unit: several currencies, or per cent in some rows only."""
    texts = [
        text for text, gone in zip(studied.cells.values, studied.cells.is_missing, strict=True) if not gone
    ]
    signs = sorted(_UNITS & set("".join(texts)))
    if len(signs) > 1:
        message = f"the signs {' and '.join(signs)} are dropped: are the numbers of one unit?"
    elif signs and not all(signs[0] in text for text in texts):
        message = f"the sign {signs[0]} of some numbers is dropped: are all of one unit?"
    else:
        return []
    return [Fault(kind="several units", message=message, column=studied.name)]


def _near_constant(table: Table, studied: Studied) -> list[Fault]:
    counts = np.where(studied.cells.is_missing, 0, studied.cells.counts)
    others = studied.cells.filled - int(counts.max())
    if not 0 < others <= max(1, 0.002 * studied.cells.filled) or studied.cells.filled < 50:
        return []
    rest = (counts > 0) & (counts < counts.max())
    message = f"all rows but {others} have {studied.cells.values[int(counts.argmax())]}"
    return [table.fault(studied.name, "near constant", message, studied.cells.rows_of(rest))]


def _odd(studied: Studied) -> NDArray[np.bool_] | None:
    """Return (number of values,) which values are not of the column's kind."""
    if studied.numbers is not None and studied.kind == "number":
        return np.isnan(studied.numbers) & ~studied.cells.is_missing
    if studied.days is not None:
        return np.isnat(studied.days) & ~studied.cells.is_missing
    return None


def _day_order(table: Table, studied: Studied) -> list[Fault]:
    """Return, where dates have the year last, which of day and month is first, and the line that settles it."""
    settles = np.array([values.day_first_in(text) is not None for text in studied.cells.values])
    if not settles.any():
        return []
    row = studied.cells.rows_of(settles)[:1]
    text = studied.cells.values[studied.cells.codes[row[0]]]
    kind = "day first" if values.day_first_in(text) else "month first"
    return [Fault(kind=kind, message=f"{kind}: {text} settles it", lines=table.at(row), column=studied.name)]


def _sentinel(table: Table, studied: Studied) -> list[Fault]:
    """Return a fault where the one negative number of a column is frequent: it may stand for a missing one."""
    assert studied.numbers is not None
    negative = np.nan_to_num(studied.numbers, nan=0.0) < 0
    if len(set(studied.numbers[negative])) != 1 or studied.cells.distinct < 5:
        return []
    rows = studied.cells.rows_of(negative)
    if len(rows) < max(3, 0.02 * len(table)):
        return []
    value = studied.cells.values[int(np.flatnonzero(negative)[0])]
    message = f"{value} is the only negative number and may stand for a missing one"
    return [table.fault(studied.name, "may be missing", message, rows)]


def questions_of(table: Table, studied: Studied) -> list[Ambiguity]:
    """Return a question where day and month of a column's dates may be swapped."""
    if studied.days is None or table.options.day_first is not None:
        return []
    texts = [text for text, bad in zip(studied.cells.values, np.isnat(studied.days), strict=True) if not bad]
    if not values.order_is_open(texts) or any(values.day_first_in(text) is not None for text in texts):
        return []
    return [
        Ambiguity(
            about="dates",
            question=f"column {studied.name}: is {texts[0]} day first or month first?",
            candidates=("day first", "month first"),
            option="--day-first or --month-first",
        )
    ]
