# SPDX-License-Identifier: Apache-2.0
"""WNUT 2017: sentences from social media with their named entities, and the words of more English texts.

Of the words of validation's entities more than half stand nowhere in the training sentences. So the common words of
other English texts have numbers too: a network that starts from vectors learned on those texts knows them. A network
from scratch can learn nothing of them: its knob ``words`` should end before them.

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
    """The files are those of english_texts, of which the sentences are a part. The splits are upstream's."""

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
        return english_texts.DATASET.fetch(raw, mirror=mirror)

    def make_twin(self, raw: Path, seed: int) -> None:
        english_texts.DATASET.make_twin(raw, seed)

    def read(self, raw: Path) -> tagged.TaggedSet:
        """Return the sentences that upstream's files hold: train, validation, test."""
        return SENTENCES.read(raw / self.source.name)

    def further_words(self, raw: Path, *, seed: int, validation_fraction: float) -> Sequence[str]:
        """Return the common words of all texts, of which training ones alone are read."""
        return english_texts.common_words(raw, seed=seed, validation_fraction=validation_fraction)


DATASET: Dataset = Wnut17(
    source=replace(
        SENTENCES.source,
        files=english_texts.DATASET.source.files,
        quirks=f"{SENTENCES.source.quirks} The words of {', '.join(PARTS)} have numbers too.",
    ),
    augmentation=TextAugmentation(drop=0.1, swap=0.0),  # a swap would part words from their tags
    parts=PARTS,
    tags=TAGS,
    tokens=(1, 128),
    longest=256,
    entities=(0.3, 2.5),
    most_unknown=0.4,
)
