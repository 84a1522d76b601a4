# SPDX-License-Identifier: Apache-2.0
"""A user's sentences to tag, one per line, words separated by spaces."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from assay.data.declarations import Dataset
from assay.data.preparation.tagged import NO_TAG, encode
from assay.evaluation.inputs import class_table, files
from assay.files import read_json
from assay.tasks.tagging import Sentences, with_characters

SIGNATURE = "text -> tags"


def read(path: Path, prepared: Path, dataset: Dataset) -> Sentences:
    """Return the sentences of a file as model inputs.

    Args:
        prepared: folder of the prepared dataset.
        dataset: that dataset.

    Raises:
        ValueError: a sentence has more words than the dataset's longest one.
    """
    del dataset
    facts, words = read_json(prepared / "prepared.json"), [line.split() for line in files.lines(path)]
    most = facts["shape"][0]
    for row, sentence in enumerate(words, start=1):
        if len(sentence) > most:
            raise files.wrong(path, row, f"{len(sentence)} words; allowed are {most}, as in the dataset")
    nothing = [[NO_TAG] * len(sentence) for sentence in words]
    known = [
        Tokenizer.from_file(str(prepared / name)).get_vocab()
        for name in ("tokenizer.json", "characters.json")
    ]
    arrays = {name: torch.from_numpy(values) for name, values in encode(words, nothing, *known).items()}
    inputs = with_characters(arrays["words"], arrays["characters"])
    inputs = F.pad(inputs, (0, 0, 0, most - inputs.shape[1]))
    return Sentences(
        inputs,
        torch.full(inputs.shape[:2], NO_TAG),
        class_table.numbers(len(words)),
        words=tuple(map(tuple, words)),
        classes=tuple(facts["classes"]),
    )


def rows(outputs: Tensor, split: Sentences) -> pd.DataFrame:
    """Return one row per sentence: its row in the file, and the words' tags, separated by spaces."""
    tags = [
        " ".join(split.classes[tag] for tag in row[: len(words)])
        for row, words in zip(outputs.argmax(2).tolist(), split.words, strict=True)
    ]
    return pd.DataFrame({"row": split.items, "prediction": tags})
