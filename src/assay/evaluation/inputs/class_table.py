# SPDX-License-Identifier: Apache-2.0
"""Predictions of one class per item: its name and its probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from assay.data.splits import Split


@dataclass(frozen=True)
class Unlabelled(Split):
    """Items without labels; the targets (N,) are zeros that nothing reads."""

    classes: tuple[str, ...] = ()
    """The names of the dataset's classes."""


def split(inputs: Tensor, facts: dict[str, Any]) -> Unlabelled:
    """Return inputs (N, ...) as the rows of a file.

    Args:
        facts: the content of prepared.json.
    """
    nothing = torch.zeros(len(inputs), dtype=torch.int64)
    return Unlabelled(inputs, nothing, numbers(len(inputs)), classes=tuple(facts["classes"]))


def numbers(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the numbers (count,) of a file's rows."""
    return np.arange(1, count + 1)


def rows(logits: Tensor, split: Unlabelled) -> pd.DataFrame:
    """Return one row per item: its row in the file, the predicted class and its probability."""
    confidence, predicted = logits.double().softmax(1).max(1)
    # A task may have other classes than the dataset; these have only numbers.
    names = split.classes if len(split.classes) == logits.shape[1] else [*map(str, range(logits.shape[1]))]
    return pd.DataFrame(
        {
            "row": split.items,
            "prediction": [names[number] for number in predicted.tolist()],
            "confidence": confidence.numpy(),
        }
    )
