# SPDX-License-Identifier: Apache-2.0
"""The files of WNUT 2017: 5,690 sentences from social media with new and rare named entities of six types.

:mod:`assay.data.datasets.text.wnut17` makes a dataset of them.

Source: Derczynski, Nichols, van Erp, Limsopatham, "Results of the WNUT2017 Shared Task on Novel and Emerging
Entity Recognition", W-NUT 2017, https://aclanthology.org/W17-4418.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np

from assay.data.datasets.text import entity_grammar
from assay.data.declarations import Files, Source
from assay.data.download import remote_files
from assay.data.preparation import tagged
from assay.data.preparation.cleaning import SPLITS
from assay.files import write_text

TAGS = tagged.tag_names(("corporation", "creative-work", "group", "location", "person", "product"))
_FOLDER = (
    "https://raw.githubusercontent.com/leondz/emerging_entities_17/e52a2d2a71ac1a051ca2d532eef28653c5c02603"
)
_FILES = {
    "wnut17train.conll": (493_781, "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5"),
    "emerging.dev.conll": (114_749, "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8"),
    "emerging.test.annotated": (192_425, "2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0"),
}
_SPLITS = dict(zip(SPLITS, _FILES, strict=True))
_TWIN_ITEMS = {"train": 160, "validation": 40, "test": 40}


class Sentences(Files):
    """One file per split."""

    def make_twin(self, raw: Path, seed: int) -> None:
        """Write sentences of the entity grammar, which has three of the six types, into ``raw``."""
        rng = random.Random(f"wnut17 {seed}")
        drawn = iter(entity_grammar.draw_sentences(rng, sum(_TWIN_ITEMS.values())))
        for split, count in _TWIN_ITEMS.items():
            write_text(raw / _SPLITS[split], tagged.conll(itertools.islice(drawn, count)))

    def read(self, raw: Path) -> tagged.TaggedSet:
        """Return the sentences of upstream's files: train, validation, test."""
        words, tags, split = [], [], []
        for name, file in _SPLITS.items():
            sentences, numbers = tagged.read_conll(raw / file, TAGS)
            words += sentences
            tags += numbers
            split += [name] * len(sentences)
        return tagged.TaggedSet(words, tags, np.array(split), TAGS)


SENTENCES = Sentences(
    source=Source(
        name="wnut17",
        files=remote_files("wnut17", _FILES, _FOLDER),
        licence="CC BY 4.0",
        citation=(
            "Derczynski, Nichols, van Erp, Limsopatham (2017). Results of the WNUT2017 Shared Task on Novel and"
            " Emerging Entity Recognition. W-NUT 2017."
        ),
        published="2017",
        homepage="https://noisy-text.github.io/2017/emerging-rare-entities.html",
        quirks=(
            "Upstream's three splits come from different sites (Twitter; YouTube; Reddit, Twitter, YouTube and"
            " StackExchange), and most entities of test are in no other split. Some sentences are repeated and"
            " dropped, also in test: published values are for all 1,287 test sentences. Separator lines of train hold a"
            " tab; quotation marks are words."
        ),
    ),
)
