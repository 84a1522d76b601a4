# SPDX-License-Identifier: Apache-2.0
"""What a look at a user's file or folder finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal[
    "number", "category", "text", "date", "time of day", "id", "group", "constant", "blank", "leak", "nested"
]
"""What a column holds. A leak gives the target away; a group names what several rows belong to."""
FormKind = Literal[
    "delimited text", "JSON lines", "JSON array", "Parquet", "images by folder", "images by table",
    "plain text", "folder of texts", "texts by folder", "CoNLL columns", "CoNLL-U",
]  # fmt: skip
Strategy = Literal["column", "time", "group", "stratified", "random", "order", "none"]
"""``order``: the last part of a text is to test on."""

MOST_FOLDS = 100
JOINED_BY = " | "
"""What stands between the texts of several columns of a row."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user says; ``None`` leaves it to the look."""

    target: str | None = None
    """Name of the column to predict."""
    text: tuple[str, ...] = ()
    """Names of the columns of texts to predict from; several are joined."""
    ignore: tuple[str, ...] = ()
    """Names of columns to leave out."""
    min_per_class: int = 5
    """Rows of classes with fewer are left out."""
    split: str | None = None
    """``column:NAME``, ``time:NAME``, ``group:NAME`` or a fraction."""
    folds: int | None = None
    """The number of folds, each of which is test once; ``None`` for one part to test on."""
    metric: str | None = None
    encoding: str | None = None
    """One of ``text_files.ENCODINGS``."""
    header: bool | None = None
    """Whether the first row holds the names of the columns."""
    day_first: bool | None = None
    """Whether 02/03/2026 is in March."""


def parse_folds(option: str | None) -> int | None:
    """Return the number of folds that ``--split folds:NUMBER`` requests; None if it says something else.

    Raises:
        ValueError: it is no number from 2 to ``MOST_FOLDS``; one line.
    """
    word, _, number = (option or "").partition(":")
    if word != "folds":
        return None
    if not number.isdecimal() or not 2 <= int(number) <= MOST_FOLDS:
        raise ValueError(f"--split {option}: allowed are folds:2 to folds:{MOST_FOLDS}")
    return int(number)


@dataclass(frozen=True, kw_only=True)
class Form:
    """How the bytes are written."""

    kind: FormKind
    encoding: str | None = None
    bom: bool = False
    separator: str | None = None
    quotes: bool = False
    """Whether quotation marks enclose cells."""
    decimal: str = "."
    line_ends: str | None = None
    """LF, CRLF, CR, or ``mixed: `` and how many of each."""
    header_line: int | None = None
    """Line of the columns' names, from 1; None if there is none."""


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    kind: Kind
    missing: int = 0
    markers: Mapping[str, int] = field(default_factory=dict)
    """What stands where a value is missing, and how often; ``""`` is a blank cell."""
    distinct: int = 0
    """Number of different values, blanks around them stripped, the missing ones left out."""
    classes: Mapping[str, int] = field(default_factory=dict)
    """The number of rows of each value, most frequent first, if the column holds categories or few whole numbers."""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something in the data that a user should know."""

    kind: str
    """A few words, the same for all faults of a kind."""
    message: str
    lines: tuple[int, ...] = ()
    """Lines of the file, from 1; a row of several lines is named by its first. In Parquet and JSON arrays: rows."""
    column: str | None = None
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    count: int = 0
    """Rows that are equal to an earlier one."""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ambiguity:
    """A question that only the user can answer."""

    about: str
    question: str
    candidates: tuple[str, ...]
    """Possible answers, the likeliest first."""
    option: str
    """How to answer, such as ``--target NAME``."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One task that the data could be."""

    signature: str
    target: str
    inputs: tuple[str, ...]
    """The column of texts or images, or all columns of a table that are used."""
    metric: str
    leaks: Mapping[str, str] = field(default_factory=dict)
    """Columns that give the target away, left out, with the reason."""
    close: Mapping[str, str] = field(default_factory=dict)
    """Columns that are nearly the target, kept, with the reason."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Other columns that are not used, with the reason."""


@dataclass(frozen=True, kw_only=True)
class SplitAdvice:
    strategy: Strategy
    why: str
    column: str | None = None
    keep_equal_together: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    path: Path
    form: Form
    rows: int
    """Number of rows, items, images or sentences."""
    columns: tuple[Column, ...] = ()
    duplicates: Duplicates = Duplicates()
    faults: tuple[Fault, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    """If several files are read as one: each file's name, and the number of lines in the files before it."""
    readings: tuple[Reading, ...] = ()
    """The best first; empty if nothing can be learned from the data."""
    questions: tuple[Ambiguity, ...] = ()
    """If there are any, nothing may be written before the user has answered them."""
    split: SplitAdvice | None = None
    known: tuple[Any, Any] | None = field(default=None, compare=False, repr=False)
    """The ``Table`` and its ``Study``, so that nobody must read them again; their modules import this one."""

    @property
    def best(self) -> Reading | None:
        return self.readings[0] if self.readings else None

    def column(self, name: str) -> Column:
        return next(each for each in self.columns if each.name == name)
