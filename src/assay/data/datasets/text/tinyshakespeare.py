"""Tiny Shakespeare: 40,000 lines of Shakespeare's plays in one file, 1,115,394 characters, 65 different ones.

Source: Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015,
https://karpathy.github.io/2015/05/21/rnn-effectiveness/.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.data import download
from assay.data.declarations import Source, TextAugmentation
from assay.data.download import RemoteFile
from assay.data.expectations import characters as character_expectations
from assay.data.preparation import characters
from assay.files import write_text

TEST_FRACTION = 0.05
_TWIN_WINDOWS = 300
_NAMES = ("FIRST LORD", "PORTER", "DUCHESS", "YORICK")
_WORDS = "the and to of my is that in thou your not with it his be for have this me you king come night sweet"

_FILE = RemoteFile(
    "tinyshakespeare",
    "input.txt",
    (
        "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
        "/data/tinyshakespeare/input.txt",
    ),
    1_115_394,
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)

SOURCE = Source(
    name="tinyshakespeare",
    files=(_FILE,),
    licence="text: public domain works, licence unstated by upstream; the repository karpathy/char-rnn says MIT",
    citation="Karpathy (2015). The Unreasonable Effectiveness of Recurrent Neural Networks (char-rnn).",
    homepage="https://github.com/karpathy/char-rnn",
    quirks=(
        "No upstream split. nanoGPT trains on the first 90% of the characters and reports the loss on the other"
        " 10%, by which it also chooses; here those 10% are halved, the first half for choices, the second for test."
        " The end of the file is not like its beginning: other plays."
        " Plain ASCII; every character of test stands in training. No two windows of 64 characters are equal."
    ),
)

AUGMENTATION = TextAugmentation(
    drop=0.0, swap=0.0
)  # each character is a target: a changed one would be learned


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring upstream's file into ``raw``; return its address, size and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    return download.describe(download.fetch(SOURCE.files, raw, mirror=mirror))


def make_twin(raw: Path, seed: int) -> None:
    """Write made speeches into ``raw``, in upstream's file."""
    rng = np.random.default_rng([seed, *SOURCE.name.encode()])
    text, length = "", _TWIN_WINDOWS * characters.WINDOW + 1
    while len(text) < length:
        words = " ".join(rng.choice(_WORDS.split(), size=rng.integers(5, 20)))
        text += f"{rng.choice(_NAMES)}:\n{words.capitalize()}.\n\n"
    write_text(raw / _FILE.name, text[:length])


def read(raw: Path) -> characters.LongText:
    """Return the text.

    Raises:
        ValueError: the file is not UTF-8, or too short.
    """
    return characters.read_text(raw / _FILE.name)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Cut, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    del seed  # the split goes by position
    return characters.prepare(
        read(raw),
        out,
        dataset=out.name,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared windows; ``counts`` are those of each split."""
    return character_expectations.build(counts, distinct=(2, 45), most_unknown=0.001)  # the last is short
