# SPDX-License-Identifier: Apache-2.0
"""Beginnings of texts, one per line of UTF-8: the bits per character of each, and a continuation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer
from torch import Tensor

from assay.data.declarations import Dataset
from assay.data.preparation.characters import LongText, pair
from assay.evaluation.inputs import class_table, files
from assay.tasks.language_modelling import SAMPLED, Answer, Windows, sample

SIGNATURE = "text -> next character"


@dataclass(frozen=True)
class Beginnings(Windows):
    """The windows of all texts; ``items`` (N,) is the row in the file to which each belongs."""

    prompts: tuple[Tensor, ...] = ()
    """Each text's ids (1, P)."""


def read(path: Path, prepared: Path, dataset: Dataset) -> Beginnings:
    """Return the texts of a file as model inputs, in windows.

    Args:
        prepared: folder of the prepared dataset.
        dataset: that dataset.

    Raises:
        ValueError: a line is blank or not UTF-8.
    """
    del dataset
    tokenizer, texts = Tokenizer.from_file(str(prepared / "tokenizer.json")), files.lines(path)
    windows = [LongText(text).windows() or [text] for text in texts]
    of_text = np.repeat(class_table.numbers(len(texts)), [len(each) for each in windows])
    ids = [encoding.ids for encoding in tokenizer.encode_batch([each for of in windows for each in of])]
    inputs, targets = (torch.from_numpy(part).long() for part in pair(ids, ignored_targets=0))
    prompts = [torch.tensor([encoding.ids]) for encoding in tokenizer.encode_batch(texts)]
    return Beginnings(inputs, targets, of_text, tokenizer=tokenizer, prompts=tuple(prompts))


def rows(answer: Answer, split: Beginnings) -> pd.DataFrame:
    """Return one row per text: its row in the file, the mean bits per character after the first, and a continuation.

    Continuations are sampled with a fixed seed. A text of one character has no bits.
    """
    sums = pd.DataFrame({"row": split.items, "nats": answer.nats, "characters": answer.characters})
    sums = sums.groupby("row", as_index=False).sum()
    counted = sums["characters"].where(sums["characters"] > 0)
    return pd.DataFrame(
        {
            "row": sums["row"],
            "bits_per_character": sums["nats"] / counted / math.log(2),
            "continuation": [continuation(answer, split, prompt) for prompt in split.prompts],
        }
    )


def continuation(answer: Answer, split: Beginnings, prompt: Tensor) -> str:
    """Return the text that a model generates after ids (1, P)."""
    assert split.tokenizer is not None
    ids = sample(answer.predictor, prompt, SAMPLED, split.inputs.shape[1])[0, prompt.shape[1] :]
    text: str = split.tokenizer.decode(ids.tolist())
    return text
