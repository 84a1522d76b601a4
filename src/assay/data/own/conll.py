# SPDX-License-Identifier: Apache-2.0
"""CoNLL columns: a word a line with its tags, a blank line after each sentence; and CoNLL-U."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.data.own import entity_tags, parts, split_advice, text_files
from assay.data.own.entity_tags import as_iob2, mark_entities, scheme_of
from assay.data.own.found import (
    Ambiguity,
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

SUFFIXES = frozenset({".conll", ".conllu", ".bio", ".iob", ".iob2"})
READ = frozenset({".txt", ".text", ".tsv"})
"""Endings of files that are read as sentences if they look like them."""
FIELDS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
"""Columns of CoNLL-U: https://universaldependencies.org/format.html."""
TAGS_OF_U = ("UPOS", "XPOS", "DEPREL")
FILE = "file"
"""The name of the fact that tells the sentences of files apart, for splits."""
_DOCUMENT = "-DOCSTART-"
_FEW_SENTENCES = 200
_FEWEST_SENTENCES = 60
_SAMPLE = 1 << 18
"""Bytes from which a file is recognised."""
_WORDS_A_TAG = 5
"""Words that a file has for each different tag, at least, if tags are not those of entities."""


@dataclass
class Sentences:
    """The sentences of one or more files."""

    rows: list[list[list[str]]] = field(default_factory=list)
    """Sentences of words of cells."""
    files: list[Path] = field(default_factory=list)
    """The file of each sentence."""
    lines: list[list[int]] = field(default_factory=list)
    """The line of each word, from 1."""
    names: tuple[str, ...] = ()
    """The names of the columns."""
    word: str = ""
    """The name of the column of words."""
    tags: tuple[str, ...] = ()
    """The names of the columns of tags, the likeliest first."""
    skipped: Counter[str] = field(default_factory=Counter)
    """The number of skipped lines of each kind, such as comments."""

    @property
    def is_u(self) -> bool:
        """Return whether the files are CoNLL-U."""
        return self.names == FIELDS


def files_of(files: Sequence[Path]) -> list[Path]:
    """Return those of the files that hold sentences, by their endings, or else by their content."""
    if named := [file for file in files if file.suffix.lower() in SUFFIXES]:
        return named
    texts = [file for file in files if file.suffix.lower() in READ]
    if not all(map(holds_sentences, texts[:3])):
        return []
    return [file for file in texts if holds_sentences(file)]


def holds_sentences(file: Path) -> bool:
    """Return whether a file has a word and its tag a line, as many columns in each, and blank lines between."""
    with file.open("rb") as stream:
        data = stream.read(_SAMPLE)
    text = data.decode("utf-8", "replace")
    if len(data) == _SAMPLE:
        text = text[: text.rfind("\n") + 1]
    lines = ["" if line.startswith(_DOCUMENT) else line.strip("\r\n") for line in text.split("\n")]
    rows = [_cells(line) for line in lines if line.strip()]
    ends = sum(
        bool(line.strip()) and not after.strip() for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )
    if ends < 2 or len(rows) < 2 * ends or len({len(row) for row in rows}) > 1 or len(rows[0]) < 2:
        return False
    if any(" " in cell.strip() for row in rows for cell in row):
        return False
    columns = [set(column) for column in zip(*rows, strict=True)][1:]
    return any(map(mark_entities, columns)) or 1 < len(columns[-1]) <= len(rows) / _WORDS_A_TAG


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def read(path: Path, files: Sequence[Path], options: Options) -> tuple[Sentences, list[Text]]:
    """Return the sentences of one or more files, and the files' texts.

    Raises:
        ValueError: a file cannot be read, or a line has another number of columns; one line that names it.
    """
    if sum(file.stat().st_size for file in files) > LARGEST_BYTES:
        raise ValueError(f"{path}: more than {LARGEST_BYTES:,} bytes: split it")
    found, texts = Sentences(), text_files.read_all(files, options)
    is_u = all(file.suffix == ".conllu" for file in files)
    for file, text in zip(files, texts, strict=True):
        _read(file, text, found, is_u=is_u)
    if not found.rows:
        raise ValueError(f"{path}: no sentences; a word and its tag a line are expected")
    width = len(found.rows[0][0])
    if width < 2:
        raise ValueError(f"{path}: one column; a word and its tag a line are expected")
    found.names = FIELDS if is_u else tuple(f"column {place + 1}" for place in range(width))
    found.word, found.tags = ("FORM", TAGS_OF_U) if is_u else (found.names[0], found.names[:0:-1])
    return found, texts


