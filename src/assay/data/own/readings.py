# SPDX-License-Identifier: Apache-2.0
"""From the rows of a table to what they can be used for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from assay.data.own import columns, leaks, split_advice, targets
from assay.data.own.columns import Studied, Study
from assay.data.own.found import Ambiguity, Column, Duplicates, Fault, Found, Reading
from assay.data.own.table import Table
from assay.data.own.targets import Candidate

SOURCE_NAME = re.compile(r"(?i)(source|src|input|question|prompt|article|document|text|en|instruction)")
TRANSLATED_NAME = re.compile(
    r"(?i)(target|tgt|output|answer|completion|summary|response|highlights|de|fr|translation)"
)
_MOST_BESIDE_TEXT = 3
"""Columns of a table beside a text and its class; with more of them the rows are read as a table."""
_MOST_READINGS = 6
_SAMPLE = 1000
_FEW_ROWS = 200
_MANY_CLASSES = 1000
_MAJORITY = 0.85
_ENTITY = re.compile(r"&(#\d{1,5}|[a-z]{2,8});")


def find(path: Path, table: Table) -> Found:
    """Return what the rows of a table are and what they can be used for.

    Raises:
        ValueError: an option names a column that is not there, or one that cannot be what it says; one line.
    """
    _check_names(table)
    study = columns.study(table)
    duplicates = _duplicates(table)
    repeated = leaks.doubles(study)
    left_out = _left_out(table, study, repeated)
    faults = [*table.faults, *study.faults, *_of_table(table, study)]
    questions = [*table.questions, *study.questions]
    texts = _texts(table, study, left_out)
    candidates = _candidates(table, study, left_out, repeated)
    readings = _readings(table, study, candidates, texts, left_out)
    asked = _questions(table, candidates, texts, readings)
    if not readings:
        faults.append(Fault(kind="no target", message="no column can be predicted from the others"))
    best = readings[0] if readings and not any(each.about == "target" for each in asked) else None
    found_columns = tuple(_named(each.column, best) for each in study.columns)
    of_classes = readings[0].signature.endswith("class") if readings else False
    faults += [
        Fault(kind="repeated column", message=reason, column=name)
        for name, reason in repeated.items()
        if not best or name not in best.leaks
    ]
    if best:
        faults += _of_target(table, study.get(best.target), best)
        faults += _of_texts(table, study, best)
    return Found(
        path=path,
        form=replace(table.form, decimal=study.decimal),
        rows=len(table),
        columns=found_columns,
        duplicates=duplicates,
        faults=tuple(faults),
        readings=tuple(readings),
        questions=tuple(questions + asked),
        split=split_advice.advise(table, study, of_classes=of_classes, num_duplicates=duplicates.count),
    )


def _check_names(table: Table) -> None:
    options = table.options
    named = {"--target": options.target, "--text": options.text}
    for option, name in [*named.items(), *(("--ignore", each) for each in options.ignore)]:
        if name is not None and name not in table.names:
            raise ValueError(f"{option} {name}: no such column; there are {', '.join(table.names)}")


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
    return found | dict.fromkeys(table.options.ignore, "by --ignore")


def _texts(table: Table, study: Study, left_out: Mapping[str, str]) -> list[Studied]:
    if table.options.text:
        return [study.get(table.options.text)]
    found = [each for each in study.of("text") if each.name not in left_out and "id" not in each.column.note]
    return found[::-1] if len(found) == 2 and _contains(*found) else found


def _contains(one: Studied, other: Studied) -> bool:
    """Return whether the first text holds the second in every row."""
    rows = zip(one.cells.codes[:_SAMPLE], other.cells.codes[:_SAMPLE], strict=True)
    return all(other.cells.values[b] in one.cells.values[a] for a, b in rows)


def _candidates(
    table: Table, study: Study, left_out: Mapping[str, str], repeated: Collection[str]
) -> list[Candidate]:
    if table.options.target:
        return [Candidate(study.get(table.options.target), targets.ENOUGH)]
    group = split_advice.group_column(study)
    excluded = {*left_out, *leaks.sums(study), group.name if group else None, table.options.text}
    if not any(each.name not in excluded for each in study.columns if targets.is_named(each)):
        # of two columns that say the same, the one that is named as a target is the target
        excluded -= {
            each.name for each in study.of("category") if each.name in repeated and targets.is_named(each)
        }
    return targets.rank(table, study, left_out=excluded, group=group, is_series=split_advice.is_series(study))


def _readings(
    table: Table,
    study: Study,
    candidates: list[Candidate],
    texts: list[Studied],
    left_out: Mapping[str, str],
) -> list[Reading]:
    """Return what the table can be used for, the best first."""
    beside = [
        each for each in study.of("number", "category", "date") if each.name not in left_out
    ]  # the target among them
    as_text = bool(texts) and (bool(table.options.text) or len(beside) <= _MOST_BESIDE_TEXT + 1)
    found = []
    for candidate in candidates[:_MOST_READINGS]:
        if as_text and candidate.column.name not in {each.name for each in texts}:
            found += _of_text(table, study, candidate, texts)
        if not as_text or not found:
            found += _of_columns(table, study, candidate, left_out)
    pairs = _pairs(table, texts) if as_text or not found else []
    return found + pairs if any(each.signature == "text -> class" for each in found) else pairs + found


def _of_text(table: Table, study: Study, candidate: Candidate, texts: list[Studied]) -> list[Reading]:
    if not candidate.of_classes and not _as_classes(table, candidate):
        return []
    target = candidate.column
    leaking = leaks.of_class(study, target)
    found = []
    for text in texts:
        rest = {
            each.name: "is not the text"
            for each in study.columns
            if each.name not in (text.name, target.name, *leaking)
        }
        found.append(
            Reading(
                signature="text -> class", target=target.name, inputs=(text.name,), metric=_metric(table, candidate),
                leaks=leaking, left_out=rest,
            )
        )  # fmt: skip
    return found


def _of_columns(
    table: Table, study: Study, candidate: Candidate, left_out: Mapping[str, str]
) -> list[Reading]:
    target = candidate.column
    of_classes = candidate.of_classes or _as_classes(table, candidate)
    if target.kind not in ("category", "number"):
        raise ValueError(
            f"--target {target.name}: is {_a(target.kind)}; a column of numbers or classes is expected, such as "
            + ", ".join(each.name for each in study.of("category", "number")[:3])
        )
    leaking, close = (leaks.of_class(study, target), {}) if of_classes else leaks.of_number(study, target)
    out = {name: reason for name, reason in left_out.items() if name not in (target.name, *leaking)}
    out |= {each.name: each.column.note for each in study.of("text") if "id" in each.column.note}
    inputs = tuple(each.name for each in study.columns if each.name not in (target.name, *leaking, *out))
    if not inputs:
        return []
    return [
        Reading(
            signature="table -> class" if of_classes else "table -> number",
            target=target.name,
            inputs=inputs,
            metric=_metric(table, candidate),
            leaks=leaking,
            close=close,
            left_out=out,
        )
    ]


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _as_classes(table: Table, candidate: Candidate) -> bool:
    return table.options.metric in targets.CLASS_METRICS and targets.may_be_classes(candidate.column)


def _metric(table: Table, candidate: Candidate) -> str:
    if table.options.metric:
        return table.options.metric
    return "accuracy" if candidate.of_classes else "rmse"


def _pairs(table: Table, texts: list[Studied]) -> list[Reading]:
    """Return the reading of two columns of texts as source and target."""
    if len(texts) != 2:
        return []
    one, other = sorted(texts, key=lambda each: bool(TRANSLATED_NAME.fullmatch(each.name)))
    if table.options.target:
        one, other = sorted(texts, key=lambda each: each.name == table.options.target)
    metric = table.options.metric or "bleu"
    return [Reading(signature="text -> text", target=other.name, inputs=(one.name,), metric=metric)]


def _questions(
    table: Table, candidates: list[Candidate], texts: list[Studied], readings: list[Reading]
) -> list[Ambiguity]:
    if not readings:
        return []
    found = []
    best = readings[0]
    names = tuple(dict.fromkeys(each.target for each in readings))
    if best.signature.startswith("table") or len(candidates) > 1:
        clear = targets.is_clear(candidates) or (best.signature.startswith("text") and len(names) == 1)
        if not clear:
            question = "which column is to be predicted?"
            found.append(
                Ambiguity(about="target", question=question, candidates=names, option="--target NAME")
            )
    if best.signature == "text -> class" and len(texts) > 1:
        shown = tuple(sorted((each.name for each in texts), key=lambda name: not SOURCE_NAME.fullmatch(name)))
        question = "which column holds the text to predict from?"
        found.append(Ambiguity(about="text", question=question, candidates=shown, option="--text NAME"))
    if best.signature == "text -> text" and not table.options.target and not _says_direction(texts):
        question = "which of the two texts is to be produced from the other?"
        shown = tuple(each.name for each in texts)
        found.append(Ambiguity(about="target", question=question, candidates=shown, option="--target NAME"))
    return found + _kind_question(table, candidates, best)


def _says_direction(texts: list[Studied]) -> bool:
    names = [each.name for each in texts]
    return any(map(SOURCE_NAME.fullmatch, names)) and any(map(TRANSLATED_NAME.fullmatch, names))


def _kind_question(table: Table, candidates: list[Candidate], best: Reading) -> list[Ambiguity]:
    if best.signature != "table -> number" or table.options.metric:
        return []
    target = candidates[0].column
    if not targets.may_be_classes(target):
        return []
    question = f"{target.name} holds {target.column.distinct} whole numbers: are they numbers or classes?"
    return [
        Ambiguity(
            about="kind of target",
            question=question,
            candidates=("number", "class"),
            option="--metric rmse or --metric accuracy",
        )
    ]


def _named(column: Column, best: Reading | None) -> Column:
    return (
        replace(column, kind="leak", note=best.leaks[column.name])
        if best and column.name in best.leaks
        else column
    )


def _of_table(table: Table, study: Study) -> list[Fault]:
    found = []
    if len(table) <= _FEW_ROWS:
        found.append(
            Fault(kind="few rows", message=f"{len(table)} rows: a score would be uncertain", count=len(table))
        )
    if len(table.names) > len(table):
        message = f"{len(table.names)} columns and {len(table)} rows"
        found.append(Fault(kind="more columns than rows", message=message, count=len(table.names)))
    found += [Fault(kind="sum", message=reason, column=name) for name, reason in leaks.sums(study).items()]
    if split_advice.is_series(study):
        message = "rows are a series in time; forecasting is not supported yet: each row is read by itself"
        found.append(Fault(kind="time series", message=message))
    return found


def _of_target(table: Table, target: Studied, best: Reading) -> list[Fault]:
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
    share = counts.max() / counts.sum()
    if share >= _MAJORITY:
        name = target.cells.values[int(counts.argmax())]
        message = f"always answering {name} would be right in {share:.1%} of the rows"
        found.append(Fault(kind="imbalance", message=message, column=target.name, count=int(counts.max())))
    return found


def _of_texts(table: Table, study: Study, best: Reading) -> list[Fault]:
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
