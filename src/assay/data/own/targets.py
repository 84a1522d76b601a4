# SPDX-License-Identifier: Apache-2.0
"""Which column of a table could be the target, and how much speaks for each."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from assay.data.own.columns import YEARS, Studied, Study
from assay.data.own.table import Table

TARGET_NAME = re.compile(
    r"(?i)(.*[ _.-])?(target|labels?|class|classes|y|outcome|response|survived|species|quality|diagnosis|sentiment|"
    r"intent|binary|success|successful|default|churn|status|stage)"
)
CLASS_METRICS = frozenset(
    {
        "accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "auroc", "calibration_error",
        "cross_entropy",
    }
)  # fmt: skip
NUMBER_METRICS = frozenset({"rmse", "mae", "r2"})
TEXT_METRICS = frozenset({"bleu", "chrf", "rouge_l", "rouge_1", "rouge_2", "exact_match"})
"""Those of a target that is to be written as a text, whatever it holds."""
_YES_AND_NO = (
    {"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"0", "1"}, {"是", "否"}, {"ja", "nein"}, {"oui", "non"},
)  # fmt: skip
ENOUGH = 1.5
"""Points that the best candidate needs to be taken without a question."""
LEAD = 1.0
"""Points that it must be ahead of the next."""
_NAMED = 3.0
_FEWEST_NUMBERS = 5
_ENOUGH_A_CLASS = 8
"""Rows a class, on average, of a category that is the target because there is no other."""


@dataclass(frozen=True)
class Candidate:
    column: Studied
    points: float

    @property
    def of_classes(self) -> bool:
        return self.column.kind == "category"


def rank(
    table: Table, study: Study, *, left_out: Collection[str | None], group: Studied | None, is_series: bool
) -> list[Candidate]:
    """Return the possible targets of a table, the likeliest first.

    What speaks for a column: a name such as label (3 points); to be the last (2 for a number, 1 for a category and 1.5
    for yes and no); to be the first, as a category (0.5); to be the only category whose classes have enough rows (1.5,
    or 2 in the first column, or 1 where columns have no order or classes are digits in the middle), and then a number
    in the last column counts half.

    Args:
        left_out: names of columns that are no candidates.
        group: the column of what several rows belong to.
        is_series: whether the rows are a series in time, whose numbers are measured side by side.
    """
    able = [
        each
        for each in study.columns
        if each.name not in left_out and _able(each) and not _names(group, each)
    ]
    categories = [each for each in able if each.kind == "category" and not _describes(group, each)]
    only = categories[0] if len(categories) == 1 and _rows_a_class(categories[0]) >= _ENOUGH_A_CLASS else None
    last = next((each.name for each in reversed(study.columns) if each.kind != "blank"), None)
    found = []
    for each in able:
        points = _NAMED * is_named(each)
        if each is only:
            at_an_end = each.name == last or each is study.columns[0]
            points += 1.5 if table.ordered and (at_an_end or each.numbers is None) else 1
        if table.ordered and each.name == last:
            points += _of_last(each, is_series=is_series) / (2 if only and each.kind == "number" else 1)
        if table.ordered and each is study.columns[0] and each.kind == "category":
            points += 1.0 if each is only else 0.5
        found.append(Candidate(each, points))
    return sorted(found, key=lambda candidate: -candidate.points)


def is_named(column: Studied) -> bool:
    """Return whether a column has the name of a target."""
    return TARGET_NAME.fullmatch(column.name) is not None


def _of_last(column: Studied, *, is_series: bool) -> float:
    if column.kind == "number":
        return 0.0 if is_series else 2.0
    yes_or_no = {value.lower() for value in column.column.classes} in _YES_AND_NO
    return 1.5 if yes_or_no else 1.0


def _rows_a_class(column: Studied) -> float:
    return column.cells.filled / column.cells.distinct


def _describes(group: Studied | None, column: Studied) -> bool:
    """Return whether all rows of one group have the same value."""
    if group is None:
        return False
    pairs = pd.DataFrame({"group": group.cells.codes, "value": column.cells.codes}).drop_duplicates()
    return len(pairs) == len(group.cells.values)


def _names(group: Studied | None, column: Studied) -> bool:
    """Return whether a category is another name of the group."""
    is_name = (
        column.kind == "category" and group is not None and column.cells.distinct > group.cells.distinct / 2
    )
    return is_name and _describes(group, column)


def _able(column: Studied) -> bool:
    if column.kind == "category":
        return 2 <= column.column.distinct <= column.cells.filled / 2
    is_number = column.kind == "number" and column.column.note != YEARS
    return is_number and column.column.distinct >= _FEWEST_NUMBERS


def is_clear(candidates: list[Candidate]) -> bool:
    """Return whether the first candidate can be taken without a question."""
    if len(candidates) == 1:
        return True
    if not candidates or candidates[0].points < ENOUGH:
        return False
    first, second = candidates[:2]
    return first.points - second.points >= LEAD and second.points < _NAMED
