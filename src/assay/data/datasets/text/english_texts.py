# SPDX-License-Identifier: Apache-2.0
"""English texts: all texts of the English datasets without their labels, in each of which one word is missing.

Nothing is downloaded twice: the files are those of the datasets named in ``PARTS``, each in a folder of its own.
Texts that are validation or test items there, by the same drawing, are validation or test items here, so that
whoever starts from what was learned here has not read the items it will be judged on.
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
"""Items of validation, and of test, at most: each is asked about a vocabulary of thousands."""
COMMON = 20_000
"""Words that others may know from here: those beyond stand once or twice, too rarely for a vector to be learned."""
PARTS = {
    "movie_reviews": movie_reviews.DATASET,
    "ag_news": ag_news.DATASET,
    "wnut17": wnut17_sentences.SENTENCES,
    "multi30k": multi30k.DATASET,
}


class EnglishTexts(MaskedTexts):
    """Every part's texts, split as the part splits them."""

    def read(self, raw: Path, *, seed: int = 0, validation_fraction: float = 0.1) -> MaskedSet:
        found = {
            name: _read(part, raw / name, seed, validation_fraction) for name, part in self.parts.items()
        }
        return MaskedSet(
            [each for texts, _ in found.values() for each in texts],
            np.concatenate([split for _, split in found.values()]),
            [name for name, (texts, _) in found.items() for _ in texts],
        )


def _read(
    part: Files, raw: Path, seed: int, validation_fraction: float
) -> tuple[list[str], NDArray[np.str_]]:
    """Return the English texts of a part, each run of whitespace one blank, and their split."""
    if isinstance(part, LabelledTexts):
        cleaned = part.clean_and_split(raw, seed=seed, validation_fraction=validation_fraction)
        return cleaned.texts, cleaned.split
    if isinstance(part, Pairs):
        pairs = part.read(raw)
        return [" ".join(each.split()) for each in pairs.targets], pairs.split
    sentences = wnut17_sentences.SENTENCES.read(raw)
    return [" ".join(words) for words in sentences.words], sentences.split


def common_words(raw: Path, *, seed: int, validation_fraction: float) -> list[str]:
    """Return the commonest words of the training texts, in lower case, the commonest first.

    Raises:
        ValueError: a file of a part is not as it should be.
    """
    assert isinstance(DATASET, EnglishTexts)
    found = DATASET.read(raw, seed=seed, validation_fraction=validation_fraction)
    return masked_texts.common_words(found, held_out=HELD_OUT)[:COMMON]


DATASET: Dataset = EnglishTexts(
    source=composite.source(
        "english_texts",
        PARTS,
        f"The texts of {', '.join(PARTS)} without their labels. An item's missing word is drawn from its known words by"
        f" its digest. Validation and test are those of the parts, at most {HELD_OUT:,} texts each.",
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),  # the models draw other missing words themselves
    parts=PARTS,
    longest=48,
    held_out=HELD_OUT,
    characters=(1, 1200),
    most_unknown=0.1,
)
