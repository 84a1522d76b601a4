# SPDX-License-Identifier: Apache-2.0
"""The inputs of tasks about tables: features (N, F), standardised as :class:`TableEncoder` has learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.data import items, reading
from assay.data.items import Items
from assay.data.preparation.table_encoder import TableEncoder


@dataclass(frozen=True)
class Rows:
    """The rows of one split."""

    inputs: Items
    """(N, F) float32."""
    targets: Tensor
    """(N,) as in the prepared dataset."""
    items: NDArray[np.int64]
    """(N,)."""
    weights: Tensor | None
    """(N,) float32, if the dataset has weights."""


def read(prepared: Path, facts: dict[str, Any], splits: tuple[str, ...]) -> Iterator[tuple[str, Rows]]:
    """Yield each named split's name and rows.

    Args:
        prepared: folder of the prepared dataset.
        facts: the contents of prepared.json.
    """
    arrays, encoder = reading.arrays(prepared), TableEncoder.load(prepared)
    predicted = arrays["labels" if facts["classes"] else "targets"]
    for name, of in reading.split_rows(prepared, splits).items():
        inputs = items.read(arrays["features"], of.rows, partial(standardised, encoder=encoder))
        weights = torch.from_numpy(arrays["weights"][of.rows]) if "weights" in arrays else None
        yield name, Rows(inputs, torch.from_numpy(predicted[of.rows]), of.items, weights)


def standardised(features: Tensor, encoder: TableEncoder) -> Tensor:
    """Return features (N, F), as the encoder returns them, standardised: float32."""
    mean, std = (torch.tensor(scale, dtype=features.dtype) for scale in (encoder.mean, encoder.std))
    return ((features.double() - mean) / std).float()
