"""Movie reviews: 10,662 sentences from reviews of films, each for or against; two classes.

Source: Pang, Lee, "Seeing stars: Exploiting class relationships for sentiment categorization with respect to
rating scales", ACL 2005, https://aclanthology.org/P05-1015; known as MR or "sentence polarity dataset v1.0".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.data import download
from assay.data.declarations import Source, TextAugmentation
from assay.data.download import RemoteFile
from assay.data.expectations import text as text_expectations
from assay.data.preparation import text
from assay.data.synthetic import sentences
from assay.files import replacing

CLASSES = ("negative", "positive")
TEST_FRACTION = 0.1
LONGEST = 48  # tokens; one sentence in a hundred is longer
_FILES = ("rt-polarity.neg", "rt-polarity.pos")  # in the order of CLASSES
_ENCODING = "windows-1252"
_TWIN_ITEMS = 60  # of each class


def _remote(name: str, size: int, sha256: str) -> RemoteFile:
    host = "https://raw.githubusercontent.com/yoonkim/CNN_sentence/23e0e1f7355705bb083043fda05c031b15acb38c"
    return RemoteFile("movie_reviews", name, (f"{host}/{name}",), size, sha256)


SOURCE = Source(
    name="movie_reviews",
    files=(
        _remote(_FILES[0], 612_256, "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca"),
        _remote(_FILES[1], 626_139, "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0"),
    ),
    licence='unstated (yoonkim/CNN_sentence: "Please cite the original paper when using the data.")',
    citation=(
        "Pang, Lee (2005). Seeing stars: Exploiting class relationships for sentiment categorization with"
        " respect to rating scales. ACL 2005."
    ),
    homepage="https://www.cs.cornell.edu/people/pabo/movie-review-data/",
    quirks=(
        "No upstream split: papers use ten-fold cross-validation, here one test part is drawn, so that"
        " published values are near but not the same measurement. Windows-1252, not UTF-8, and only LF ends a"
        " line. Sentences are tokenised and lower-case already. No repeated lines. Exactly balanced (5331 a"
        " class)."
    ),
)

AUGMENTATION = TextAugmentation(drop=0.1, swap=0.05)


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring upstream's files into ``raw``; return their addresses, sizes and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    return download.describe(download.fetch(SOURCE.files, raw, mirror=mirror))


def make_twin(raw: Path, seed: int) -> None:
    """Write a made dataset of the same shape into ``raw``, in upstream's files."""
    words, labels = sentences.draw_sentences(
        np.random.default_rng([seed, *SOURCE.name.encode()]), num_classes=len(CLASSES), per_class=_TWIN_ITEMS
    )
    for label, name in enumerate(_FILES):
        lines = [" ".join(line) + " . \n" for line, of in zip(words, labels, strict=True) if of == label]
        with replacing(raw / name) as aside:
            aside.write_bytes("".join(lines).encode(_ENCODING))


def read(raw: Path) -> text.TextSet:
    """Return what upstream's files hold: against, then for.

    Raises:
        ValueError: a file is not Windows-1252, or a line of it is empty.
    """
    texts, labels = [], []
    for label, name in enumerate(_FILES):
        for row, line in enumerate(text.read_lines(raw / name, encoding=_ENCODING), start=1):
            texts.append(text.require_text(raw / name, row, line))
            labels.append(label)
    return text.TextSet(texts, np.array(labels, dtype=np.int64), np.full(len(texts), ""), CLASSES)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return text.prepare(
        read(raw),
        out,
        dataset=out.name,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
        longest=LONGEST,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return text_expectations.build(
        counts,
        num_classes=len(CLASSES),
        class_share=(0.45, 0.55),
        characters=(3, 300),
        most_unknown=0.1,
    )
