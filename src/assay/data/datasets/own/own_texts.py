# SPDX-License-Identifier: Apache-2.0
"""A user's own texts with a class each: two columns of a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from assay.data.families import own_columns
from assay.data.families.own_columns import OwnRows
from assay.data.families.own_files import source_of
from assay.data.own.found import Options
from assay.data.preparation import text as prepared_texts


@dataclass(frozen=True, kw_only=True)
class OwnTexts(OwnRows):
    """The texts of a CSV, TSV, JSON lines or Parquet file."""

    nouns = ("a text", "texts")
    text: str
    target: str
    min_per_class: int
    """Texts of classes with fewer are left out."""
    longest: int
    """The number of tokens at which texts are truncated."""

    def read(self, raw: Path) -> prepared_texts.TextSet:
        """Return the texts that have a class; blank ones are left out."""
        path = self.path  # the one that the user knows
        table, study = self.study(raw)
        own_columns.require_columns(path, table, [self.text, self.target])
        found = own_columns.targets_of(
            path, study.get(self.target), as_classes=True, min_per_class=self.min_per_class
        )
        split = own_columns.split_of(path, table, study, self.split)
        texts = study.get(self.text).cells
        rows = found.rows[~texts.missing_rows[found.rows]]
        labels = found.targets[~texts.missing_rows[found.rows]]
        return prepared_texts.TextSet(
            [texts.values[code] for code in texts.codes[rows]],
            labels.astype(np.int64),
            split.upstream[rows],
            found.classes,
            {fact: values[rows] for fact, values in split.origins.items()},
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


def own_texts(
    *,
    path: str,
    digest: str,
    encoding: str | None,
    header: bool | None,
    text: str,
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
        text=text,
        target=target,
        split=split,
        test_fraction=test_fraction,
        min_per_class=min_per_class,
        longest=longest,
    )


FAMILY = own_texts
