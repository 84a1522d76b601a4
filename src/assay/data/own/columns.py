# SPDX-License-Identifier: Apache-2.0
"""The kind of each column of a table, from its name and values."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.data.own import values
from assay.data.own.found import Column, Kind
from assay.data.own.table import Cells, Table
from assay.data.own.values import Decimal

ID_NAME = re.compile(
    r"(?i)(.*[ _.-])?(id|ids|key|uuid|guid|index|idx|rowid|rownames?|row|nr|no)|.*(?-i:[a-z]I[Dd]|ID)|unnamed: 0"
)
CLASS_NAME = re.compile(
    r"(?i)(.*[ _.-])?(class|label|category|type|stage|status|code|group|target|y|species|cluster|outcome|diagnosis)"
)
COUNTER_NAME = re.compile(
    r"(?i)(.*[ _.-])?(sample|row|record|item|observation|case|serial)[ _.-]?(number|num|no|nr|index)"
)
PERSON_NAME = re.compile(
    r"(?i)(.*[ _.-])?(user|patient|subject|person|speaker|author|session|customer|client|participant)[ _.-]?(id|no|nr)?"
)
_WITHOUT_BLANKS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
TIME_NAME = re.compile(r"(?i)(.*[ _.-])?(year|date|day|time|month|week|timestamp)")
YEARS = "years"
"""The note of a column of numbers that are years."""
_FEW_KEYS = 20
"""Most values of a column named as an id that is a category, unless it names persons."""
_MOST = 0.9
"""Part of a column's values that must be numbers, or dates, for the column to be of them."""
_CODES = 3
"""Most different whole numbers of a column that is a category by its values alone."""
_NAMED_CODES = 12
"""The same where the column's name says so."""
_NAMELESS_CODES = 6
"""The same in a table without names."""
_MOST_AS_CLASSES = 10
"""Most different whole numbers of a column that may also be classes."""
_MANY = 1000
"""Different values from which a number with decimals is surely measured."""
_SERIES = 10
"""Columns whose names differ in a number only are measured alike from here on."""


@dataclass(frozen=True)
class Studied:
    """A column with its values as numbers or days, for questions to come."""

    column: Column
    cells: Cells
    numbers: NDArray[np.float64] | None = None
    """(number of values,) of a number, and of classes written as numbers; NaN where a value is missing or no number."""
    days: NDArray[np.datetime64] | None = None
    """(number of values,) of a date."""

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def kind(self) -> Kind:
        return self.column.kind

    def may_be_classes(self) -> bool:
        """Return whether the column is a number that could also be classes: few whole numbers, each in several rows."""
        if self.kind != "number" or self.numbers is None or self.cells.distinct > _MOST_AS_CLASSES:
            return False
        there = self.numbers[np.isfinite(self.numbers)]
        return (
            len(there) > 2 and bool((there == np.rint(there)).all()) and self.cells.filled >= 5 * len(there)
        )

    def row_numbers(self) -> NDArray[np.float64]:
        """Return (N,) the number in each row."""
        assert self.numbers is not None
        return self.numbers[self.cells.codes]

    def row_days(self) -> NDArray[np.datetime64]:
        """Return (N,) the day in each row."""
        assert self.days is not None
        return self.days[self.cells.codes]

    def row_classes(self) -> NDArray[np.int64]:
        """Return (N,) the code of each row's value, -1 where it is missing."""
        return np.where(self.cells.missing_rows, -1, self.cells.codes)


@dataclass(frozen=True)
class Study:
    columns: tuple[Studied, ...]
    decimal: Decimal

    def of(self, *kinds: Kind) -> list[Studied]:
        return [each for each in self.columns if each.kind in kinds]

    def get(self, name: str) -> Studied:
        return next(each for each in self.columns if each.name == name)


def study(table: Table) -> Study:
    """Return the kind of each column of a table."""
    decimal = _decimal(table)
    series = _series(table.names)
    return Study(
        tuple(
            _study(table, name, cells, decimal, in_series=name in series)
            for name, cells in zip(table.names, table.cells, strict=True)
        ),
        decimal,
    )


