# SPDX-License-Identifier: Apache-2.0
"""Texts of several sources, without labels and with one missing word each."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import TextAugmentation
from assay.data.expectations import Check, in_set, of_table, of_texts
from assay.data.families.composite import Composite
from assay.data.preparation import masked_texts
from assay.data.preparation.masked_texts import FACTS, MaskedSet


@dataclass(frozen=True, kw_only=True)
class MaskedTexts(Composite):
    """A dataset of the texts of all parts."""

    augmentation: TextAugmentation | None = None
    longest: int
    """The number of tokens at which texts are truncated."""
    held_out: int
    """The largest number of items of validation, and of test."""
    characters: tuple[int, int]
    """The smallest and largest number of characters of a text."""
    max_oov_rate: float
    """The largest mean share of unknown tokens over a split's items."""

    @abstractmethod
    def read(self, raw: Path, *, seed: int = 0, validation_fraction: float = 0.1) -> MaskedSet:
        """Return the texts of all parts with their splits in the parts."""

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        masked_set = self.read(raw, seed=seed, validation_fraction=validation_fraction)
        return masked_texts.prepare(
            masked_set, out, dataset=out.name, longest=self.longest, held_out=self.held_out
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        own = [
            in_set("source", self.parts, bad="elsewhere", fix="check PARTS in the dataset's file"),
            *of_texts(counts, characters=self.characters, max_oov_rate=self.max_oov_rate),
        ]
        return of_table(counts, own, facts=FACTS, nouns=("a text", "texts"))
