"""The items of one split, as tasks load them, models learn from them and evaluation asks about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Self, TypeVar

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


def for_learning(
    task: ModuleType, prepared: Path, cell: dict[str, Any]
) -> tuple[dict[str, Split], int | None]:
    """Return the training items that a cell may learn from, validation, and the limit on the former if there is one.

    Args:
        task: module of a kind of task.
        prepared: folder of the prepared dataset.
        cell: what training it is asked to do.

    Raises:
        ValueError: no training item is left.
    """
    found = task.load(prepared, ("train", "validation"))
    total = len(found["train"].targets)
    items = min(cell["train_items"] or total, round(cell["train_fraction"] * total))
    if items == 0:
        raise ValueError(
            f"train_fraction = {cell['train_fraction']}: none of {total} training items is left;"
            f" {1 / total:.2g} leaves one"
        )
    if items == total:
        return found, None
    return {**found, "train": task.limit(found["train"], items)}, items


AnySplit = TypeVar("AnySplit", bound=Split)


def limit(split: AnySplit, count: int) -> AnySplit:
    """Return the first ``count`` items; all if there are fewer."""
    return split.take(torch.arange(min(count, len(split.targets))))
