"""AG News as summaries: from the first sentences of a news article its title; upstream's test file alone.

The file is that of :mod:`assay.data.datasets.text.ag_news`, which says what is mended in it; its topics are not used.

Source: Zhang, Zhao, LeCun, "Character-level Convolutional Networks for Text Classification", NIPS 2015,
https://arxiv.org/abs/1509.01626; titles as summaries: Rush, Chopra, Weston, EMNLP 2015,
https://arxiv.org/abs/1509.00685, on other news.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.datasets.text import ag_news
from assay.data.declarations import TextAugmentation
from assay.data.expectations import pairs as pair_expectations
from assay.data.preparation import pairs

TEST_FRACTION = 0.15
SIZE = 6000
"""Byte pairs of the tokenizer."""
LONGEST = (72, 24)  # tokens of a text and of a title; one in twenty-five is longer

SOURCE = replace(
    ag_news.SOURCE,
    name="ag_news_titles",
    quirks=(
        "Titles of upstream's test file alone, 7600 of its 127,600 items: train, validation and test are drawn from"
        " it. No published value is of these data. HTML remnants and backslashes are mended in reading."
    ),
)

AUGMENTATION = TextAugmentation(drop=0.0, swap=0.0)

fetch = ag_news.fetch
make_twin = ag_news.make_twin
mend = ag_news.mend


def read(raw: Path) -> pairs.PairSet:
    """Return descriptions and titles.

    Raises:
        ValueError: the file is not UTF-8 or not CSV, or a row has not a topic, a title and a description.
    """
    found = ag_news.read_articles(raw)
    titles, descriptions = [article.title for article in found], [article.description for article in found]
    return pairs.PairSet(descriptions, titles, np.full(len(found), ""))


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return pairs.prepare(
        read(raw),
        out,
        dataset=out.name,
        build_tokenizer=partial(pairs.byte_pairs, size=SIZE),
        longest=LONGEST,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return pair_expectations.build(
        counts, source_characters=(5, 1200), target_characters=(2, 200), most_unknown=0.01
    )
