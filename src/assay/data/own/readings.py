# SPDX-License-Identifier: Apache-2.0
"""From the rows of a table to what they can be used for."""

from __future__ import annotations

from collections.abc import Mapping

from assay.data.own import leaks, questions, targets
from assay.data.own.columns import Studied, Study
from assay.data.own.found import Reading
from assay.data.own.table import Table
from assay.data.own.targets import Candidate

_MOST_BESIDE_TEXT = 3
"""Columns of a table beside a text and its class; with more of them the rows are read as a table."""
_MOST_READINGS = 6
_SAMPLE = 1000


def texts_of(table: Table, study: Study, left_out: Mapping[str, str]) -> list[Studied]:
    """Return the columns of texts to predict from; of two texts of which one holds the other, the shorter first."""
    if table.options.text:
        return [study.get(name) for name in table.options.text]
    found = [each for each in study.of("text") if each.name not in left_out and "id" not in each.column.note]
    return found[::-1] if len(found) == 2 and _contains(*found) else found


def _contains(one: Studied, other: Studied) -> bool:
    """Return whether the first text holds the second in every row."""
    rows = zip(one.cells.codes[:_SAMPLE], other.cells.codes[:_SAMPLE], strict=True)
    return all(other.cells.values[b] in one.cells.values[a] for a, b in rows)


def readings_of(
    table: Table,
    study: Study,
    candidates: list[Candidate],
    texts: list[Studied],
    left_out: Mapping[str, str],
) -> list[Reading]:
    """Return what the table can be used for, the best first.

    Raises:
        ValueError: the options name a target that cannot be predicted, or a metric that does not fit it; one line.
    """
    beside = [
        each for each in study.of("number", "category", "date") if each.name not in left_out
    ]  # the target among them
    if table.options.metric in targets.TEXT_METRICS:
        return _pairs(table, study, texts, left_out)
    as_text = bool(texts) and (bool(table.options.text) or len(beside) <= _MOST_BESIDE_TEXT + 1)
    found = []
    for candidate in candidates[:_MOST_READINGS]:
        is_text = candidate.column.kind == "text" and table.options.text
        if is_text or candidate.column.name in {each.name for each in texts}:
            continue  # a text that is named as the target is read with its source, below
        if as_text:
            found += _of_text(table, study, candidate, texts)
        if not as_text or not found:
            found += _of_columns(table, study, candidate, left_out)
    pairs = _pairs(table, study, texts, left_out) if as_text or not found else []
    found = found + pairs if any(each.signature == "text -> class" for each in found) else pairs + found
    if table.options.target and not found:
        raise ValueError(f"--target {table.options.target}: there is no other column to predict it from")
    return found


def _of_text(table: Table, study: Study, candidate: Candidate, texts: list[Studied]) -> list[Reading]:
    if True not in _ways(table, candidate):
        return []
    target = candidate.column
    leaking = leaks.of_class(study, target)
    found = []
    joined: list[tuple[str, ...]] = (
        [tuple(each.name for each in texts)] if table.options.text else [(each.name,) for each in texts]
    )
    for inputs in joined:
        rest = {
            each.name: "is not the text" if len(inputs) == 1 else "is none of the texts"
            for each in study.columns
            if each.name not in (*inputs, target.name, *leaking)
        }
        found.append(
            Reading(
                signature="text -> class", target=target.name, inputs=inputs,
                metric=table.options.metric or "accuracy", leaks=leaking, left_out=rest,
            )
        )  # fmt: skip
    return found


def _of_columns(
    table: Table, study: Study, candidate: Candidate, left_out: Mapping[str, str]
) -> list[Reading]:
    target = candidate.column
    if target.kind not in ("category", "number"):
        raise ValueError(
            f"--target {target.name}: is {_a(target.kind)}; a column of numbers or classes is expected, such as "
            + (", ".join(each.name for each in study.of("category", "number")[:3]) or "one that is added")
            + "; or, to have it written as a text: --metric exact_match or --metric bleu"
        )
    ways = _ways(table, candidate)
    if not ways and table.options.target:
        raise ValueError(
            f"--metric {table.options.metric}: does not fit {target.name}, which is {_a(target.kind)}"
        )
    found = []
    for of_classes in ways:
        leaking, close = (leaks.of_class(study, target), {}) if of_classes else leaks.of_number(study, target)
        out = {name: reason for name, reason in left_out.items() if name not in (target.name, *leaking)}
        out |= {each.name: each.column.note for each in study.of("text") if "id" in each.column.note}
        inputs = tuple(each.name for each in study.columns if each.name not in (target.name, *leaking, *out))
        found.append(
            Reading(
                signature="table -> class" if of_classes else "table -> number",
                target=target.name,
                inputs=inputs,
                metric=table.options.metric or _metric(target, of_classes=of_classes),
                leaks=leaking,
                close=close,
                left_out=out,
            )
        )
    return [each for each in found if each.inputs]


def _metric(target: Studied, *, of_classes: bool) -> str:
    if not of_classes:
        return "rmse"
    return "auroc" if target.cells.distinct == 2 else "accuracy"


def _ways(table: Table, candidate: Candidate) -> list[bool]:
    """Return the ways to read a target, the best first: True as classes, False as a number."""
    metric, column = table.options.metric, candidate.column
    if metric in targets.CLASS_METRICS:
        return [True] if candidate.of_classes or column.may_be_classes() else []
    if metric in targets.NUMBER_METRICS:
        return [False] if column.numbers is not None else []
    if candidate.of_classes:
        return [True]
    return [False, True] if column.may_be_classes() else [False]


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _pairs(table: Table, study: Study, texts: list[Studied], left_out: Mapping[str, str]) -> list[Reading]:
    """Return the readings of two columns as source and target."""
    options = table.options
    if len(options.text) > 1:
        if options.metric in targets.TEXT_METRICS:
            raise ValueError(f"--text {options.text[1]}: pairs of texts have one source; name one column")
        return []
    target = study.get(options.target) if options.target else None
    if target is not None and (target.kind == "text" or options.metric in targets.TEXT_METRICS):
        others = [each for each in study.columns if each.name not in left_out]
        sources = texts if options.text else [each for each in texts if each is not target] or others
        return [_pair(table, each, target) for each in sources if each is not target]
    if len(texts) != 2:
        return []
    one, other = sorted(texts, key=lambda each: bool(questions.TRANSLATED_NAME.fullmatch(each.name)))
    return [_pair(table, one, other)]


def _pair(table: Table, source: Studied, target: Studied) -> Reading:
    metric = table.options.metric or "bleu"
    return Reading(signature="text -> text", target=target.name, inputs=(source.name,), metric=metric)
