# SPDX-License-Identifier: Apache-2.0
"""A task by the name of its kind, and the splits that a cell learns from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.config import registry

if TYPE_CHECKING:
    from assay.data.splits import AnySplit
    from assay.tasks.protocol import Task


def load(kind: str) -> Task[Any, Any]:
    """Import the task of a kind, a key of ``registry.TASKS``, and return it."""
    task: Task[Any, Any] = registry.load(f"{registry.TASKS[kind].module}:TASK")
    return task


def for_learning(
    task: Task[AnySplit, Any], prepared: Path, cell: dict[str, Any]
) -> tuple[dict[str, AnySplit], int | None]:
    """Return the training items that a cell may learn from, validation, and the limit on the former if there is one.

    Args:
        prepared: folder of the prepared dataset.
        cell: what training it is asked to do.

    Raises:
        ValueError: no training item is left.
    """
    found = task.load(prepared, ("train", "validation"))
    total = len(found["train"])
    items = min(cell["train_items"] or total, round(cell["train_fraction"] * total))
    if items == 0:
        raise ValueError(
            f"train_fraction = {cell['train_fraction']}: none of {total} training items is left;"
            f" {1 / total:.2g} leaves one"
        )
    if items == total:
        return found, None
    return {**found, "train": task.limit(found["train"], items)}, items
