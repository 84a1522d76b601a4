# SPDX-License-Identifier: Apache-2.0
"""The items of one split, as tasks load them, models learn from them and evaluation asks about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.data.items import Items, rows_of, subset


@dataclass(frozen=True)
class Batch:
    """Some items of a split in memory; the first dimension counts them."""

    inputs: Tensor
    """(M, ...), as models take them."""
    targets: Tensor
    """(M, ...)."""

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(self.inputs.to(device), self.targets.to(device))

    def split(self, size: int) -> Iterator[Batch]:
        """Yield batches of ``size`` items in order; the last may be smaller."""
        parts = (torch.split(part, size) for part in (self.inputs, self.targets))
        return (Batch(*part) for part in zip(*parts, strict=True))

    def shard(self, rank: int, world: int) -> Batch:
        """Return the items that process ``rank`` of ``world`` learns from."""
        return Batch(self.inputs[rank::world], self.targets[rank::world])


@dataclass(frozen=True)
class Split:
    """Items and their targets; the first dimension counts the items."""

    inputs: Items
    """(N, ...), as models take them; in memory or read when needed."""
    targets: Tensor
    """(N, ...) int64 classes or ids, or float32 numbers."""
    items: NDArray[np.int64]
    """(N,): each item's number in items.parquet."""
    lengths: Tensor | None = None
    """(N,) int64: how long an item is; where they are given, training makes batches of items alike in length."""

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: Tensor) -> Self:
        """Return the items of these rows (M,), in their order."""
        lengths = None if self.lengths is None else self.lengths[rows]
        return replace(
            self,
            inputs=subset(self.inputs, rows),
            targets=self.targets[rows],
            items=self.items[rows.numpy()],
            lengths=lengths,
        )

    def batch(self, rows: slice | Tensor) -> Batch:
        """Return the items of these rows, a slice or numbers (M,), in memory."""
        return Batch(rows_of(self.inputs, rows), rows_of(self.targets, rows))

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all items in order, ``size`` at a time."""
        return (self.batch(slice(first, first + size)) for first in range(0, len(self), size))


AnySplit = TypeVar("AnySplit", bound=Split)


def first_items(split: AnySplit, count: int) -> AnySplit:
    """Return the first ``count`` items; all if there are fewer."""
    return split.take(torch.arange(min(count, len(split))))
