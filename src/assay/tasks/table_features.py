# SPDX-License-Identifier: Apache-2.0
"""The inputs of tasks about tables: numbers (N, F), each column with mean 0 and deviation 1 over the training items."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.data import items, reading
from assay.data.items import Items


def read(
    prepared: Path, facts: dict[str, Any], splits: tuple[str, ...]
) -> Iterator[tuple[str, Items, Tensor, NDArray[np.int64]]]:
    """Yield of each split: its name, the inputs (N, F) float32, the targets (N,) as prepared, the items (N,).

    Args:
        prepared: folder of the prepared dataset.
        facts: what prepared.json holds.
    """
    arrays = reading.arrays(prepared)
    predicted = arrays["labels" if facts["classes"] else "targets"]
    for name, of in reading.split_rows(prepared, splits).items():
        inputs = items.read(arrays["features"], of.rows, partial(standardised, facts=facts))
        yield name, inputs, torch.from_numpy(predicted[of.rows]), of.items


def standardised(features: Tensor, facts: dict[str, Any]) -> Tensor:
    """Return features (N, F) less the mean and over the deviation that prepared.json names for each column."""
    return ((features.double() - torch.tensor(facts["mean"])) / torch.tensor(facts["std"])).float()
