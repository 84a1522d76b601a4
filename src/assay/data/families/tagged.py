# SPDX-License-Identifier: Apache-2.0
"""Sentences with a tag for each word."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import Dataset, TextAugmentation
from assay.data.expectations import (
    Check,
    between,
    encoding,
    in_set,
    mean_between,
    of_table,
    vocabulary,
    widen,
)
from assay.data.preparation import tagged


@dataclass(frozen=True, kw_only=True)
class TaggedSentences(Dataset):
    """A dataset of sentences and their tags."""

    augmentation: TextAugmentation | None = None
    tags: tuple[str, ...]
    """The names of the tags."""
    tokens: tuple[int, int]
    """The smallest and largest number of words of a sentence."""
    longest: int
    """The largest number of characters of a word."""
    entities: tuple[float, float]
    """The smallest and largest mean number of entities per sentence, over a split."""
    max_oov_rate: float
    """The largest mean share of unknown words over a split's items."""

    @abstractmethod
    def read(self, raw: Path) -> tagged.TaggedSet: ...

    def further_words(self, raw: Path, *, seed: int, validation_fraction: float) -> Sequence[str]:  # noqa: ARG002 (for overriding methods)
        """Return further words for the vocabulary, in lower case, from texts without tags; none unless overridden."""
        return ()

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return tagged.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            optimum=self.optimum,
            further=self.further_words(raw, seed=seed, validation_fraction=validation_fraction),
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        reader = (
            "check the dataset's read(): it should return upstream's sentences and tags, in their encoding"
        )
        cut = f"a sentence was cut, or several are one: {reader}; {widen('tokens')}"
        empty = f"a word is empty, or several are one: {reader}; {widen('longest')}"
        malformed = f"an I- tag follows neither B- nor I- of its type: fix the tags in read(); {reader}"
        few = f"too few or too many entities for these sentences: {reader}; {widen('entities')}"
        numbers = "check encode() in assay/data/preparation/tagged.py"
        own = [
            between("tokens", *self.tokens, bad=0, fix=cut),
            between("longest", 1, self.longest, bad=0, fix=empty),
            between("lowest", 0, None, bad=-1, fix=f"a word has no tag: {reader}"),
            between("highest", None, len(self.tags) - 1, bad=99, fix=f"a tag has no name: {reader}"),
            in_set("malformed", [0], bad=1, fix=malformed),
            *(mean_between("entities", *self.entities, split=split, bad=0, fix=few) for split in counts),
            *vocabulary(counts, max_oov_rate=self.max_oov_rate, fix=numbers),
            encoding(reader),
        ]
        return of_table(counts, own, facts=tagged.SCHEMA.names, nouns=("a sentence", "sentences"))
