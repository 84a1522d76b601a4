# SPDX-License-Identifier: Apache-2.0
"""Texts with their classes: a folder for each class, a file for each text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.data.own import parts, plain_text, text_files
from assay.data.own.found import Column, Duplicates, Fault, Form, Found, Options, Reading, SplitAdvice
from assay.data.own.parts import PARTS
from assay.data.own.split_advice import FEWEST_ROWS, by_fraction
from assay.data.own.text_files import LARGEST_BYTES, Text

CLASS = "folder name"
"""Name of the target."""
_FEW_TEXTS = 200


@dataclass(frozen=True)
class Item:
    file: Path
    label: str
    part: str
    """train, validation or test, where a folder above that of the class says it."""


def items_of(folder: Path, files: Sequence[Path], options: Options) -> list[Item]:
    """Return the files below folders of classes; those of the folders that the options leave out are not among them."""
    found = []
    for file in plain_text.files_of(files):
        above = file.relative_to(folder).parts[:-1]
        named = len(above) > 0 and above[0].lower() in PARTS
        if len(above) > named and above[named] not in options.ignore:
            found.append(Item(file, above[named], parts.of_path(Path(above[0], "_")) if named else ""))
    return found


def are_classes(folder: Path, files: Sequence[Path], options: Options) -> bool:
    """Return whether most texts of a folder are in folders, of which two or more hold several."""
    texts = plain_text.files_of(files)
    counts = Counter(item.label for item in items_of(folder, files, replace(options, ignore=())))
    return sum(count > 1 for count in counts.values()) > 1 and counts.total() > len(texts) / 2


def read(folder: Path, files: Sequence[Path], options: Options) -> tuple[list[Item], list[Text]]:
    """Return the items that are not blank, and their texts.

    Raises:
        ValueError: a file cannot be read, or there is none; one line.
    """
    items = [item for item in items_of(folder, files, options) if not text_files.is_blank(item.file)]
    if sum(item.file.stat().st_size for item in items) > LARGEST_BYTES:
        raise ValueError(f"{folder}: more than {LARGEST_BYTES:,} bytes: split it")
    if not items:
        raise ValueError(f"{folder}: no texts; a folder of texts for each class is expected")
    return items, text_files.read_all([item.file for item in items], options)


def look(folder: Path, files: Sequence[Path], options: Options) -> Found:
    """Return what folders of texts hold.

    Raises:
        ValueError: a file cannot be read, or an option does not fit; one line.
    """
    for option, value in (("--target", options.target), ("--text", options.text)):
        if value and value != CLASS:
            raise ValueError(f"{option}: does not fit {folder}, whose folders are the classes; remove it")
    known = {item.label for item in items_of(folder, files, replace(options, ignore=()))}
    for name in options.ignore:
        if name not in known:
            raise ValueError(
                f"--ignore {name}: no such folder of a class; there are {', '.join(sorted(known))}"
            )
    items, texts = read(folder, files, options)
    counts = Counter(item.label for item in items)
    classes = Column(name=CLASS, kind="category", distinct=len(counts), classes=dict(counts.most_common()))
    contents = [text.text.strip() for text in texts]
    return Found(
        path=folder,
        form=Form(
            kind="texts by folder",
            encoding=texts[0].encoding, bom=texts[0].bom, line_ends=texts[0].line_ends,
        ),
        rows=len(items),
        columns=(Column(name="text", kind="text", distinct=len(set(contents))), classes),
        duplicates=Duplicates(count=len(contents) - len(set(contents))),
        faults=(*_faults(folder, files, items), *(fault for text in texts for fault in text.faults)),
        readings=(
            Reading(
                signature="text -> class", target=CLASS, inputs=("text",), metric=options.metric or "accuracy",
            ),
            Reading(
                signature="text -> next character", target="next character", inputs=("text",),
                metric=plain_text.METRICS[0],
            ),
        ),
        questions=next((text.questions for text in texts if text.questions), ()),
        split=_split(items, options),
    )  # fmt: skip


def _faults(folder: Path, files: Sequence[Path], items: Sequence[Item]) -> list[Fault]:
    found = []
    if len(items) <= _FEW_TEXTS:
        message = f"{len(items)} texts: a score would be uncertain"
        found.append(Fault(kind="few rows", message=message, count=len(items)))
    used = {item.file for item in items}
    others = [file.relative_to(folder).as_posix() for file in files if file not in used]
    if others:
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3:,} more" if len(others) > 3 else "")
        message = f"files that are blank, or no texts of a class, are left out: {shown}"
        found.append(Fault(kind="not in a class", message=message, count=len(others)))
    return found


def _split(items: Sequence[Item], options: Options) -> SplitAdvice:
    if options.split:
        return by_fraction(options.split)
    if {"train", "test"} <= {item.part for item in items} and all(item.part for item in items):
        return SplitAdvice(strategy="column", column="folder", why="folders name each text's part")
    if len(items) < FEWEST_ROWS:
        return SplitAdvice(strategy="none", why=f"{len(items)} texts: too few to set some aside")
    return SplitAdvice(strategy="stratified", why="texts are independent")
