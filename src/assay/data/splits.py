# SPDX-License-Identifier: Apache-2.0
"""The items of one split, which tasks load for training and evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.data.items import Items, rows_of, subset


@dataclass(frozen=True)
class Batch:
    """A batch of items in memory; the first dimension is the batch dimension."""

    inputs: Tensor
    """(M, ...), as model inputs."""
    targets: Tensor
    """(M, ...)."""
    weights: Tensor | None = None
    """(M,) float32: the weight of each item in the training loss; None if all are equal."""

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return self._each(lambda part: part.to(device))

    def split(self, size: int) -> Iterator[Batch]:
        """Yield batches of ``size`` items in order; the last may be smaller."""
        kept = [part for part in (self.inputs, self.targets, self.weights) if part is not None]
        return (Batch(*parts) for parts in zip(*(torch.split(part, size) for part in kept), strict=True))

    def shard(self, rank: int, world: int) -> Batch:
        """Return the items for process ``rank`` of ``world``."""
        return self._each(lambda part: part[rank::world])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        weights = None if self.weights is None else change(self.weights)
        return Batch(change(self.inputs), change(self.targets), weights)


@dataclass(frozen=True)
class Split:
    """Items and their targets; the first dimension is that of the items."""

    inputs: Items
    """(N, ...), as model inputs; in memory, or read lazily."""
    targets: Tensor
    """(N, ...) int64 classes or ids, or float32 numbers."""
    items: NDArray[np.int64]
    """(N,): each item's number in items.parquet."""
    lengths: Tensor | None = None
    """(N,) int64: the length of each item; if given, training makes batches of items of similar length."""
    weights: Tensor | None = field(default=None, kw_only=True)
    """(N,) float32 above 0: the weight of each item in the training loss; None if all are equal."""

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: Tensor) -> Self:
        """Return the items of these rows (M,), in their order."""
        lengths, weights = (None if each is None else each[rows] for each in (self.lengths, self.weights))
        return replace(
            self,
            inputs=subset(self.inputs, rows),
            targets=self.targets[rows],
            items=self.items[rows.numpy()],
            lengths=lengths,
            weights=weights,
        )

    def batch(self, rows: slice | Tensor) -> Batch:
        """Return the items of these rows, a slice or numbers (M,), in memory."""
        weights = None if self.weights is None else rows_of(self.weights, rows)
        return Batch(rows_of(self.inputs, rows), rows_of(self.targets, rows), weights)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all items in order, ``size`` at a time."""
        return (self.batch(slice(first, first + size)) for first in range(0, len(self), size))


AnySplit = TypeVar("AnySplit", bound=Split)


def first_items(split: AnySplit, count: int) -> AnySplit:
    """Return the first ``count`` items; all if there are fewer."""
    return split.take(torch.arange(min(count, len(split))))
