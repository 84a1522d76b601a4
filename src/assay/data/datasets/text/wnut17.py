# SPDX-License-Identifier: Apache-2.0
"""WNUT 2017: sentences from social media with their named entities, and the words of more English texts.

More than half of the words of validation's entities are not in the training sentences. The vocabulary therefore has
common words of other English texts: a network that starts from word vectors of those texts has vectors for them. A
network trained from scratch cannot learn them: its knob ``words`` should exclude them.

Source: see :mod:`assay.data.datasets.text.wnut17_sentences`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.data.datasets.text import ag_news, english_texts, movie_reviews, multi30k
from assay.data.datasets.text.wnut17_sentences import SENTENCES, TAGS
from assay.data.declarations import Dataset, TextAugmentation
from assay.data.families.tagged import TaggedSentences
from assay.data.preparation import tagged

PARTS = {
    "movie_reviews": movie_reviews.DATASET,
    "ag_news": ag_news.DATASET,
    "multi30k": multi30k.DATASET,
}


class Wnut17(TaggedSentences):
    """Tagged sentences with upstream's splits; the files are those of english_texts, which include them."""

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
        return english_texts.DATASET.fetch(raw, mirror=mirror)

    def make_twin(self, raw: Path, seed: int) -> None:
        english_texts.DATASET.make_twin(raw, seed)

    def read(self, raw: Path) -> tagged.TaggedSet:
        """Return the sentences of upstream's files: train, validation, test."""
        return SENTENCES.read(raw / self.source.name)

    def further_words(self, raw: Path, *, seed: int, validation_fraction: float) -> Sequence[str]:
        """Return the common words of the training texts of all parts."""
        return english_texts.common_words(raw, seed=seed, validation_fraction=validation_fraction)


DATASET: Dataset = Wnut17(
    source=replace(
        SENTENCES.source,
        files=english_texts.DATASET.source.files,
        quirks=f"{SENTENCES.source.quirks} The vocabulary includes words of {', '.join(PARTS)}.",
    ),
    augmentation=TextAugmentation(drop=0.1, swap=0.0),  # a swap would separate words from their tags
    parts=PARTS,
    tags=TAGS,
    tokens=(1, 128),
    longest=256,
    entities=(0.3, 2.5),
    max_oov_rate=0.4,
)
