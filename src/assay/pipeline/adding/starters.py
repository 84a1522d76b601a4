# SPDX-License-Identifier: Apache-2.0
"""What runs on a user's own data at first: the kind of task, its models and methods, in a file for each kind."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from assay.config import registry, strict_yaml

FOLDER = Path(__file__).with_name("starters")


class Starter(BaseModel):
    """A file of the folder ``starters``; its name is the kind of task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    signature: str
    classes: int | None = None
    """The number of classes that it needs; None for any."""
    task: dict[str, Any]
    """What a row of ``tasks`` sets besides its kind and dataset."""
    methods: dict[str, dict[str, Any]]
    models: dict[str, dict[str, Any]]
    at_most: dict[str, int]
    """By model: the number of training items above which it is left out."""
    at_least: dict[str, int]
    """By model: the number of training items below which it is left out."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that can be the primary one, the default first."""
        return registry.TASKS[self.kind].metrics

    def rows(self, num_items: int) -> dict[str, dict[str, Any]]:
        """Return the rows of ``models`` for this number of training items."""
        return {
            name: row
            for name, row in self.models.items()
            if self.at_least.get(name, 0) <= num_items <= self.at_most.get(name, num_items)
        }


@cache
def starters() -> tuple[Starter, ...]:
    """Return every starter."""
    files = sorted(FOLDER.glob("*.yaml"))
    return tuple(Starter.model_validate({"kind": path.stem, **strict_yaml.read(path)}) for path in files)


def choose(signature: str, num_classes: int, metric: str | None) -> Starter:
    """Return the starter for data: one with this metric comes first, then one whose default it is, then one that needs
    this number of classes.

    Args:
        num_classes: 0 if the target is no class.
        metric: the primary metric that the user wants; None for any.
    """
    able = [
        each for each in starters() if each.signature == signature and each.classes in (None, num_classes)
    ]
    return min(
        able, key=lambda each: (metric not in each.metrics, metric != each.metrics[0], each.classes is None)
    )
