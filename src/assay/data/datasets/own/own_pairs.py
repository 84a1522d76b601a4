# SPDX-License-Identifier: Apache-2.0
"""A user's own pairs of texts: a source and a target in two columns of a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from assay.data.families import own_columns
from assay.data.families.own_columns import OwnRows
from assay.data.families.own_files import source_of
from assay.data.own.found import Options
from assay.data.preparation import pairs


@dataclass(frozen=True, kw_only=True)
class OwnPairs(OwnRows):
    """The pairs of a CSV, TSV, JSON lines or Parquet file."""

    nouns = ("a pair", "pairs")
    text: str
    """The column of sources."""
    target: str
    longest: tuple[int, int]
    """The numbers of tokens at which sources and targets are truncated."""
    subwords: int
    """The largest number of different subwords, of sources and targets together; 0 for characters."""

    def read(self, raw: Path) -> pairs.PairSet:
        """Return the pairs; those of which a text is blank are left out."""
        path = self.path  # the one that the user knows
        table, study = self.study(raw)
        own_columns.require_columns(path, table, [self.text, self.target])
        split = own_columns.split_of(path, table, study, self.split)
        source, target = (study.get(name).cells for name in (self.text, self.target))
        rows = np.flatnonzero(~source.missing_rows & ~target.missing_rows)
        if not len(rows):
            raise ValueError(f"{path}: no row has both {self.text} and {self.target}")
        return pairs.PairSet(
            [source.values[code] for code in source.codes[rows]],
            [target.values[code] for code in target.codes[rows]],
            split.upstream[rows],
            {fact: values[rows] for fact, values in split.origins.items()},
            numbers=table.lines[rows],
        )

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return pairs.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            build_tokenizer=partial(pairs.byte_pairs, size=self.subwords)
            if self.subwords
            else pairs.characters,
            longest=self.longest,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            split_strategy=own_columns.strategy_of(self.split) or "random",
        )


def own_pairs(
    *,
    path: str,
    digest: str,
    encoding: str | None,
    header: bool | None,
    text: str,
    target: str,
    split: str,
    test_fraction: Annotated[float, Field(gt=0, lt=1)],
    longest: tuple[Annotated[int, Field(ge=1, le=1000)], Annotated[int, Field(ge=1, le=1000)]],
    subwords: Annotated[int, Field(ge=0, le=50000)],
) -> OwnPairs:
    """Return the dataset of a row of params.yaml."""
    return OwnPairs(
        source=source_of(path),
        path=Path(path),
        digest=digest,
        options=Options(encoding=encoding, header=header),
        text=text,
        target=target,
        split=split,
        test_fraction=test_fraction,
        longest=(longest[0], longest[1]),
        subwords=subwords,
    )


FAMILY = own_pairs
