# SPDX-License-Identifier: Apache-2.0
"""A user's own texts with a class each: a folder for each class, a file for each text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from assay.data.families import own_columns, own_files
from assay.data.families.own_files import Own, source_of
from assay.data.own import text_folders
from assay.data.own.found import Options
from assay.data.preparation import text as prepared_texts

BY_FOLDER = "column:folder"


@dataclass(frozen=True, kw_only=True)
class OwnTextFiles(Own):
    """The texts of a folder."""

    nouns = ("a text", "texts")
    options: Options
    split: str
    """``stratified``; ``column:folder``: folders above those of the classes, such as train and test, say the parts."""
    min_per_class: int
    """Texts of classes with fewer are left out."""
    longest: int
    """The number of tokens at which texts are truncated."""

    def read(self, raw: Path) -> prepared_texts.TextSet:
        """Return the texts that are not blank; they are numbered in the order of their paths, from 1."""
        path = self.own(raw)
        items, texts = text_folders.read(path, list(own_files.files_in(path)), self.options)
        filled = [number for number, text in enumerate(texts) if text.text.strip()]
        names = sorted({items[number].label for number in filled})
        codes = np.array([names.index(items[number].label) for number in filled], dtype=np.int64)
        kept = own_columns.common(codes, names, self.min_per_class, str(self.path))
        chosen = np.array(filled, dtype=np.int64)[kept.rows]
        by_folder = self.split == BY_FOLDER
        return prepared_texts.TextSet(
            [texts[number].text for number in chosen],
            kept.targets.astype(np.int64),
            np.array([items[number].part if by_folder else "" for number in chosen], dtype="<U10"),
            kept.classes,
            numbers=chosen + 1,
        )

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return prepared_texts.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            longest=self.longest,
        )


def own_text_files(
    *,
    path: str,
    digest: str,
    encoding: str | None,
    ignore: list[str],
    split: Literal["stratified", "column:folder"],
    test_fraction: Annotated[float, Field(gt=0, lt=1)],
    min_per_class: Annotated[int, Field(ge=2)],
    longest: Annotated[int, Field(ge=1, le=10000)],
) -> OwnTextFiles:
    """Return the dataset of a row of params.yaml."""
    return OwnTextFiles(
        source=source_of(path),
        path=Path(path),
        digest=digest,
        options=Options(encoding=encoding, ignore=tuple(ignore)),
        split=split,
        test_fraction=test_fraction,
        min_per_class=min_per_class,
        longest=longest,
    )


FAMILY = own_text_files
