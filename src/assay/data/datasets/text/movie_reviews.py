# SPDX-License-Identifier: Apache-2.0
"""Movie reviews: 10,662 sentences from reviews of films, positive or negative; two classes.

Source: Pang, Lee, "Seeing stars: Exploiting class relationships for sentiment categorization with respect to
rating scales", ACL 2005, https://aclanthology.org/P05-1015; known as MR or "sentence polarity dataset v1.0".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.download import remote_files
from assay.data.families.texts import LabelledTexts
from assay.data.preparation import text
from assay.data.synthetic import sentences
from assay.files import replacing

_FOLDER = "https://raw.githubusercontent.com/yoonkim/CNN_sentence/23e0e1f7355705bb083043fda05c031b15acb38c"
_FILES = {  # in the order of the classes
    "rt-polarity.neg": (612_256, "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca"),
    "rt-polarity.pos": (626_139, "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0"),
}
_ENCODING = "windows-1252"
_TWIN_ITEMS = 60  # of each class


class MovieReviews(LabelledTexts):
    """One file per class, with one sentence per line."""

    def make_twin(self, raw: Path, seed: int) -> None:
        words, labels = sentences.draw_sentences(
            self.twin_rng(seed), num_classes=len(self.classes), per_class=_TWIN_ITEMS
        )
        for label, name in enumerate(_FILES):
            lines = [" ".join(line) + " . \n" for line, of in zip(words, labels, strict=True) if of == label]
            with replacing(raw / name) as aside:
                aside.write_bytes("".join(lines).encode(_ENCODING))

    def read(self, raw: Path) -> text.TextSet:
        """Return the sentences of upstream's files: negative, then positive."""
        texts, labels = [], []
        for label, name in enumerate(_FILES):
            for row, line in enumerate(text.read_lines(raw / name, encoding=_ENCODING), start=1):
                texts.append(text.require_text(raw / name, row, line))
                labels.append(label)
        return text.TextSet(texts, np.array(labels, dtype=np.int64), np.full(len(texts), ""), self.classes)


DATASET: Dataset = MovieReviews(
    source=Source(
        name="movie_reviews",
        files=remote_files("movie_reviews", _FILES, _FOLDER),
        licence='unstated (yoonkim/CNN_sentence: "Please cite the original paper when using the data.")',
        citation=(
            "Pang, Lee (2005). Seeing stars: Exploiting class relationships for sentiment categorization with"
            " respect to rating scales. ACL 2005."
        ),
        published="2005",
        homepage="https://www.cs.cornell.edu/people/pabo/movie-review-data/",
        quirks=(
            "No upstream split: papers use ten-fold cross-validation, and here one test part is drawn, so"
            " published values are similar but not the same measurement. Windows-1252, not UTF-8, and only LF ends a"
            " line. Sentences are tokenised and lower-case already. No repeated lines. Exactly balanced (5331 per"
            " class)."
        ),
    ),
    augmentation=TextAugmentation(drop=0.1, swap=0.05),
    classes=("negative", "positive"),
    test_fraction=0.1,
    longest=48,  # one sentence in a hundred is longer
    class_share=(0.45, 0.55),
    characters=(3, 300),
    max_oov_rate=0.1,
)
