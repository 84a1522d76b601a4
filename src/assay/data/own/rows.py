# SPDX-License-Identifier: Apache-2.0
"""From the rows of a table to what they are and what they can be used for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from assay.data.own import (
    column_faults,
    columns,
    leaks,
    questions,
    readings,
    split_advice,
    table_faults,
    table_folders,
    targets,
)
from assay.data.own.columns import Study
from assay.data.own.found import Column, Duplicates, Fault, Found, Reading, SplitAdvice
from assay.data.own.table import Table
from assay.data.own.targets import Candidate

NO_TARGET = Fault(kind="no target", message="no column can be predicted from the others")


def find(path: Path, table: Table) -> Found:
    """Return what the rows of a table are and what they can be used for.

    Raises:
        ValueError: an option names a column that is not there, or one that cannot be what it says; one line.
    """
    with np.errstate(all="ignore"):  # numbers of any size are data: what overflows equals nothing
        return _find(path, table)


def _find(path: Path, table: Table) -> Found:
    _check_names(table)
    study = columns.study(table)
    duplicates = _duplicates(table)
    repeated = leaks.doubles(study)
    left_out = _left_out(table, study, repeated)
    texts = readings.texts_of(table, study, left_out)
    candidates = _candidates(table, study, left_out, repeated)
    possible = readings.readings_of(table, study, candidates, texts, left_out)
    asked = questions.ask(table, candidates, texts, possible)
    best = possible[0] if possible and not any(each.about == "target" for each in asked) else None
    of_classes = bool(possible) and possible[0].signature.endswith("class")
    return Found(
        path=path,
        form=replace(table.form, decimal=study.decimal),
        rows=len(table),
        columns=tuple(_named(each.column, best) for each in study.columns),
        duplicates=duplicates,
        faults=(
            *table.faults,
            *(fault for each in study.columns for fault in column_faults.faults_of(table, each)),
            *table_faults.of_table(table, study, repeated, best),
            *(table_faults.of_target(table, study.get(best.target), best) if best else ()),
            *(table_faults.of_texts(table, study, best) if best else ()),
            *(() if possible else (NO_TARGET,)),
        ),
        readings=tuple(possible),
        questions=(
            *table.questions,
            *[each for column in study.columns for each in column_faults.questions_of(table, column)][:1],
            *asked,
        ),
        split=_split(
            split_advice.advise(table, study, of_classes=of_classes, num_duplicates=duplicates.count), best
        ),
        files=table.files,
        known=(table, study),
    )


def _split(advice: SplitAdvice, best: Reading | None) -> SplitAdvice:
    """Return the advice; a column of dates that is one of two texts does not order them."""
    if best and best.signature == "text -> text" and advice.column in (best.target, *best.inputs):
        return SplitAdvice(strategy="random", why="pairs are independent")
    return advice


def _check_names(table: Table) -> None:
    options = table.options
    named = [("--target", options.target), *(("--text", each) for each in options.text)]
    for option, name in [*named, *(("--ignore", each) for each in options.ignore)]:
        if name is not None and name not in table.names:
            raise ValueError(f"{option} {name}: no such column; there are {table.listed()}")
    for option, name in named:
        if name in options.ignore:
            raise ValueError(f"{option} {name}: is also named by --ignore; remove one of the two")
    if options.target in options.text:
        raise ValueError(f"--text {options.target}: is also the target; remove one of the two")
    if len(set(options.text)) < len(options.text):
        raise ValueError("--text: names a column twice; name each once")


def _duplicates(table: Table) -> Duplicates:
    repeated = pd.DataFrame({place: cells.raw_codes for place, cells in enumerate(table.cells)}).duplicated()
    rows = np.flatnonzero(repeated.to_numpy())
    return Duplicates(count=len(rows), lines=table.at(rows))


def _left_out(table: Table, study: Study, repeated: Mapping[str, str]) -> dict[str, str]:
    """Return the columns that no model should read, with the reason."""
    found: dict[str, str] = {}
    for each in study.columns:
        column = each.column
        if column.kind in ("blank", "constant", "nested"):
            found[each.name] = {"blank": "has no value", "constant": "has one value", "nested": column.note}[
                column.kind
            ]
        elif column.kind in ("id", "group"):
            found[each.name] = f"{column.kind}: {column.note}"
        elif column.kind == "category" and column.note.endswith("nearly an id"):
            found[each.name] = column.note
        elif column.kind == "text" and column.missing > len(table) / 2:
            found[each.name] = f"{column.missing:,} of {len(table):,} rows have no text"
    found |= {name: reason for name, reason in repeated.items() if name != table.options.target}
    if named := split_advice.split_column(study):
        found[named.name] = "names each row's part"
    if table.files:
        found[table_folders.FILE] = "names each row's file"
    return found | dict.fromkeys(table.options.ignore, "by --ignore")


def _candidates(
    table: Table, study: Study, left_out: Mapping[str, str], repeated: Collection[str]
) -> list[Candidate]:
    if table.options.target:
        return [Candidate(study.get(table.options.target), targets.ENOUGH)]
    group = split_advice.group_column(study)
    excluded = {*left_out, *leaks.sums(study), group.name if group else None, *table.options.text}
    if not any(each.name not in excluded for each in study.columns if targets.is_named(each)):
        # of two columns that say the same, the one that is named as a target is the target
        excluded -= {
            each.name for each in study.of("category") if each.name in repeated and targets.is_named(each)
        }
    return targets.rank(table, study, left_out=excluded, group=group, is_series=split_advice.is_series(study))


def _named(column: Column, best: Reading | None) -> Column:
    return (
        replace(column, kind="leak", note=best.leaks[column.name])
        if best and column.name in best.leaks
        else column
    )
