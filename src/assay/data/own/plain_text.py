# SPDX-License-Identifier: Apache-2.0
"""Plain text: one or more files to learn to write from, with no column and no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.data.own import parts, split_advice, text_files
from assay.data.own.found import (
    Column,
    Duplicates,
    Fault,
    Form,
    Found,
    Options,
    Reading,
    SplitAdvice,
    Strategy,
)
from assay.data.own.text_files import LARGEST_BYTES, Text

SUFFIXES = frozenset({".txt", ".md", ".text"})
FILE = "file"
"""The name of the fact that tells the parts of the text apart, for splits."""
METRICS = ("bits_per_character", "cross_entropy", "perplexity")
_FEW_CHARACTERS = 100_000
_FEWEST_CHARACTERS = 5_000
"""With fewer characters none can be set aside to test on."""
_FEWEST_FILES = 10
"""With fewer files the text is cut by position: a file or two say little about others."""


@dataclass(frozen=True)
class Document:
    """The text of a file, with LF as its line ends."""

    name: str
    text: str
    part: str
    """train, validation or test, where the file's name or folder says it."""


def files_of(files: Sequence[Path]) -> list[Path]:
    """Return the files of texts: those that end in .txt, or else in .md."""
    plain = [file for file in files if file.suffix.lower() in SUFFIXES - {".md"}]
    return plain or [file for file in files if file.suffix.lower() in SUFFIXES]


def read(path: Path, files: Sequence[Path], options: Options) -> tuple[list[Document], list[Text]]:
    """Return the documents of a file or folder, blank ones left out, and the texts of all files as they are.

    Raises:
        ValueError: a file cannot be read, or there is nothing in them; one line.
    """
    if sum(file.stat().st_size for file in files) > LARGEST_BYTES:
        raise ValueError(f"{path}: more than {LARGEST_BYTES:,} bytes: split it")
    filled = [file for file in files if not text_files.is_blank(file)]
    if not filled:
        raise ValueError(f"{path}: no text; a text is expected")
    texts = text_files.read_all(filled, options)
    names = [file.relative_to(path) if path.is_dir() else Path(file.name) for file in filled]
    documents = [
        Document(name.as_posix(), "\n".join(text.lines), parts.of_path(name) if path.is_dir() else "")
        for name, text in zip(names, texts, strict=True)
    ]
    return documents, texts


def look(path: Path, files: Sequence[Path], options: Options) -> Found:
    """Return what one or more files of plain text hold.

    Raises:
        ValueError: a file cannot be read, or an option does not fit; one line.
    """
    check_options(path, options)
    documents, texts = read(path, files, options)
    size = sum(len(each.text) for each in documents)
    lines = [line.strip() for each in documents for line in each.text.split("\n")]
    filled = [line for line in lines if line]
    contents = [each.text for each in documents] if path.is_dir() else filled
    characters = len({character for each in documents for character in each.text})
    return Found(
        path=path,
        form=Form(
            kind="folder of texts" if path.is_dir() else "plain text",
            encoding=texts[0].encoding, bom=texts[0].bom, line_ends=texts[0].line_ends,
        ),
        rows=len(contents),
        columns=(
            Column(
                name="text", kind="text", distinct=len(set(filled)),
                note=f"{size:,} characters, {characters:,} different",
            ),
        ),
        duplicates=Duplicates(count=len(contents) - len(set(contents))),
        faults=(*_faults(files, documents, size), *(fault for text in texts for fault in text.faults)),
        readings=(
            Reading(
                signature="text -> next character",
                target="next character",
                inputs=("text",),
                metric=options.metric or METRICS[0],
            ),
        ),
        questions=next((text.questions for text in texts if text.questions), ()),
        split=_split(documents, size, options),
    )  # fmt: skip


def check_options(path: Path, options: Options) -> None:
    """Check that no option names a column, which plain text does not have.

    Raises:
        ValueError: one does; one line.
    """
    for option, value in (
        ("--target", options.target),
        ("--text", options.text),
        ("--ignore", options.ignore),
    ):
        if value:
            raise ValueError(f"{option}: does not fit {path}, which is plain text without columns; remove it")


def _faults(files: Sequence[Path], documents: Sequence[Document], size: int) -> list[Fault]:
    found = []
    if size < _FEW_CHARACTERS:
        message = f"{size:,} characters: too few to learn to write from"
        found.append(Fault(kind="short text", message=message, count=size))
    if blank := len(files) - len(documents):
        message = f"{blank:,} files without text are left out"
        found.append(Fault(kind="blank file", message=message, count=blank))
    return found


def _split(documents: Sequence[Document], size: int, options: Options) -> SplitAdvice:
    if options.split:
        return _wanted(options.split)
    if size < _FEWEST_CHARACTERS:
        return SplitAdvice(strategy="none", why=f"{size:,} characters: too few to set some aside")
    named = {each.part for each in documents}
    if named >= {"train", "test"} and "" not in named:
        return SplitAdvice(strategy="column", column=FILE, why="the names of the files say their parts")
    if len(documents) >= _FEWEST_FILES:
        return SplitAdvice(strategy="group", column=FILE, why="pieces of one file are alike")
    return SplitAdvice(strategy="order", why="a text goes on: its last part is to test on")


def _wanted(option: str) -> SplitAdvice:
    by_file: Sequence[Strategy] = ("group", "column")
    for strategy in by_file:
        if option == f"{strategy}:{FILE}":
            return SplitAdvice(strategy=strategy, column=FILE, why="by --split")
    advice = split_advice.by_fraction(option, allowed=f"group:{FILE}, column:{FILE}")
    return replace(advice, strategy="order", why=f"by --split: the last {float(option):g} of it to test on")
