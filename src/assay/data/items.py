# SPDX-License-Identifier: Apache-2.0
"""What a split's items are read from: a tensor in memory, or what reads them when they are needed."""

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
"""A split whose inputs take more than this, as models take them, stays in its file."""

BLOCK_ROWS = 16384


class LazyItems(Protocol):
    """Items that are read when they are needed: from a mapped file, or by a loader that makes them one by one."""

    @property
    def shape(self) -> torch.Size:
        """(N, ...)."""

    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, rows: slice | Tensor, /) -> Tensor:
        """Return the items of these rows, (M, ...): a slice, or numbers (M,) int64."""

    @abstractmethod
    def subset(self, rows: Tensor) -> LazyItems:
        """Return the items of these rows (M,) without reading them."""


Items = Tensor | LazyItems
"""(N, ...), to be read by a slice or by row numbers (M,)."""


def subset(items: Items, rows: Tensor) -> Items:
    """Return the items of these rows (M,), read from memory or still to be read."""
    return items[rows] if isinstance(items, Tensor) else items.subset(rows)


def rows_of(items: Items, rows: slice | Tensor) -> Tensor:
    """Return the items of these rows, a slice or numbers (M,), in memory."""
    if isinstance(items, Tensor) and isinstance(rows, Tensor):
        return items.index_select(0, rows)  # quicker than items[rows]
    return items[rows]


def in_memory(items: Items) -> Tensor:
    """Return all items (N, ...) as one tensor."""
    return items if isinstance(items, Tensor) else items[:]


@dataclass(frozen=True)
class MappedItems(LazyItems):
    """Rows of an array in a mapped file; the kernel keeps in memory what it has room for."""

    stored: NDArray[Any]
    """(R, ...), read-only."""
    rows: NDArray[np.int64]
    """(N,) rows of ``stored``."""
    transform: Callable[[Tensor], Tensor]
    """From stored rows (M, ...) to items as models take them, each row by itself."""

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
    """Yield rows (N,) in order, so many at a time that what is computed of them stays small; one block of none."""
    return (rows[first : first + BLOCK_ROWS] for first in range(0, max(len(rows), 1), BLOCK_ROWS))


def read(stored: NDArray[Any], rows: NDArray[np.int64], transform: Callable[[Tensor], Tensor]) -> Items:
    """Return rows (N,) of a mapped array, in memory if they fit into ``IN_MEMORY_BYTES``.

    Args:
        transform: from stored rows (M, ...) to items as models take them, each row by itself, so that both
            ways give the same bits.
    """
    mapped = MappedItems(stored, rows, transform)
    fits = mapped[:1].nbytes * len(rows) <= IN_MEMORY_BYTES
    return mapped[:] if fits else mapped
