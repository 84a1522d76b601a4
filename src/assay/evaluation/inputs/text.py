# SPDX-License-Identifier: Apache-2.0
"""A user's texts to classify, one per line of UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from assay.data.declarations import Dataset, Files, Mends
from assay.data.preparation.text import pad
from assay.data.splits import Split
from assay.evaluation.inputs import class_table, files
from assay.files import read_json

rows = class_table.rows

SIGNATURE = "text -> class"


def read(path: Path, prepared: Path, dataset: Dataset) -> Split:
    """Return the texts of a file as model inputs, fixed and truncated like the dataset's.

    Args:
        prepared: folder of the prepared dataset.
        dataset: that dataset.

    Raises:
        ValueError: a line is blank or not UTF-8.
    """
    facts = read_json(prepared / "prepared.json")
    texts = [mending(dataset)(text) for text in files.lines(path)]
    return class_table.split(tokens(texts, prepared, facts["shape"][0]), facts)


def mending(dataset: Files) -> Callable[[str], str]:
    """Return the function by which a dataset fixes upstream's texts."""
    return dataset.mend if isinstance(dataset, Mends) else str


def tokens(texts: Sequence[str], prepared: Path, length: int) -> Tensor:
    """Return the ids (N, length) of texts by the dataset's tokenizer, with whitespace collapsed."""
    tokenizer = Tokenizer.from_file(str(prepared / "tokenizer.json"))
    whole = [" ".join(text.split()) for text in texts]
    ids = [encoding.ids for encoding in tokenizer.encode_batch(whole)]
    return torch.from_numpy(pad(ids, length)).long()
