# SPDX-License-Identifier: Apache-2.0
"""A long text as windows of characters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import Dataset, TextAugmentation
from assay.data.expectations import AGAIN, Check, between, encoding, of_table, vocabulary, widen
from assay.data.preparation import characters
from assay.data.preparation.characters import WINDOW


@dataclass(frozen=True, kw_only=True)
class LongText(Dataset):
    """A dataset of one text file."""

    augmentation: TextAugmentation | None = None
    distinct: tuple[int, int]
    """The smallest and largest number of distinct characters of a window."""
    max_oov_rate: float
    """The largest mean share of unknown characters over a split's windows."""
    ignored_targets: int = 0
    """The number of targets at each window's beginning that are ignored for lack of context."""

    def read(self, raw: Path) -> characters.LongText:
        return characters.read_text(self.file(raw))

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        del seed  # the split is by position
        return characters.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            ignored_targets=self.ignored_targets,
            optimum=self.optimum,
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        cutting = "check windows() in assay/data/preparation/characters.py"
        reader = "check the dataset's read(): it should return upstream's text in its encoding"
        tokenizer = "check build_tokenizer() in assay/data/preparation/characters.py"
        long = f"a window of another length: {cutting}; {AGAIN}"
        filler = f"filler, or not a text of this kind: {reader}; {widen('distinct')}"
        own = [
            between("characters", 1, WINDOW, bad=WINDOW + 1, fix=long),
            *vocabulary(counts, max_oov_rate=self.max_oov_rate, fix=tokenizer),
            between("distinct", *self.distinct, bad=1, fix=filler),
            encoding(reader),
        ]
        return of_table(counts, own, facts=characters.SCHEMA.names, nouns=("a window", "windows"))
