# SPDX-License-Identifier: Apache-2.0
"""The inputs of tasks about single texts: token ids (N, T), padded with 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.data import items, reading
from assay.data.items import Items
from assay.data.special_tokens import PADDING


@dataclass(frozen=True)
class Texts:
    """The texts of one split."""

    inputs: Items
    """(N, T) int64."""
    labels: Tensor
    """(N,) int64."""
    items: NDArray[np.int64]
    """(N,)."""
    lengths: Tensor
    """(N,) int64: the number of ids of each text."""


def read(prepared: Path, splits: tuple[str, ...]) -> Iterator[tuple[str, Texts]]:
    """Yield each named split's name and texts.

    Args:
        prepared: folder of the prepared dataset.
    """
    arrays = reading.arrays(prepared)
    for name, of in reading.split_rows(prepared, splits).items():
        inputs = items.read(arrays["tokens"], of.rows, Tensor.long)
        labels = torch.from_numpy(arrays["labels"][of.rows]).long()
        yield name, Texts(inputs, labels, of.items, _lengths(arrays["tokens"], of.rows))


def _lengths(tokens: NDArray[Any], rows: NDArray[np.int64]) -> Tensor:
    counts = [np.count_nonzero(tokens[block] != PADDING, axis=1) for block in items.blocks(rows)]
    return torch.from_numpy(np.concatenate(counts))
