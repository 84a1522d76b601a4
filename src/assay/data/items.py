# SPDX-License-Identifier: Apache-2.0
"""The inputs of a split: a tensor in memory, or items that are read lazily."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IN_MEMORY_BYTES = 256 * 2**20
"""A split whose inputs are larger than this in the models' format is read lazily from its file."""

BLOCK_ROWS = 16384


class LazyItems(Protocol):
    """Items that are read lazily: from a memory-mapped file, or by a loader that makes them one by one."""

    @property
    def shape(self) -> torch.Size:
        """(N, ...)."""

    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, rows: slice | Tensor, /) -> Tensor:
        """Return the items of these rows, (M, ...); rows are a slice or numbers (M,) int64."""

    @abstractmethod
    def subset(self, rows: Tensor) -> LazyItems:
        """Return the items of these rows (M,) without reading them."""


Items = Tensor | LazyItems
"""(N, ...), indexed by a slice or by row numbers (M,)."""


def subset(items: Items, rows: Tensor) -> Items:
    """Return the items of these rows (M,), in memory or still lazy."""
    return items[rows] if isinstance(items, Tensor) else items.subset(rows)


def rows_of(items: Items, rows: slice | Tensor) -> Tensor:
    """Return the items of these rows, a slice or numbers (M,), in memory."""
    if isinstance(items, Tensor) and isinstance(rows, Tensor):
        return items.index_select(0, rows)  # faster than items[rows]
    return items[rows]


def in_memory(items: Items) -> Tensor:
    """Return all items (N, ...) as one tensor."""
    return items if isinstance(items, Tensor) else items[:]


@dataclass(frozen=True)
class MappedItems(LazyItems):
    """Rows of an array in a memory-mapped file; the kernel caches as much as fits into memory."""

    stored: NDArray[Any]
    """(R, ...), read-only."""
    rows: NDArray[np.int64]
    """(N,) rows of ``stored``."""
    transform: Callable[[Tensor], Tensor]
    """From stored rows (M, ...) to model inputs, row by row."""

    @property
    def shape(self) -> torch.Size:
        return torch.Size([len(self.rows), *self[:0].shape[1:]])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice | Tensor, /) -> Tensor:
        chosen = self.rows[rows.numpy() if isinstance(rows, Tensor) else rows]
        return self.transform(torch.from_numpy(self.stored.take(chosen, axis=0)))

    def subset(self, rows: Tensor) -> MappedItems:
        return replace(self, rows=self.rows[rows.numpy()])


def blocks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield rows (N,) in order in blocks, to bound the memory of computations; one empty block if there are none."""
    return (rows[first : first + BLOCK_ROWS] for first in range(0, max(len(rows), 1), BLOCK_ROWS))


def read(stored: NDArray[Any], rows: NDArray[np.int64], transform: Callable[[Tensor], Tensor]) -> Items:
    """Return rows (N,) of a memory-mapped array, in memory if they fit into ``IN_MEMORY_BYTES``.

    Args:
        transform: from stored rows (M, ...) to model inputs, row by row, so that both ways give the same
            bits.
    """
    mapped = MappedItems(stored, rows, transform)
    fits = mapped[:1].nbytes * len(rows) <= IN_MEMORY_BYTES
    return mapped[:] if fits else mapped