def _decimal(table: Table) -> Decimal:
    """Return the decimal separator: the comma, if some column has more numbers if read so."""
    for cells in table.cells:
        texts = [text for text in cells.values if "," in text and len(text) < 32]
        if texts and len(texts) > 0.05 * len(cells.values):
            point, comma = (np.isfinite(values.numbers(texts, each)).sum() for each in (".", ","))
            if comma > point and comma > _MOST * len(texts):
                return ","
    return "."


def _series(names: tuple[str, ...]) -> set[str]:
    """Return the names that differ from nine others in a number only, such as pixel_1 to pixel_64."""
    stems = Counter(re.sub(r"\d+", "#", name) for name in names)
    return {
        name for name in names if stems[re.sub(r"\d+", "#", name)] >= _SERIES and re.search(r"\d", name)
    } - {f"column {place}" for place in range(1, len(names) + 1)}


def _study(table: Table, name: str, cells: Cells, decimal: Decimal, *, in_series: bool) -> Studied:
    missing = {cells.values[place]: int(cells.counts[place]) for place in np.flatnonzero(cells.is_missing)}
    column = Column(
        name=name, kind="blank", missing=len(table) - cells.filled, markers=missing, distinct=cells.distinct
    )
    if not cells.distinct:
        return Studied(column, cells)
    if cells.declared == "nested":
        return Studied(replace(column, kind="nested", note="holds lists or objects"), cells)
    found = _typed(table, column, cells, decimal, in_series=in_series)
    if cells.distinct == 1 and not found.column.missing:
        found = replace(found, column=replace(found.column, kind="constant"))
    if found.kind in ("category", "constant") or found.may_be_classes():
        found = replace(found, column=replace(found.column, classes=_classes(cells)))
    return found


def _classes(cells: Cells) -> dict[str, int]:
    there = np.flatnonzero(~cells.is_missing)
    order = there[np.argsort(-cells.counts[there], kind="stable")]
    return {cells.values[place]: int(cells.counts[place]) for place in order}


def _typed(table: Table, column: Column, cells: Cells, decimal: Decimal, *, in_series: bool) -> Studied:
    filled = ~cells.is_missing
    texts = list(cells.values)
    if TIME_NAME.fullmatch(column.name):
        days = values.days_in_digits(texts)
        if _share(cells, ~np.isnat(days)) >= _MOST:
            return Studied(replace(column, kind="date"), cells, days=days)
    numbers = values.numbers(texts, "." if cells.declared == "number" else decimal)
    if _share(cells, np.isfinite(numbers)) >= _MOST:
        kind, note = _kind_of_numbers(table, column.name, cells, numbers, in_series=in_series)
        return Studied(replace(column, kind=kind, note=note), cells, np.where(filled, numbers, np.nan))
    days, _ = values.dates(texts, table.options.day_first)
    if _share(cells, ~np.isnat(days)) >= _MOST:
        return Studied(replace(column, kind="date"), cells, days=days)
    if _share(cells, values.times_of_day(texts)) >= _MOST:
        return Studied(replace(column, kind="time of day"), cells)
    kind, note = _kind_of_texts(column.name, cells, len(table))
    return Studied(replace(column, kind=kind, note=note), cells)


def _share(cells: Cells, chosen: NDArray[np.bool_]) -> float:
    """Return the part of the filled cells whose value is chosen."""
    return float(cells.counts[chosen & ~cells.is_missing].sum()) / cells.filled


