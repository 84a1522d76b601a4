# SPDX-License-Identifier: Apache-2.0
"""Texts of several sources without labels, in each of which one word is missing."""

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
    """The texts of all parts."""

    augmentation: TextAugmentation | None = None
    longest: int
    """Tokens of a text that are read."""
    held_out: int
    """Items of validation, and of test, at most."""
    characters: tuple[int, int]
    """Fewest and most characters of a text."""
    most_unknown: float
    """Largest mean, over a split's items, of the share of tokens that training does not have."""

    @abstractmethod
    def read(self, raw: Path, *, seed: int = 0, validation_fraction: float = 0.1) -> MaskedSet:
        """Return the texts of every part with the split that they have there."""

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        found = self.read(raw, seed=seed, validation_fraction=validation_fraction)
        return masked_texts.prepare(
            found, out, dataset=out.name, longest=self.longest, held_out=self.held_out
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        own = [
            in_set("source", self.parts, bad="elsewhere", fix="check PARTS in the dataset's file"),
            *of_texts(counts, characters=self.characters, most_unknown=self.most_unknown),
        ]
        return of_table(counts, own, facts=FACTS, nouns=("a text", "texts"))
