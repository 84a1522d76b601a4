# SPDX-License-Identifier: Apache-2.0
"""Faults of a whole table, of its target and of its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from assay.data.own import leaks, split_advice
from assay.data.own.columns import Studied, Study
from assay.data.own.found import Fault, Reading
from assay.data.own.table import Table

_FEW_ROWS = 200
_MANY_CLASSES = 1000
_MAJORITY = 0.85
_ENTITY = re.compile(r"&(#\d{1,5}|[a-z]{2,8});")


def of_table(table: Table, study: Study, repeated: Mapping[str, str], best: Reading | None) -> list[Fault]:
    """Return what is wrong with a table as a whole.

    Args:
        repeated: the columns that say the same as another, with the reason.
    """
    found = []
    if len(table) <= _FEW_ROWS:
        found.append(
            Fault(kind="few rows", message=f"{len(table)} rows: a score would be uncertain", count=len(table))
        )
    if len(table.names) > len(table):
        message = f"{len(table.names)} columns and {len(table)} rows"
        found.append(Fault(kind="more columns than rows", message=message, count=len(table.names)))
    found += [
        Fault(kind="repeated column", message=reason, column=name)
        for name, reason in repeated.items()
        if not best or name not in best.leaks
    ]
    found += [Fault(kind="sum", message=reason, column=name) for name, reason in leaks.sums(study).items()]
    if split_advice.is_series(study) or split_advice.is_panel(study):
        message = "rows are series in time; forecasting is not supported yet: each row is read by itself"
        found.append(Fault(kind="time series", message=message))
    return found


def of_target(table: Table, target: Studied, best: Reading) -> list[Fault]:
    """Return what is wrong with the values of the target."""
    found = []
    missing = np.flatnonzero(target.cells.missing_rows)
    if len(missing):
        message = f"rows have no {target.name} and are left out"
        found.append(table.fault(target.name, "target missing", message, missing))
    if not best.signature.endswith("class"):
        return found
    counts = np.where(target.cells.is_missing, 0, target.cells.counts)
    for size, words in ((1, "one row"), (2, "two rows")):
        rows = target.cells.rows_of(counts == size)
        if len(rows):
            message = f"classes of {words} cannot be in every part of a split"
            found.append(table.fault(target.name, f"class of {words}", message, rows))
    if target.cells.distinct > _MANY_CLASSES:
        message = f"{target.cells.distinct:,} classes in {len(table):,} rows"
        found.append(
            Fault(kind="many classes", message=message, column=target.name, count=target.cells.distinct)
        )
    least = table.options.min_per_class
    rare = target.cells.rows_of((counts > 0) & (counts < least))
    if len(rare):
        names = [target.cells.values[place] for place in np.flatnonzero((counts > 0) & (counts < least))]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
        message = f"classes with fewer than {least} rows are left out, or kept with --min-per-class: {shown}"
        found.append(table.fault(target.name, "rare classes", message, rare))
    share = counts.max() / counts.sum()
    if share >= _MAJORITY:
        name = target.cells.values[int(counts.argmax())]
        message = f"always answering {name} would be right in {share:.1%} of the rows"
        found.append(Fault(kind="imbalance", message=message, column=target.name, count=int(counts.max())))
    return found


def of_texts(table: Table, study: Study, best: Reading) -> list[Fault]:
    """Return what is wrong with the texts of a column."""
    found = []
    for each in study.of("text"):
        entities = np.array([_ENTITY.search(text) is not None for text in each.cells.values])
        rows = each.cells.rows_of(entities)
        if len(rows):
            message = "HTML entities, such as &amp;, are part of the text"
            found.append(table.fault(each.name, "HTML entities", message, rows))
        if best.inputs == (each.name,):
            found += _equal_texts(table, each, study.get(best.target))
    return found


def _equal_texts(table: Table, text: Studied, target: Studied) -> list[Fault]:
    """Return the rows whose texts are equal only once the blanks around them are stripped, and those of two classes."""
    rows = pd.DataFrame(
        {"raw": text.cells.raw_codes, "text": text.cells.codes, "target": target.cells.codes}
    )[~text.cells.missing_rows]
    stripped = rows.groupby("text")["raw"].nunique()
    once_stripped = rows.index[rows["text"].isin(stripped.index[stripped > 1])].to_numpy()
    answers = rows.groupby("text")["target"].nunique()
    contradicting = rows.index[rows["text"].isin(answers.index[answers > 1])].to_numpy()
    found = []
    for kind, message, places in (
        ("equal texts", "texts are equal once the blanks around them are stripped", once_stripped),
        ("equal texts of two classes", "equal texts are of different classes", contradicting),
    ):
        if len(places):
            found.append(table.fault(text.name, kind, message, places))
    return found
