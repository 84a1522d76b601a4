# SPDX-License-Identifier: Apache-2.0
"""The items of one split, as tasks load them, models learn from them and evaluation asks about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Split:
    """Items and their targets; the first dimension counts the items."""

    inputs: Tensor
    """(N, ...), as models take them."""
    targets: Tensor
    """(N, ...) int64."""
    items: NDArray[np.int64]
    """(N,): each item's number in items.parquet."""
    lengths: Tensor | None = None
    """(N,) int64: how long an item is; where they are given, training makes batches of items alike in length."""

    def take(self, rows: Tensor) -> Self:
        """Return the items of these rows (M,), in their order."""
        lengths = None if self.lengths is None else self.lengths[rows]
        return replace(
            self,
            inputs=self.inputs[rows],
            targets=self.targets[rows],
            items=self.items[rows.numpy()],
            lengths=lengths,
        )


AnySplit = TypeVar("AnySplit", bound=Split)


def first_items(split: AnySplit, count: int) -> AnySplit:
    """Return the first ``count`` items; all if there are fewer."""
    return split.take(torch.arange(min(count, len(split.targets))))
