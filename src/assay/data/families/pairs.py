# SPDX-License-Identifier: Apache-2.0
"""Pairs of source and target texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from assay.data.declarations import Dataset, TextAugmentation
from assay.data.expectations import Check, between, encoding, of_table, vocabulary, widen
from assay.data.preparation import pairs


@dataclass(frozen=True, kw_only=True)
class Pairs(Dataset):
    """A dataset of sources and targets."""

    augmentation: TextAugmentation | None = None
    build_tokenizer: Callable[[Sequence[str]], Tokenizer]
    """Makes the tokenizer from the training items' texts."""
    longest: tuple[int, int]
    """The numbers of tokens at which sources and targets are truncated."""
    source_characters: tuple[int, int]
    """The smallest and largest number of characters of a source."""
    target_characters: tuple[int, int]
    max_oov_rate: float
    """The largest mean share of unknown tokens over a split's items."""

    @abstractmethod
    def read(self, raw: Path) -> pairs.PairSet: ...

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return pairs.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            build_tokenizer=self.build_tokenizer,
            longest=self.longest,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            optimum=self.optimum,
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        reader = (
            "check the dataset's read(): it should return upstream's pairs, one per item, in their encoding"
        )
        tokenizer = "check the dataset's tokenizer in assay/data/preparation/pairs.py"
        cut = f"a text was cut, or several are one: {reader}; "
        source, target = "source_characters", "target_characters"
        own = [
            between(source, *self.source_characters, bad=100_000, fix=cut + widen(source)),
            between(target, *self.target_characters, bad=0, fix=cut + widen(target)),
            between("source_tokens", 1, None, bad=0, fix=f"a text without a token: {tokenizer}"),
            between("target_tokens", 1, None, bad=0, fix=f"a text without a token: {tokenizer}"),
            *vocabulary(counts, max_oov_rate=self.max_oov_rate, fix=tokenizer),
            encoding(reader),
        ]
        return of_table(counts, own, facts=pairs.SCHEMA.names, nouns=("a pair", "pairs"))
