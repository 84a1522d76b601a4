# SPDX-License-Identifier: Apache-2.0
"""A user's own sentences with a tag for each word: files of CoNLL columns or CoNLL-U."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from assay.data.families import own_columns, own_files
from assay.data.families.own_files import Own, source_of
from assay.data.own import conll, parts
from assay.data.own.conll import Sentences
from assay.data.own.entity_tags import as_iob2, is_tag, mark_entities
from assay.data.own.found import Options
from assay.data.preparation import tagged

SPLITS = ("random", f"group:{conll.FILE}", f"column:{conll.FILE}")
_NO_BREAK = "\u00a0"
"""Stands for a blank within a word or a tag, such as ``10 000``: blanks separate them."""


@dataclass(frozen=True, kw_only=True)
class OwnTagged(Own):
    """The sentences of a file, or of the files of a folder."""

    nouns = ("a sentence", "sentences")
    options: Options
    target: str
    """The column of tags."""
    entities: bool
    """Whether the tags mark entities, in IOB1, IOB2, BIOES or BILOU; otherwise each tag is a class of words."""
    split: str
    """``random``; ``group:file``: sentences of a file stay together; ``column:file``: the files' names say their parts,
    such as train.conll and test.conll."""

    def read(self, raw: Path) -> tagged.TaggedSet:
        """Return the sentences, with tags of entities as IOB2. An entity begins where conlleval has it begin.

        Raises:
            ValueError: a word or its tag is blank, or the tags are not as ``entities`` says; one line.
        """
        path = self.own(raw)
        files = conll.files_of(list(own_files.files_in(path))) if path.is_dir() else [path]
        found, _ = conll.read(path, files, self.options)
        if self.target not in found.tags:
            raise ValueError(f"{path}: no column of tags {self.target!r}; there are {', '.join(found.tags)}")
        words, tags = _column(found, found.word), _column(found, self.target)
        no_tag = {"", "_"} if found.is_u else {""}
        _require(found, words, {""}, "the word is blank")
        _require(found, tags, no_tag, f"no tag in {self.target}")
        classes = self._classes({tag for row in tags for tag in row})
        number = {name: place for place, name in enumerate(classes)}
        names = np.array([_named(file, path) for file in found.files])
        by_name = self.split == f"column:{conll.FILE}"
        return tagged.TaggedSet(
            words,
            [[number[tag] for tag in (as_iob2(row) if self.entities else row)] for row in tags],
            np.array([parts.of_file(file.stem) if by_name else "" for file in found.files], dtype="<U10"),
            classes,
            {"group": names} if self.split == f"group:{conll.FILE}" else {},
            numbers=np.array([lines[0] for lines in found.lines]) if len(files) == 1 else None,
        )

    def _classes(self, names: set[str]) -> tuple[str, ...]:
        """Return the names of the classes from those of the tags in the files."""
        where = f"{self.path}: {self.target}"
        if len(names) < 2:
            raise ValueError(f"{where}: every word has the tag {next(iter(names))}")
        if not self.entities:
            return tuple(sorted(names))
        if not mark_entities(names):
            other = next((name for name in sorted(names) if not is_tag(name)), ", ".join(sorted(names)[:9]))
            raise ValueError(
                f"{where}: {other!r} does not mark entities as IOB, BIOES or BILOU do; with --metric accuracy each tag"
                " is a class"
            )
        return tagged.tag_names(sorted({name[2:] for name in names if name != "O"}))

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return tagged.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            split_strategy=own_columns.strategy_of(self.split) or "random",
        )


def _column(found: Sentences, name: str) -> list[list[str]]:
    place = found.names.index(name)
    return [[_NO_BREAK.join(cells[place].split()) for cells in sentence] for sentence in found.rows]


def _named(file: Path, path: Path) -> str:
    """Return the name of a file, from the folder that was added."""
    return file.relative_to(path).as_posix() if path.is_dir() else file.name


def _require(found: Sentences, values: Sequence[Sequence[str]], missing: Collection[str], fault: str) -> None:
    for file, lines, row in zip(found.files, found.lines, values, strict=True):
        for line, value in zip(lines, row, strict=True):
            if value in missing:
                raise ValueError(f"{file.name}: line {line}: {fault}")


def own_tagged(
    *,
    path: str,
    digest: str,
    encoding: str | None,
    target: str,
    entities: bool,
    split: str,
    test_fraction: Annotated[float, Field(gt=0, lt=1)],
) -> OwnTagged:
    """Return the dataset of a row of params.yaml.

    Raises:
        ValueError: the split is none of those allowed; one line.
    """
    if split not in SPLITS:
        raise ValueError(f"split = {split}: allowed are {', '.join(SPLITS)}")
    return OwnTagged(
        source=source_of(path),
        path=Path(path),
        digest=digest,
        options=Options(encoding=encoding),
        target=target,
        entities=entities,
        split=split,
        test_fraction=test_fraction,
    )


FAMILY = own_tagged
