# SPDX-License-Identifier: Apache-2.0
"""A user's own texts with a class each: columns of a table. Texts of several columns are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from assay.data.families import own_columns
from assay.data.families.own_columns import OwnRows
from assay.data.families.own_files import source_of
from assay.data.own.found import JOINED_BY, Options
from assay.data.own.table import Cells
from assay.data.preparation import text as prepared_texts


@dataclass(frozen=True, kw_only=True)
class OwnTexts(OwnRows):
    """The texts of a CSV, TSV, JSON lines or Parquet file."""

    nouns = ("a text", "texts")
    text_columns: tuple[str, ...]
    """The columns of texts."""
    target: str
    min_per_class: int
    """Texts of classes with fewer are left out."""
    longest: int
    """The number of tokens at which texts are truncated."""

    def read(self, raw: Path) -> prepared_texts.TextSet:
        """Return the texts that have a class; blank ones are left out."""
        path = self.path  # the one that the user knows
        table, study = self.study(raw)
        own_columns.require_columns(path, table, [*self.text_columns, self.target])
        found = own_columns.targets_of(
            path, study.get(self.target), as_classes=True, min_per_class=self.min_per_class
        )
        split = own_columns.split_of(path, table, study, self.split)
        columns = [study.get(name).cells for name in self.text_columns]
        filled = ~np.all([cells.missing_rows[found.rows] for cells in columns], axis=0)
        rows, labels = found.rows[filled], found.targets[filled]
        return prepared_texts.TextSet(
            [_joined(columns, row) for row in rows],
            labels.astype(np.int64),
            split.upstream[rows],
            found.classes,
            {fact: values[rows] for fact, values in split.origins.items()},
            numbers=table.lines[rows],
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
            split_strategy=own_columns.strategy_of(self.split) or "stratified",
        )


def _joined(columns: Sequence[Cells], row: int) -> str:
    """Return the texts of a row; what is missing is a blank text."""
    return JOINED_BY.join(
        "" if cells.missing_rows[row] else cells.values[cells.codes[row]] for cells in columns
    )


def own_texts(
    *,
    path: str,
    digest: str,
    encoding: str | None,
    header: bool | None,
    text: str | list[str],
    target: str,
    split: str,
    test_fraction: Annotated[float, Field(gt=0, lt=1)],
    min_per_class: Annotated[int, Field(ge=2)],
    longest: Annotated[int, Field(ge=1, le=10000)],
) -> OwnTexts:
    """Return the dataset of a row of params.yaml."""
    return OwnTexts(
        source=source_of(path),
        path=Path(path),
        digest=digest,
        options=Options(encoding=encoding, header=header),
        text_columns=(text,) if isinstance(text, str) else tuple(text),
        target=target,
        split=split,
        test_fraction=test_fraction,
        min_per_class=min_per_class,
        longest=longest,
    )


FAMILY = own_texts