def _kind_of_numbers(
    table: Table, name: str, cells: Cells, numbers: NDArray[np.float64], *, in_series: bool
) -> tuple[Kind, str]:
    if cells.distinct > _MANY and (numbers[np.isfinite(numbers)] % 1 != 0).mean() > 0.5:
        return "number", ""
    texts = [text for text, missing in zip(cells.values, cells.is_missing, strict=True) if not missing]
    whole = sum(values.DIGITS.fullmatch(text) is not None for text in texts)
    if any(len(text) > 2 and text[0] == "0" and text.isdigit() for text in texts) and whole == len(texts):
        return "category", "digits with leading zeros: a code, not a number"
    if whole == len(texts):
        if "year" in name.lower() and _is_year(name, numbers):
            return "number", YEARS
        if kind := _kind_of_keys(table, name, cells, numbers):
            return kind
        if _is_year(name, numbers):
            return "number", YEARS
    if in_series or whole <= len(texts) / 2:
        return "number", ""
    most = _NAMED_CODES if CLASS_NAME.fullmatch(name) else _CODES
    if table.form.header_line is None and table.form.kind == "delimited text":
        most = _NAMELESS_CODES
    if cells.distinct <= most and cells.filled >= 2 * cells.distinct:
        return "category", "numbers that are classes"
    return "number", ""


def _kind_of_keys(
    table: Table, name: str, cells: Cells, numbers: NDArray[np.float64]
) -> tuple[Kind, str] | None:
    """Return id or group, for whole numbers that name rows or what rows belong to."""
    rows = numbers[cells.codes]
    complete = cells.filled == len(table) > 2
    counts_up = complete and float((np.diff(rows) == 1).mean()) > 0.95
    if counts_up and (
        cells.distinct == len(table) or COUNTER_NAME.fullmatch(name) or ID_NAME.fullmatch(name)
    ):
        return "id", "counts the rows"
    if ID_NAME.fullmatch(name) and (
        cells.distinct > _FEW_KEYS or PERSON_NAME.fullmatch(name) or len(table) < 50
    ):
        return _id_or_group(cells, len(table))
    nameless = table.form.header_line is None and table.form.kind == "delimited text"
    if nameless and complete and cells.distinct > 0.9 * len(table) and rows.min() >= 1e5 and rows.max() < 1e8:
        return _id_or_group(cells, len(table))
    return None


def _id_or_group(cells: Cells, num_rows: int) -> tuple[Kind, str]:
    if cells.distinct == cells.filled:
        return "id", "another value in every row"
    return "group", f"{cells.distinct:,} values in {num_rows:,} rows"


def _is_year(name: str, numbers: NDArray[np.float64]) -> bool:
    there = numbers[np.isfinite(numbers)]
    return bool(there.min() >= 1500 and there.max() <= 2200 and (len(there) > 5 or "year" in name.lower()))


def _kind_of_texts(name: str, cells: Cells, num_rows: int) -> tuple[Kind, str]:
    there = np.flatnonzero(~cells.is_missing)
    weights = cells.counts[there]
    words = np.array([_num_words(cells.values[place]) for place in there])
    mean_words = float((words * weights).sum() / weights.sum())
    ratio = cells.distinct / cells.filled
    sentences = sum(cells.values[place][-1:] in ".!?。" and words[i] >= 3 for i, place in enumerate(there))
    if ID_NAME.fullmatch(name) and mean_words < 3 and cells.distinct > 20:
        return _id_or_group(cells, num_rows)
    if mean_words >= 3 and (ratio > 0.5 or sentences > len(there) / 2):
        return "text", ""
    if ratio == 1 and cells.filled > 20 and mean_words < 3:
        return "id", "another value in every row"
    if ratio > 0.5 and mean_words >= 1.5 and cells.filled > 20:
        return "text", f"{cells.distinct:,} values in {num_rows:,} rows: nearly an id"
    note = (
        f"{cells.distinct:,} values in {num_rows:,} rows: nearly an id"
        if ratio > 0.5 and cells.filled > 20
        else ""
    )
    return "category", note


def _num_words(text: str) -> int:
    """Return about how many words a text has; those of Chinese, Japanese and Thai have no blanks between them."""
    words = len(text.split())
    return words if text.isascii() else max(words, len(_WITHOUT_BLANKS.findall(text)) // 2)
