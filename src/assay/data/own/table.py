# SPDX-License-Identifier: Apache-2.0
"""Rows of a user's table as they were read, before anything is known of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.data.own.found import Ambiguity, Fault, Form, Options

MISSING = frozenset({"", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>"})
"""What stands for a missing value."""


def place_of(form: Form, files: Sequence[tuple[str, int]], line: int) -> str:
    """Return a line, or a row in formats without lines, in words; of several files, with the name of the file."""
    noun = "row" if form.kind in ("Parquet", "JSON array") else "line"
    for name, before in reversed(files):
        if line > before:
            return f"{noun} {line - before} of {name}"
    return f"{noun} {line}"


@dataclass(frozen=True)
class Cells:
    """The cells of one column, each different text stored once."""

    codes: NDArray[np.int64]
    """(N,) index into ``values``."""
    values: tuple[str, ...]
    """The different texts, blanks around them stripped, in order of appearance."""
    padded: NDArray[np.int64]
    """Rows, from 0, of the cells that had blanks around them."""
    raw_codes: NDArray[np.int64]
    """(N,) equal where the cells are equal with the blanks around them."""
    declared: str | None = None
    """What the format says it holds: number, text, date or nested; None if it only knows texts."""

    @classmethod
    def of(cls, texts: Sequence[str], declared: str | None = None) -> Cells:
        import pandas as pd  # predictions read MISSING only

        array = np.empty(len(texts), dtype=object)
        array[:] = texts
        raw_codes, raw = pd.factorize(array)
        stripped = [text.strip() for text in raw]
        changed = np.array([a != b for a, b in zip(raw, stripped, strict=True)], dtype=bool)
        if not changed.any():
            return cls(raw_codes, tuple(stripped), np.zeros(0, dtype=np.int64), raw_codes, declared)
        array = np.empty(len(raw), dtype=object)
        array[:] = stripped
        merged, values = pd.factorize(array)
        return cls(merged[raw_codes], tuple(values), np.flatnonzero(changed[raw_codes]), raw_codes, declared)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(number of values,) rows that hold each value."""
        return np.bincount(self.codes, minlength=len(self.values))

    @cached_property
    def is_missing(self) -> NDArray[np.bool_]:
        """(number of values,) whether a value stands for a missing one."""
        return np.array([value in MISSING for value in self.values], dtype=bool)

    @cached_property
    def missing_rows(self) -> NDArray[np.bool_]:
        """(N,) whether the value of a row is missing."""
        return self.is_missing[self.codes] if self.values else np.zeros(0, dtype=bool)

    @cached_property
    def filled(self) -> int:
        return int(self.counts[~self.is_missing].sum())

    @cached_property
    def distinct(self) -> int:
        return int((~self.is_missing).sum())

    def rows_of(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the rows, from 0, whose value is chosen; ``chosen`` is (number of values,)."""
        return np.flatnonzero(chosen[self.codes])


@dataclass(frozen=True)
class Table:
    form: Form
    names: tuple[str, ...]
    cells: tuple[Cells, ...]
    lines: NDArray[np.int64]
    """(N,) where each row begins: its line, or its number from 1 in formats without lines."""
    options: Options
    faults: tuple[Fault, ...] = ()
    questions: tuple[Ambiguity, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    """If several files are read as one: each file's name, and the number of lines in the files before it."""

    @property
    def ordered(self) -> bool:
        """Whether the order of the columns says something: that of the keys in JSON does not."""
        return not self.form.kind.startswith("JSON")

    def __len__(self) -> int:
        return len(self.lines)

    def listed(self) -> str:
        """Return the names of the columns for a message of one line."""
        names = [" ".join(name.split())[:60] for name in self.names[:20]]
        return ", ".join(names) + (", ..." if len(self.names) > 20 else "")

    def fault(self, column: str, kind: str, message: str, rows: NDArray[np.int64]) -> Fault:
        """Return a fault that some rows, from 0, have in one column."""
        return Fault(kind=kind, message=message, lines=self.at(rows), column=column, count=len(rows))

    def place(self, row: int) -> str:
        """Return where a row, from 0, is in the user's file, such as ``line 5``."""
        return place_of(self.form, self.files, int(self.lines[row]))

    def at(self, rows: NDArray[np.int64]) -> tuple[int, ...]:
        """Return the lines of some rows."""
        return tuple(int(line) for line in self.lines[rows])
