# SPDX-License-Identifier: Apache-2.0
"""Plain text: a text to learn to write, with no column and no label."""

from __future__ import annotations

from pathlib import Path

from assay.data.own.found import Column, Duplicates, Fault, Form, Found, Reading, SplitAdvice
from assay.data.own.text_files import Text

_FEW_CHARACTERS = 100_000


def look(path: Path, text: Text) -> Found:
    """Return what a file of plain text holds."""
    lines = [line.strip() for line in text.lines]
    filled = [line for line in lines if line]
    faults = list(text.faults)
    if len(text.text) < _FEW_CHARACTERS:
        message = f"{len(text.text):,} characters: too few to learn to write from"
        faults.append(Fault(kind="short text", message=message, count=len(text.text)))
    characters = len(set(text.text))
    return Found(
        path=path,
        form=Form(kind="plain text", encoding=text.encoding, bom=text.bom, line_ends=text.line_ends),
        rows=len(filled),
        columns=(
            Column(name="text", kind="text", distinct=len(set(filled)), note=f"{characters} characters"),
        ),
        duplicates=Duplicates(count=len(filled) - len(set(filled))),
        faults=tuple(faults),
        readings=(
            Reading(
                signature="text -> next character",
                target="next character",
                inputs=("text",),
                metric="bits_per_character",
            ),
        ),
        questions=text.questions,
        split=SplitAdvice(strategy="time", why="a text goes on: its last part is to test on"),
    )
