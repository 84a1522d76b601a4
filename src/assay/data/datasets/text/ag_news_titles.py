# SPDX-License-Identifier: Apache-2.0
"""AG News as summaries: the title of a news article from its first sentences; only upstream's test file.

The file is that of :mod:`assay.data.datasets.text.ag_news`, with the same fixes; its topics are not used.

Source: Zhang, Zhao, LeCun, "Character-level Convolutional Networks for Text Classification", NIPS 2015,
https://arxiv.org/abs/1509.01626; titles as summaries: Rush, Chopra, Weston, EMNLP 2015,
https://arxiv.org/abs/1509.00685, on other news.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from assay.data.datasets.text import ag_news
from assay.data.declarations import Dataset, TextAugmentation
from assay.data.families.pairs import Pairs
from assay.data.preparation import pairs


class AgNewsTitles(Pairs):
    """Articles and their titles."""

    mend = staticmethod(ag_news.mend)

    def make_twin(self, raw: Path, seed: int) -> None:
        ag_news.DATASET.make_twin(raw, seed)

    def read(self, raw: Path) -> pairs.PairSet:
        """Return descriptions and titles."""
        articles = ag_news.read_articles(raw)
        titles, descriptions = (
            [article.title for article in articles],
            [article.description for article in articles],
        )
        return pairs.PairSet(descriptions, titles, np.full(len(articles), ""))


DATASET: Dataset = AgNewsTitles(
    source=replace(
        ag_news.DATASET.source,
        name="ag_news_titles",
        quirks=(
            "Only the titles of upstream's test file, 7600 of its 127,600 items: train, validation and test are drawn"
            " from it. No published value is for these data. HTML remnants and backslashes are removed in reading."
        ),
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),
    test_fraction=0.15,
    build_tokenizer=partial(pairs.byte_pairs, size=6000),
    longest=(72, 24),  # one in twenty-five is longer
    source_characters=(5, 1200),
    target_characters=(2, 200),
    max_oov_rate=0.01,
)
