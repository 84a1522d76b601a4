# SPDX-License-Identifier: Apache-2.0
"""English texts: all texts of the English datasets, without labels and with one missing word each.

Nothing is downloaded twice: the files are those of the datasets in ``PARTS``, each in its own folder. Validation and
test items of the parts are also validation and test items here, so that a model that starts from weights trained here
has not been trained on the items of its evaluation.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data.datasets.text import ag_news, movie_reviews, multi30k, wnut17_sentences
from assay.data.declarations import Dataset, Files, TextAugmentation
from assay.data.families import composite
from assay.data.families.masked_texts import MaskedTexts
from assay.data.families.pairs import Pairs
from assay.data.families.texts import LabelledTexts
from assay.data.preparation import masked_texts
from assay.data.preparation.masked_texts import MaskedSet

HELD_OUT = 1500
"""The largest number of items of validation, and of test: each needs logits over a vocabulary of thousands."""
COMMON = 20_000
"""The number of words that other datasets can use: the others occur once or twice, too rarely to learn vectors."""
PARTS = {
    "movie_reviews": movie_reviews.DATASET,
    "ag_news": ag_news.DATASET,
    "wnut17": wnut17_sentences.SENTENCES,
    "multi30k": multi30k.DATASET,
}


class EnglishTexts(MaskedTexts):
    """The texts of all parts, with the splits of the parts."""

    def read(self, raw: Path, *, seed: int = 0, validation_fraction: float = 0.1) -> MaskedSet:
        parts = {
            name: _read(part, raw / name, seed, validation_fraction) for name, part in self.parts.items()
        }
        return MaskedSet(
            [each for texts, _ in parts.values() for each in texts],
            np.concatenate([split for _, split in parts.values()]),
            [name for name, (texts, _) in parts.items() for _ in texts],
        )


def _read(
    part: Files, raw: Path, seed: int, validation_fraction: float
) -> tuple[list[str], NDArray[np.str_]]:
    """Return the English texts of a part, with each run of whitespace as one space, and their split."""
    if isinstance(part, LabelledTexts):
        cleaned = part.clean_and_split(raw, seed=seed, validation_fraction=validation_fraction)
        return cleaned.texts, cleaned.split
    if isinstance(part, Pairs):
        pairs = part.read(raw)
        return [" ".join(each.split()) for each in pairs.targets], pairs.split
    sentences = wnut17_sentences.SENTENCES.read(raw)
    return [" ".join(words) for words in sentences.words], sentences.split


def common_words(raw: Path, *, seed: int, validation_fraction: float) -> list[str]:
    """Return the most frequent words of the training texts, in lower case, most frequent first.

    Raises:
        ValueError: a file of a part is not in the expected format.
    """
    assert isinstance(DATASET, EnglishTexts)
    masked_set = DATASET.read(raw, seed=seed, validation_fraction=validation_fraction)
    return masked_texts.common_words(masked_set, held_out=HELD_OUT)[:COMMON]


DATASET: Dataset = EnglishTexts(
    source=composite.source(
        "english_texts",
        PARTS,
        f"The texts of {', '.join(PARTS)} without their labels. An item's missing word is chosen among its known words"
        f" by its digest. Validation and test are those of the parts, at most {HELD_OUT:,} texts each.",
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),  # the models mask other words themselves
    parts=PARTS,
    longest=48,
    held_out=HELD_OUT,
    characters=(1, 1200),
    max_oov_rate=0.1,
)