def look(path: Path, files: Sequence[Path], options: Options) -> Found:
    """Return what one or more files of CoNLL columns hold.

    Raises:
        ValueError: a file cannot be read, a line has another number of columns, or an option does not fit; one line.
    """
    found, texts = read(path, files, options)
    names, word, tags, is_u = found.names, found.word, found.tags, found.is_u
    if options.target and options.target not in tags:
        raise ValueError(f"--target {options.target}: no column of tags; there are {', '.join(tags)}")
    target = options.target or tags[0]
    columns = _columns(found, names, word, target)
    questions = next((text.questions for text in texts if text.questions), ())
    duplicates = len(found.rows) - len({str(sentence) for sentence in found.rows})
    return Found(
        path=path,
        form=Form(
            kind="CoNLL-U" if is_u else "CoNLL columns",
            encoding=texts[0].encoding, bom=texts[0].bom, line_ends=texts[0].line_ends,
            separator="tab" if "\t" in texts[0].text else "blanks",
        ),
        rows=len(found.rows),
        columns=columns,
        duplicates=Duplicates(count=duplicates),
        faults=(*(fault for text in texts for fault in text.faults), *_faults(found, columns[1:], names.index(target))),
        readings=tuple(
            Reading(signature="text -> tags", target=tag, inputs=(word,), metric=_metric(found, names.index(tag)))
            for tag in dict.fromkeys((target, *tags))
        ),
        questions=questions + _questions(tags, options, is_u=is_u),
        split=_split(found, files, options),
    )  # fmt: skip


def _read(path: Path, text: Text, found: Sentences, *, is_u: bool) -> None:
    sentence: list[list[str]] = []
    lines: list[int] = []
    width = 0

    def end() -> None:
        if sentence:
            found.rows.append(sentence)
            found.files.append(path)
            found.lines.append(lines)

    for line, written in enumerate(text.lines, start=1):
        if not written.strip() or written.startswith(_DOCUMENT):
            end()
            sentence, lines = [], []
            continue
        if is_u and written.startswith("#"):
            found.skipped["comments"] += 1
            continue
        cells = _cells(written)
        width = width or (len(FIELDS) if is_u else len(found.rows[0][0] if found.rows else cells))
        if len(cells) != width:
            raise ValueError(f"{path}: line {line}: {len(cells)} columns; {width} are expected")
        if is_u and not cells[0].isdigit():
            found.skipped["ranges"] += 1
            continue
        sentence.append(cells)
        lines.append(line)
    end()


def _columns(found: Sentences, names: Sequence[str], word: str, target: str) -> tuple[Column, ...]:
    words = {cells[names.index(word)] for sentence in found.rows for cells in sentence}
    tags = _counts(found, names.index(target))
    columns = [
        Column(name=word, kind="text", distinct=len(words), note="words"),
        Column(name=target, kind="category", distinct=len(tags), classes=dict(tags.most_common())),
    ]
    if entities := _entities(found, names.index(target)):
        columns.append(Column(name="entities", kind="category", distinct=len(entities), classes=entities))
    return tuple(columns)


def _counts(found: Sentences, column: int) -> Counter[str]:
    return Counter(cells[column] for sentence in found.rows for cells in sentence)


def _tags(found: Sentences, column: int) -> list[list[str]]:
    return [[cells[column] for cells in sentence] for sentence in found.rows]


