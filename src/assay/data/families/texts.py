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
    """A dataset of labelled texts."""

    augmentation: TextAugmentation | None = None
    split_strategy: StrategyName = "stratified"
    """How items are held out that upstream's split does not name: ``stratified`` or ``random``."""
    longest: int
    """The number of tokens at which texts are truncated."""
    class_share: tuple[float, float]
    """The smallest and largest share of a split that one class may have, within one item."""
    characters: tuple[int, int]
    """The smallest and largest number of characters of a text."""
    max_oov_rate: float
    """The largest mean share of unknown tokens over a split's items."""

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
        """Return the texts, cleaned and split as in :func:`prepare` with these arguments.

        Raises:
            ValueError: a file is not in the expected format.
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
            *of_texts(counts, characters=self.characters, max_oov_rate=self.max_oov_rate),
        ]
        return of_table(counts, own, facts=text.SCHEMA.names, nouns=("a text", "texts"))
