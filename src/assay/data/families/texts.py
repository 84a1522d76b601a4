# SPDX-License-Identifier: Apache-2.0
"""Labelled texts."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import Dataset, TextAugmentation
from assay.data.expectations import Check, labels, of_table, of_texts
from assay.data.preparation import text
from assay.data.preparation.split_strategies import StrategyName


@dataclass(frozen=True, kw_only=True)
class LabelledTexts(Dataset):
    """Texts of classes."""

    augmentation: TextAugmentation | None = None
    split_strategy: StrategyName = "stratified"
    """How items are held out that upstream does not name: ``stratified`` or ``random``."""
    longest: int
    """Tokens after which a text is cut."""
    class_share: tuple[float, float]
    """Smallest and largest part of a split that one class may have, give or take one item."""
    characters: tuple[int, int]
    """Fewest and most characters of a text."""
    most_unknown: float
    """Largest mean, over a split's items, of the share of tokens that training does not have."""

    @abstractmethod
    def read(self, raw: Path) -> text.TextSet: ...

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return text.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            longest=self.longest,
            optimum=self.optimum,
            split_strategy=self.split_strategy,
        )

    def clean_and_split(self, raw: Path, *, seed: int, validation_fraction: float) -> text.Cleaned:
        """Return the texts, cleaned and split as :func:`prepare` does with these arguments.

        Raises:
            ValueError: a file is not as it should be.
        """
        return text.clean_and_split(
            self.read(raw),
            dataset=self.source.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            split_strategy=self.split_strategy,
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        own = [
            *labels(counts, num_classes=len(self.classes), class_share=self.class_share),
            *of_texts(counts, characters=self.characters, most_unknown=self.most_unknown),
        ]
        return of_table(counts, own, facts=text.SCHEMA.names, nouns=("a text", "texts"))
