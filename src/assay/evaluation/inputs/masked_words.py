# SPDX-License-Identifier: Apache-2.0
"""A user's texts, one per line, each with ``____`` for the missing word."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from tokenizers import Tokenizer

from assay.data.declarations import Dataset
from assay.data.preparation.text import pad
from assay.data.special_tokens import MASK
from assay.evaluation.inputs import class_table, files
from assay.files import read_json
from assay.tasks.masked_words import MISSING, Answer, Texts, vocabulary

SIGNATURE = "text -> missing word"


def read(path: Path, prepared: Path, dataset: Dataset) -> Texts:
    """Return the texts of a file as model inputs.

    Args:
        prepared: folder of the prepared dataset.
        dataset: that dataset.

    Raises:
        ValueError: a line does not have exactly one missing word, or has it beyond the model's length.
    """
    del dataset
    tokenizer = Tokenizer.from_file(str(prepared / "tokenizer.json"))
    length, ids = read_json(prepared / "prepared.json")["shape"][0], []
    for row, line in enumerate(files.lines(path), start=1):
        parts = [tokenizer.encode(" ".join(part.split())).ids for part in line.split(MISSING)]
        if len(parts) != 2:
            raise files.wrong(path, row, f"{len(parts) - 1} times {MISSING}; it is expected once")
        if len(parts[0]) >= length:
            raise files.wrong(
                path, row, f"{MISSING} is token {len(parts[0]) + 1}; at most the first {length} are read"
            )
        ids.append([*parts[0], MASK, *parts[1]])
    nothing, items = torch.zeros(len(ids), dtype=torch.int64), class_table.numbers(len(ids))
    return Texts(torch.from_numpy(pad(ids, length)).long(), nothing, items, words=vocabulary(prepared))


def rows(answer: Answer, split: Texts) -> pd.DataFrame:
    """Return one row per item: its row in the file, the predicted word and its probability."""
    return class_table.rows(
        answer.logits, class_table.Unlabelled(split.inputs, split.targets, split.items, classes=split.words)
    )