def _entities(found: Sentences, column: int) -> dict[str, int]:
    """Return the kinds of entities and how many there are, where tags mark entities."""
    if not mark_entities(_counts(found, column)):
        return {}
    read = Counter(tag for tags in _tags(found, column) for tag in as_iob2(tags))
    begun = Counter({tag[2:]: count for tag, count in read.items() if tag.startswith("B-")})
    return dict(begun.most_common())


def _metric(found: Sentences, column: int) -> str:
    return "entity_f1" if mark_entities(_counts(found, column)) else "accuracy"


def _faults(found: Sentences, columns: Sequence[Column], target: int) -> list[Fault]:
    faults = []
    for kind, message in (
        ("comments", "lines that begin with # are skipped"),
        ("ranges", "lines of joined words, such as 1-2, carry no tag and are skipped"),
    ):
        if count := found.skipped[kind]:
            faults.append(Fault(kind=kind, message=f"{count:,} {message}", count=count))
    if len(columns) > 1:
        rare = [name for name, count in columns[1].classes.items() if count <= 2]
        if rare:
            message = f"kinds of one or two entities: {', '.join(rare)}"
            faults.append(Fault(kind="rare entities", message=message, count=len(rare)))
        faults += _of_scheme(found, target)
    if len(found.rows) <= _FEW_SENTENCES:
        message = f"{len(found.rows)} sentences: a score would be uncertain"
        faults.append(Fault(kind="few rows", message=message, count=len(found.rows)))
    return faults


def _of_scheme(found: Sentences, target: int) -> list[Fault]:
    """Return the scheme of the tags if they are converted, and the tags that it does not allow where they stand."""
    rows = _tags(found, target)
    scheme = scheme_of(rows)
    faults = []
    if scheme in entity_tags.SAID:
        message = f"{entity_tags.SAID[scheme]}; they are read as IOB2, with the same entities"
        faults.append(Fault(kind=f"tags are {scheme}", message=message))
    wrong = [
        (path, lines[min(place, len(lines) - 1)])
        for path, lines, tags in zip(found.files, found.lines, rows, strict=True)
        for place in entity_tags.breaks(tags, scheme)
    ]
    if not wrong:
        return faults
    path, line = wrong[0]
    first = f"the first in {path.name}, line {line}"
    if scheme == "IOB2":
        kind = "I- without B-"
        message = f"{len(wrong):,} tags I- follow no tag of their kind, {first}; they are read as B-"
    else:
        kind = f"not {scheme}"
        message = f"{len(wrong):,} tags do not follow the one before as {scheme} has it, {first}; entities are read as"
        message += " conlleval reads them"
    return [*faults, Fault(kind=kind, message=message, count=len(wrong))]


def _questions(tags: Sequence[str], options: Options, *, is_u: bool) -> tuple[Ambiguity, ...]:
    """Return a question where several columns hold tags, which CoNLL-U names and other files do not."""
    if is_u or options.target or len(tags) == 1:
        return ()
    question = "which column holds the tags?"
    return (Ambiguity(about="target", question=question, candidates=tuple(tags), option="--target NAME"),)


def _split(found: Sentences, files: Sequence[Path], options: Options) -> SplitAdvice:
    if options.split:
        return _wanted(options.split)
    named = {parts.of_file(file.stem) for file in files}
    if named >= {"train", "test"} and "" not in named:
        return SplitAdvice(strategy="column", column=FILE, why="the names of the files say their parts")
    if len(files) > 2:
        return SplitAdvice(strategy="group", column=FILE, why="sentences of one file repeat its names")
    if len(found.rows) < _FEWEST_SENTENCES:
        return SplitAdvice(strategy="none", why=f"{len(found.rows)} sentences: too few to set some aside")
    return SplitAdvice(strategy="random", why="sentences are independent")


def _wanted(option: str) -> SplitAdvice:
    by_file: Sequence[Strategy] = ("group", "column")
    for strategy in by_file:
        if option == f"{strategy}:{FILE}":
            return SplitAdvice(strategy=strategy, column=FILE, why="by --split")
    return split_advice.by_fraction(option, allowed=f"group:{FILE}, column:{FILE}")
