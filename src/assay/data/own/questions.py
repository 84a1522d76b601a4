# SPDX-License-Identifier: Apache-2.0
"""What only the user can know of a table, asked with the candidates."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from assay.data.own import targets
from assay.data.own.columns import Studied
from assay.data.own.found import Ambiguity, Reading
from assay.data.own.table import Table
from assay.data.own.targets import Candidate

SOURCE_NAME = re.compile(r"(?i)(source|src|input|question|prompt|article|document|text|en|instruction)")
TRANSLATED_NAME = re.compile(
    r"(?i)(target|tgt|output|answer|completion|summary|response|highlights|de|fr|translation)"
)


def ask(
    table: Table, candidates: list[Candidate], texts: list[Studied], readings: list[Reading]
) -> list[Ambiguity]:
    """Return the questions on what is to be predicted, and from what."""
    if not readings:
        return []
    best = readings[0]
    if best.signature == "text -> text":
        sources = tuple(each.inputs[0] for each in readings if each.signature == best.signature)
        if len(sources) > 1:
            return [_source_question(sources)]
        if table.options.target or _says_direction(texts):
            return []
        question = "which of the two texts is to be produced from the other?"
        return [_target_question(question, [each.name for each in texts])]
    found = []
    input_kind = best.signature.split()[0]
    alike = [
        each
        for each in readings
        if each.signature.split()[0] == input_kind and each.signature != "text -> text"
    ]
    names = [each.target for each in alike]
    if not targets.is_clear(candidates) and (input_kind == "table" or len(set(names)) > 1):
        found.append(_target_question("which column is to be predicted?", names))
    if input_kind == "text" and len(texts) > 1 and not table.options.text:
        found.append(_source_question((each.name for each in texts), can_be_joined=True))
    return found + _kind_question(table, candidates, best)


def _target_question(question: str, names: Iterable[str]) -> Ambiguity:
    candidates = tuple(dict.fromkeys(names))
    return Ambiguity(about="target", question=question, candidates=candidates, option="--target NAME")


def _source_question(names: Iterable[str], *, can_be_joined: bool = False) -> Ambiguity:
    question = "which column holds the text to predict from?"
    shown = tuple(sorted(names, key=lambda name: not SOURCE_NAME.fullmatch(name)))
    option = "--text NAME"
    if can_be_joined:
        option += f"; or, to join several, {' '.join(f'--text {shlex.quote(name)}' for name in shown[:2])}"
    return Ambiguity(about="text", question=question, candidates=shown, option=option)


def _says_direction(texts: list[Studied]) -> bool:
    names = [each.name for each in texts]
    return any(map(SOURCE_NAME.fullmatch, names)) and any(map(TRANSLATED_NAME.fullmatch, names))


def _kind_question(table: Table, candidates: list[Candidate], best: Reading) -> list[Ambiguity]:
    if best.signature != "table -> number" or table.options.metric:
        return []
    target = next(each.column for each in candidates if each.column.name == best.target)
    if not target.may_be_classes():
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
