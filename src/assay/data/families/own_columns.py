# SPDX-License-Identifier: Apache-2.0
"""The rows of a user's table to learn from: those with a target, whose class is not too rare, and their splits."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.families.own_files import Own
from assay.data.own import columns, look
from assay.data.own.columns import Studied, Study
from assay.data.own.found import Options
from assay.data.own.parts import PARTS, of_path
from assay.data.own.table import MISSING, Table
from assay.data.own.table_folders import FILE
from assay.data.preparation.split_strategies import StrategyName

FEWEST_GROUPS = 3


@dataclass(frozen=True)
class Targets:
    """The rows (M,) of a table that have a target, and what is known of them."""

    rows: NDArray[np.int64]
    targets: NDArray[np.int64] | NDArray[np.float64]
    """(M,) indices into ``classes``, or numbers without classes."""
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """How a user's rows are split."""

    upstream: NDArray[np.str_]
    """(N,) the split that a column names, ``""`` if none does."""
    groups: NDArray[np.str_] | None = None
    times: NDArray[np.datetime64] | NDArray[np.float64] | None = None
    column: str = ""
    """The column that says it, which is not a feature."""

    @property
    def origins(self) -> dict[str, NDArray[Any]]:
        """Return the groups and the times by fact, if they are known."""
        facts = {"group": self.groups, "time": self.times}
        return {fact: values for fact, values in facts.items() if values is not None}


@dataclass(frozen=True, kw_only=True)
class OwnRows(Own, ABC):
    """The rows of a CSV, TSV, JSON lines or Parquet file."""

    options: Options
    known: tuple[Table, Study] | None = field(default=None, repr=False)
    """The rows of the file and what its columns hold, if they have just been read: that takes most of the time."""

    def study(self, raw: Path) -> tuple[Table, Study]:
        """Return the rows of the file and what its columns hold."""
        if self.known is not None:
            return self.known
        table = look.table_of(self.own(raw), replace(self.options, split=self.split))
        return table, columns.study(table)


def require_columns(path: Path, table: Table, names: Iterable[str]) -> None:
    """Check that a table has these columns.

    Raises:
        ValueError: it lacks one; one line.
    """
    for name in names:
        if name not in table.names:
            raise ValueError(f"{path}: no column {name!r}; there are {table.listed()}")


def check_numbers(path: Path, table: Table, column: Studied, largest: float) -> None:
    """Check that the numbers of a column are not so large that their squares, or their copies, are infinite.

    Raises:
        ValueError: one is; one line.
    """
    if column.numbers is None:
        return
    with np.errstate(invalid="ignore"):
        rows = column.cells.rows_of(np.abs(column.numbers) > largest)
    for row in rows[:1]:
        raise ValueError(
            f"{path}: {table.place(row)}: {column.name} = {column.cells.values[column.cells.codes[row]][:80]};"
            f" allowed are numbers up to {largest:g}; correct it, or leave the column out with --ignore"
        )


def targets_of(path: Path, column: Studied, *, as_classes: bool, min_per_class: int) -> Targets:
    """Return the rows with a target.

    Raises:
        ValueError: fewer than two classes have enough rows, or no target is a number; one line.
    """
    if not as_classes:
        if column.numbers is None:
            raise ValueError(
                f"{path}: {column.name} holds no numbers; name a column of numbers with --target"
            )
        numbers = column.row_numbers()
        rows = np.flatnonzero(np.isfinite(numbers))
        return Targets(rows, numbers[rows], ())
    return common(column.row_classes(), column.cells.values, min_per_class, f"{path}: {column.name}")


def common(codes: NDArray[np.int64], values: Sequence[str], min_per_class: int, where: str) -> Targets:
    """Return the rows of classes with enough rows; classes are in the order of their names.

    Args:
        codes: (N,) the place of each row's class in ``values``, -1 if it has none.
        where: the file and column, for the error.

    Raises:
        ValueError: fewer than two classes have enough rows; one line.
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    kept = [place for place in np.argsort(values, kind="stable") if counts[place] >= min_per_class]
    if len(kept) < 2:
        raise ValueError(
            f"{where}: {len(kept)} classes have {min_per_class} rows or more; at least two are needed: add rows, or"
            " lower it with --min-per-class (in params.yaml min_per_class)"
        )
    label_of = np.full(len(values) + 1, -1)  # the last is that of a missing target
    label_of[kept] = np.arange(len(kept))
    labels = label_of[codes]
    rows = np.flatnonzero(labels >= 0)
    return Targets(rows, labels[rows].astype(np.int64), tuple(values[place] for place in kept))


def strategy_of(how: str) -> StrategyName | None:
    """Return the strategy of a split, as :func:`split_of` takes it; None for that of the kind of dataset."""
    strategies: dict[str, StrategyName] = {"time": "time", "group": "group", "random": "random"}
    return strategies.get(how.partition(":")[0])


def split_of(path: Path, table: Table, found: Study, how: str) -> Split:
    """Return how rows are split: ``stratified``, ``random``, ``column:NAME``, ``time:NAME`` or ``group:NAME``.

    Raises:
        ValueError: it is none of these, there is no such column, or its values do not say it; one line.
    """
    none = np.full(len(table), "", dtype="<U10")
    word, _, name = how.partition(":")
    if how in ("stratified", "random"):
        return Split(none)
    if word not in ("column", "time", "group"):
        raise ValueError(
            f"split = {how}: allowed are stratified, random, column:NAME, time:NAME and group:NAME"
        )
    if name not in table.names:
        raise ValueError(f"split = {how}: {path} has no such column; there are {table.listed()}")
    column = found.get(name)
    if word == "time":
        return Split(none, times=_times(path, column), column=name)
    if word == "group":
        if column.cells.distinct < FEWEST_GROUPS:
            raise ValueError(
                f"{path}: {name} holds {column.cells.distinct} groups; at least {FEWEST_GROUPS} are needed, one for"
                " each part of a split; split the rows in another way with --split"
            )
        return Split(none, groups=np.array(column.cells.values)[column.cells.codes], column=name)
    texts = column.cells.values
    of_value = _part_of_file if table.files and name == FILE else _part
    unknown = np.array([value not in MISSING and not of_value(value) for value in texts])
    for row in column.cells.rows_of(unknown)[:1]:
        raise ValueError(
            f"{path}: {table.place(row)}: {name} = {texts[column.cells.codes[row]][:80]!r} is no part of a split;"
            f" allowed are {', '.join(PARTS)}; correct it, or split the rows in another way with --split"
        )
    parts = np.array([of_value(value) for value in texts])
    return Split(parts[column.cells.codes], column=name)


def _part(value: str) -> str:
    return PARTS.get(value.lower(), "")


def _part_of_file(name: str) -> str:
    return of_path(Path(name))


def _times(path: Path, column: Studied) -> NDArray[np.datetime64] | NDArray[np.float64]:
    if column.days is None and column.numbers is None:
        raise ValueError(
            f"{path}: {column.name} holds no times; name a column of dates or numbers, as in --split time:day"
        )
    if column.days is not None:
        return column.row_days()
    return column.row_numbers()
