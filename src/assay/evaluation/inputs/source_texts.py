# SPDX-License-Identifier: Apache-2.0
"""A user's source texts to translate, rewrite or summarise, one per line of UTF-8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer

from assay.data.declarations import Dataset
from assay.evaluation.inputs import class_table, files
from assay.evaluation.inputs import text as texts
from assay.files import read_json
from assay.tasks.sequence_to_sequence import Answer, Pairs, pack

SIGNATURE = "text -> text"


def read(path: Path, prepared: Path, dataset: Dataset) -> Pairs:
    """Return the texts of a file as model inputs, truncated like the dataset's sources.

    Args:
        prepared: folder of the prepared dataset.
        dataset: that dataset.

    Raises:
        ValueError: a line is blank or not UTF-8.
    """
    length, target_length = read_json(prepared / "prepared.json")["shape"]
    sources = [" ".join(texts.mending(dataset)(line).split()) for line in files.lines(path)]
    source = texts.tokens(sources, prepared, length)
    inputs, targets, lengths = pack(source, torch.zeros(len(source), target_length, dtype=torch.int64))
    return Pairs(
        inputs,
        targets,
        class_table.numbers(len(sources)),
        lengths,
        np.array(sources, object),
        np.full(len(sources), "", object),  # the targets are unknown
        Tokenizer.from_file(str(prepared / "tokenizer.json")),
    )


def rows(answer: Answer, split: Pairs) -> pd.DataFrame:
    """Return one row per item: its row in the file, and the generated text."""
    return pd.DataFrame({"row": split.items, "prediction": answer.hypotheses})
