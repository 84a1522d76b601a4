"""The files of WNUT 2017: 5,690 sentences from social media with their named entities, new and rare ones; six types.

:mod:`assay.data.datasets.text.wnut17` makes a dataset of them.

Source: Derczynski, Nichols, van Erp, Limsopatham, "Results of the WNUT2017 Shared Task on Novel and Emerging
Entity Recognition", W-NUT 2017, https://aclanthology.org/W17-4418.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from assay.data import download
from assay.data.datasets.text import entity_grammar
from assay.data.declarations import Source
from assay.data.download import RemoteFile
from assay.data.preparation import tagged

TYPES = ("corporation", "creative-work", "group", "location", "person", "product")
TAGS = tagged.tag_names(TYPES)
_FILES = {
    "train": "wnut17train.conll",
    "validation": "emerging.dev.conll",
    "test": "emerging.test.annotated",
}
_TWIN_ITEMS = {"train": 160, "validation": 40, "test": 40}


def _remote(name: str, size: int, sha256: str) -> RemoteFile:
    host = "https://raw.githubusercontent.com/leondz/emerging_entities_17/e52a2d2a71ac1a051ca2d532eef28653c5c02603"
    return RemoteFile("wnut17", name, (f"{host}/{name}",), size, sha256)


SOURCE = Source(
    name="wnut17",
    files=(
        _remote(_FILES["train"], 493_781, "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5"),
        _remote(
            _FILES["validation"], 114_749, "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8"
        ),
        _remote(_FILES["test"], 192_425, "2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0"),
    ),
    licence="CC BY 4.0",
    citation=(
        "Derczynski, Nichols, van Erp, Limsopatham (2017). Results of the WNUT2017 Shared Task on Novel and"
        " Emerging Entity Recognition. W-NUT 2017."
    ),
    homepage="https://noisy-text.github.io/2017/emerging-rare-entities.html",
    quirks=(
        "Upstream's three splits come from different sites (Twitter; YouTube; Reddit, Twitter, YouTube and"
        " StackExchange), and most entities of test stand in no other split. Some sentences repeat and are"
        " dropped, in test too: published values are of all 1,287 test sentences. Separator lines of train hold a"
        " tab; quotation marks are words."
    ),
)


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring upstream's files into ``raw``; return their addresses, sizes and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    return download.describe(download.fetch(SOURCE.files, raw, mirror=mirror))


def make_twin(raw: Path, seed: int) -> None:
    """Write sentences of the entity grammar, which has three of the types, into ``raw``, in upstream's files."""
    drawn = iter(entity_grammar.draw_sentences(f"wnut17 {seed}", sum(_TWIN_ITEMS.values())))
    for split, count in _TWIN_ITEMS.items():
        tagged.write_conll(raw / _FILES[split], itertools.islice(drawn, count))


def read(raw: Path) -> tagged.TaggedSet:
    """Return what upstream's files hold: train, validation, test.

    Raises:
        ValueError: a file is not UTF-8 or empty, or a line of it has not a word and a known tag.
    """
    words, tags, split = [], [], []
    for name, file in _FILES.items():
        sentences, numbers = tagged.read_conll(raw / file, TAGS)
        words += sentences
        tags += numbers
        split += [name] * len(sentences)
    return tagged.TaggedSet(words, tags, np.array(split), TAGS)
