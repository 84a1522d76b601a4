# SPDX-License-Identifier: Apache-2.0
"""Reviews and news: the texts of movie_reviews and ag_news in one dataset, for one network for both tasks.

A text keeps the class of its own task: two of the six classes are of reviews and four of news. Test items are those of
the parts, so that a network for both tasks can be compared with networks for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.datasets.text import ag_news, movie_reviews
from assay.data.declarations import Dataset, TextAugmentation
from assay.data.families import composite
from assay.data.families.composite import Composite
from assay.data.families.texts import LabelledTexts
from assay.data.preparation import text

PARTS = {"movie_reviews": movie_reviews.DATASET, "ag_news": ag_news.DATASET}


@dataclass(frozen=True, kw_only=True)
class ReviewsAndNews(Composite, LabelledTexts):
    """Labelled texts of two tasks."""

    groups: Mapping[str, tuple[int, int]]
    """The range of classes of each part: the first, and one past the last."""

    def read(self, raw: Path, *, seed: int = 0, validation_fraction: float = 0.1) -> text.TextSet:
        """Return the texts of both parts, with the parts' test items as test items.

        Validation is that of the parts if one of them has an upstream validation split, else it is drawn later.
        """
        texts, labels, split, upstream = [], [], [], []
        for name, part in self.parts.items():
            assert isinstance(part, LabelledTexts)
            whole = part.read(raw / name)
            cleaned = part.clean_and_split(raw / name, seed=seed, validation_fraction=validation_fraction)
            texts += cleaned.texts
            labels.append(whole.labels[cleaned.kept] + self.groups[name][0])
            split.append(cleaned.split)
            upstream.append(cleaned.upstream)
        splits = np.concatenate(split)
        if "validation" not in np.concatenate(upstream):
            splits = np.where(splits == "test", "test", "train")
        return text.TextSet(texts, np.concatenate(labels), splits, self.classes)

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return text.prepare(
            self.read(raw, seed=seed, validation_fraction=validation_fraction),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            longest=self.longest,
            given="parts",
            split_strategy=self.split_strategy,
        )


DATASET: Dataset = ReviewsAndNews(
    source=composite.source(
        "reviews_and_news",
        PARTS,
        "The texts of movie_reviews and ag_news with their labels. Test is that of the parts;"
        " validation is drawn from both.",
    ),
    augmentation=TextAugmentation(drop=0.1, swap=0.05),
    parts=PARTS,
    classes=(*movie_reviews.DATASET.classes, *ag_news.DATASET.classes),
    groups={"movie_reviews": (0, 2), "ag_news": (2, 6)},
    longest=64,  # as in the longer part
    class_share=(0.05, 0.35),
    characters=(3, 1200),
    max_oov_rate=0.1,
)
