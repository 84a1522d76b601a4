"""Reviews and news: the texts of movie_reviews and ag_news in one dataset, for one network that learns both tasks.

A text keeps the classes of its own task: of the six, two are of reviews and four of news. Test items are those of
the parts, by the same drawing, so that a network of both tasks can be compared with networks of one each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.data.datasets.text import ag_news, movie_reviews
from assay.data.declarations import TextAugmentation
from assay.data.expectations import text as text_expectations
from assay.data.preparation import composite, text

PARTS = {"movie_reviews": movie_reviews, "ag_news": ag_news}
CLASSES = (*movie_reviews.CLASSES, *ag_news.CLASSES)
GROUPS = {"movie_reviews": (0, 2), "ag_news": (2, 6)}
"""The classes of each part: the first, and the one after the last."""
LONGEST = 64  # tokens, as of the longer part

SOURCE = composite.source(
    "reviews_and_news",
    PARTS,
    "The texts of movie_reviews and ag_news with their labels. Test is that of the parts; validation is drawn anew.",
)

AUGMENTATION = TextAugmentation(drop=0.1, swap=0.05)


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring the files of both parts into a folder each; return their addresses, sizes and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    return composite.fetch(PARTS, raw, mirror=mirror)


def make_twin(raw: Path, seed: int) -> None:
    """Write the twins of both parts into a folder each."""
    composite.make_twins(PARTS, raw, seed)


def read(raw: Path, *, seed: int = 0, validation_fraction: float = 0.1) -> text.TextSet:
    """Return the texts of both parts, those that are test items there as test items.

    Validation is that of the parts where upstream names one of them, else it is drawn from the texts of both.

    Raises:
        ValueError: a file of a part is not as it should be.
    """
    texts, labels, split, upstream = [], [], [], []
    for name, module in PARTS.items():
        whole = module.read(raw / name)
        cleaned = composite.clean_and_split(module, raw / name, seed, validation_fraction)
        texts += cleaned.texts
        labels.append(whole.labels[cleaned.kept] + GROUPS[name][0])
        split.append(cleaned.split)
        upstream.append(cleaned.upstream)
    splits = np.concatenate(split)
    if "validation" not in np.concatenate(upstream):
        splits = np.where(splits == "test", "test", "train")
    return text.TextSet(texts, np.concatenate(labels), splits, CLASSES)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return text.prepare(
        read(raw, seed=seed, validation_fraction=validation_fraction),
        out,
        dataset=out.name,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=movie_reviews.TEST_FRACTION,  # not used: test is given
        longest=LONGEST,
        given="parts",
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return text_expectations.build(
        counts,
        num_classes=len(CLASSES),
        class_share=(0.05, 0.35),
        characters=(3, 1200),
        most_unknown=0.1,
    )
