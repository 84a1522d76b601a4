"""WNUT 2017: sentences from social media with their named entities, and the words of more English texts.

Of the words of validation's entities more than half stand nowhere in the training sentences. So the common words of
other English texts have numbers too: a network that starts from vectors learned on those texts knows them. A network
from scratch can learn nothing of them: its knob ``words`` should end before them.

Source: see :mod:`assay.data.datasets.text.wnut17_sentences`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.data.datasets.text import english_texts, wnut17_sentences
from assay.data.declarations import TextAugmentation
from assay.data.expectations import tagged as tagging_expectations
from assay.data.preparation import tagged

TAGS = wnut17_sentences.TAGS
PARTS = {name: part for name, part in english_texts.PARTS.items() if part is not wnut17_sentences}

SOURCE = replace(
    wnut17_sentences.SOURCE,
    files=english_texts.SOURCE.files,
    quirks=f"{wnut17_sentences.SOURCE.quirks} The words of {', '.join(PARTS)} have numbers too.",
)

AUGMENTATION = TextAugmentation(drop=0.1, swap=0.0)  # a swap would part words from their tags

fetch = english_texts.fetch
make_twin = english_texts.make_twin


def read(raw: Path) -> tagged.TaggedSet:
    """Return the sentences that upstream's files hold: train, validation, test.

    Raises:
        ValueError: a file is not UTF-8 or empty, or a line of it has not a word and a known tag.
    """
    return wnut17_sentences.read(raw / wnut17_sentences.SOURCE.name)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean and write ``raw`` into the folder ``out``, which is named for the dataset or its twin.

    The splits are upstream's: nothing is drawn but those of the other texts, of which training ones alone are read.
    """
    return tagged.prepare(
        read(raw),
        out,
        dataset=out.name,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=0.0,
        further=english_texts.common_words(raw, seed=seed, validation_fraction=validation_fraction),
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return tagging_expectations.build(
        counts,
        num_tags=len(TAGS),
        tokens=(1, 128),
        longest=256,
        entities=(0.3, 2.5),
        most_unknown=0.4,
    )
