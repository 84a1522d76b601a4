# SPDX-License-Identifier: Apache-2.0
"""How to divide rows into those to learn from and those to test on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.own.columns import YEARS, Studied, Study
from assay.data.own.found import SplitAdvice, Strategy
from assay.data.own.table import Table
from assay.data.own.table_folders import FILE

SPLIT_NAMES = frozenset({"split", "fold", "subset", "set", "partition"})
SPLIT_VALUES = frozenset(
    {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"}
)
FEWEST_ROWS = 60
"""With fewer rows a quarter to test on is too few."""
_BY_COLUMN: dict[str, Strategy] = {"column": "column", "time": "time", "group": "group"}
_TIME_NAMES = frozenset({"year", "date", "day", "time", "month", "week", "timestamp"})
_MANY_GROUPS = 20
_FEWEST_MEMBERS = 3


def parse(option: str, table: Table) -> SplitAdvice:
    """Return the split that the user wants.

    Raises:
        ValueError: there is no such column, or the option is none of those allowed; one line.
    """
    word, _, name = option.partition(":")
    if word in _BY_COLUMN:
        if name not in table.names:
            raise ValueError(f"--split {option}: no such column; there are {table.listed()}")
        return SplitAdvice(strategy=_BY_COLUMN[word], column=name, why="by --split")
    return by_fraction(option, allowed="column:NAME, time:NAME, group:NAME")


def by_fraction(option: str, *, allowed: str = "") -> SplitAdvice:
    """Return the random split of which the user gives the part to test on; ``allowed`` is what else could be given.

    Raises:
        ValueError: it is no fraction; one line.
    """
    try:
        fraction = float(option)
    except ValueError:
        fraction = 0.0
    if not 0 < fraction < 1:
        others = f"are {allowed} and" if allowed else "is"
        raise ValueError(f"--split {option}: allowed {others} a fraction between 0 and 1")
    return SplitAdvice(strategy="random", why=f"by --split: {fraction:g} of the rows to test on")


def split_column(study: Study) -> Studied | None:
    """Return the column that names each row's part, if there is one."""
    for each in study.of("category"):
        if (
            each.name.strip().lower() in SPLIT_NAMES
            and {v.lower() for v in each.column.classes} <= SPLIT_VALUES
        ):
            return each
    return None


def group_column(study: Study) -> Studied | None:
    """Return the column of what several rows belong to, if there is one.

    That is a group by its name, or a category with many values of which each has one row at each of several times.
    """
    groups = study.of("group")
    return groups[0] if groups else _panel(study)


def _panel(study: Study) -> Studied | None:
    for each in study.of("category"):
        members = each.cells.filled / each.cells.distinct
        if members >= _FEWEST_MEMBERS and _has_times(study, each):
            return each
    return None


def _has_times(study: Study, group: Studied) -> bool:
    """Return whether each row of a group has another time, in a column that is named as one.

    A group of few values has all times, so that a class that is rare at some time is no group.
    """
    for each in study.of("number", "date"):
        if each.name.lower() not in _TIME_NAMES:
            continue
        pairs = pd.DataFrame({"group": group.cells.codes, "time": each.cells.codes})
        has_all = len(pairs) == group.cells.distinct * each.cells.distinct
        if (has_all or group.cells.distinct >= _MANY_GROUPS) and not pairs.duplicated().any():
            return True
    return False


def is_panel(study: Study) -> bool:
    """Return whether the rows are several series: each group has one row at each of several times."""
    group = group_column(study)
    return group is not None and _has_times(study, group)


def time_column(study: Study) -> Studied | None:
    """Return the column of dates or years, if the rows are sorted by one and most of them have a time of their own.

    Of several it is the earliest, which is known when the others are not.
    """
    dates = study.of("date") or [each for each in study.of("number") if each.column.note == YEARS]
    if not any(_sorts(each) for each in dates):
        return None
    return min(dates, key=lambda each: np.median(_times(each)))


def _times(column: Studied) -> NDArray[np.float64]:
    """Return the days since 1970, or years, of the rows that have one."""
    if column.kind == "number":
        years = column.row_numbers()
        return years[np.isfinite(years)]
    days = column.row_days()
    return days[~np.isnat(days)].astype(np.float64)


def _sorts(column: Studied) -> bool:
    times = _times(column)
    if len(times) < FEWEST_ROWS or len(np.unique(times)) < 0.5 * len(times):
        return False
    steps = np.diff(times)
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) > 0.99)


def is_series(study: Study) -> bool:
    """Return whether the rows are numbers measured side by side, one row at each time."""
    time = time_column(study)
    if time is None or len(study.of("number")) < 2:
        return False
    return time.cells.distinct > 0.99 * len(time.cells.codes)


def advise(table: Table, study: Study, *, of_classes: bool, num_duplicates: int) -> SplitAdvice:
    """Return the split that fits the rows: upstream's, by group, by time, else at random."""
    if table.options.split:
        return parse(table.options.split, table)
    if table.files:
        return SplitAdvice(strategy="column", column=FILE, why="the names of the files say their parts")
    if named := split_column(study):
        return SplitAdvice(strategy="column", column=named.name, why="the column names each row's part")
    if len(table) < FEWEST_ROWS and not table.options.folds:
        return SplitAdvice(
            strategy="none",
            why=f"{len(table)} rows: too few to set some aside; only leave-one-out makes sense",
        )
    if group := group_column(study):
        why = f"{group.column.distinct:,} values in {len(table):,} rows: rows of one value are alike"
        return SplitAdvice(strategy="group", column=group.name, why=why)
    if time := time_column(study):
        return SplitAdvice(
            strategy="time", column=time.name, why="the rows are in order of time: test on the last"
        )
    together = num_duplicates > 0
    why = "rows are independent" + (", equal rows are kept together" if together else "")
    return SplitAdvice(
        strategy="stratified" if of_classes else "random", why=why, keep_equal_together=together
    )
