# SPDX-License-Identifier: Apache-2.0
"""Loading of tasks, and of the splits for a cell's training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.config import registry

if TYPE_CHECKING:
    from assay.data.splits import AnySplit
    from assay.tasks.protocol import Task


def load(kind: str, metric: str | None = None) -> Task[Any, Any]:
    """Import the task of a kind, a key of ``registry.TASKS``, and return it with this or its default primary metric."""
    task: Task[Any, Any] = registry.load(f"{registry.TASKS[kind].module}:TASK")
    return task.with_primary(metric) if metric else task


def for_learning(
    task: Task[AnySplit, Any], prepared: Path, cell: dict[str, Any]
) -> tuple[dict[str, AnySplit], int | None]:
    """Return a cell's training and validation splits, and the number of training items if it is limited.

    Args:
        prepared: folder of the prepared dataset.
        cell: the spec of its training.

    Raises:
        ValueError: no training item is left.
    """
    splits = task.load(prepared, ("train", "validation"))
    total = len(splits["train"])
    items = min(cell["train_items"] or total, round(cell["train_fraction"] * total))
    if items == 0:
        raise ValueError(
            f"train_fraction = {cell['train_fraction']}: none of {total} training items is left;"
            f" {1 / total:.2g} leaves one"
        )
    if items == total:
        return splits, None
    return {**splits, "train": task.limit(splits["train"], items)}, items
