# SPDX-License-Identifier: Apache-2.0
"""The inputs of tasks about tables: numbers (N, F), each column with mean 0 and deviation 1 over the training items."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor


def read(
    prepared: Path, facts: dict[str, Any], splits: tuple[str, ...]
) -> Iterator[tuple[str, Tensor, Tensor, NDArray[np.int64]]]:
    """Yield of each split: its name, the inputs (N, F) float32, the targets (N,) as prepared, the items (N,).

    Args:
        prepared: folder of the prepared dataset.
        facts: what prepared.json holds.
    """
    table = pd.read_parquet(prepared / "items.parquet", columns=["item", "split"])
    arrays = load_file(prepared / "arrays.safetensors")
    predicted = arrays["labels" if facts["classes"] else "targets"]
    for split in splits:
        rows = np.flatnonzero(table["split"] == split)
        inputs = standardised(arrays["features"][rows], facts)
        yield split, inputs, predicted[rows], table["item"].to_numpy(np.int64)[rows]


def standardised(features: Tensor, facts: dict[str, Any]) -> Tensor:
    """Return features (N, F) less the mean and over the deviation that prepared.json names for each column."""
    return ((features.double() - torch.tensor(facts["mean"])) / torch.tensor(facts["std"])).float()
