# SPDX-License-Identifier: Apache-2.0
"""Tiny Shakespeare: 40,000 lines of Shakespeare's plays in one file, 1,115,394 characters, 65 different ones.

Source: Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015,
https://karpathy.github.io/2015/05/21/rnn-effectiveness/.
"""

from __future__ import annotations

from pathlib import Path

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.download import remote_files
from assay.data.families.characters import LongText
from assay.data.preparation.characters import WINDOW
from assay.files import write_text

_TWIN_WINDOWS = 300
_NAMES = ("FIRST LORD", "PORTER", "DUCHESS", "YORICK")
_WORDS = "the and to of my is that in thou your not with it his be for have this me you king come night sweet"
_REPOSITORY = "https://raw.githubusercontent.com/karpathy/char-rnn"
_FOLDER = f"{_REPOSITORY}/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare"
_FILES = {"input.txt": (1_115_394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed")}


class TinyShakespeare(LongText):
    """A file of plays."""

    def make_twin(self, raw: Path, seed: int) -> None:
        """Write generated speeches into ``raw``."""
        rng = self.twin_rng(seed)
        text, length = "", _TWIN_WINDOWS * WINDOW + 1
        while len(text) < length:
            words = " ".join(rng.choice(_WORDS.split(), size=rng.integers(5, 20)))
            text += f"{rng.choice(_NAMES)}:\n{words.capitalize()}.\n\n"
        write_text(self.file(raw), text[:length])


DATASET: Dataset = TinyShakespeare(
    source=Source(
        name="tinyshakespeare",
        files=remote_files("tinyshakespeare", _FILES, _FOLDER),
        licence="text: public domain works, licence unstated by upstream; the repository karpathy/char-rnn says MIT",
        citation="Karpathy (2015). The Unreasonable Effectiveness of Recurrent Neural Networks (char-rnn).",
        published="2015",
        homepage="https://github.com/karpathy/char-rnn",
        quirks=(
            "No upstream split. nanoGPT trains on the first 90% of the characters and reports the loss on the other"
            " 10%, which it also uses for model selection; here these are halved, the first half for validation, the"
            " second for test. The end of the file differs from its beginning: it has other plays."
            " Plain ASCII; every character of test is in training. No two windows of 64 characters are equal."
        ),
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),  # a changed character would be learned
    test_fraction=0.05,
    distinct=(2, 45),  # the last is short
    max_oov_rate=0.001,
)
