# SPDX-License-Identifier: Apache-2.0
"""What a cell learns from: its data, its family, and the weights that it starts from. Test items are not loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.config import registry
from assay.config.training import TrainResult
from assay.data.splits import Split
from assay.models import pretrained
from assay.tasks import loading
from assay.tasks.protocol import Augment, Task
from assay.training import warm_start
from assay.training.loop import Loop


@dataclass(frozen=True)
class Learner:
    """Trains a cell, with any setting of its hyperparameters."""

    task: Task[Any, Any]
    splits: dict[str, Split]
    """``train`` and ``validation``."""
    train_items: int | None
    """The number of training items if it is limited."""
    family: Callable[..., Any]
    provided: dict[str, Any]
    """The arguments of the family's class that are not knobs."""
    loop: Loop
    augment: Augment | None
    start: warm_start.Start | pretrained.Pretrained | None

    def arguments(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of the family's class."""
        return {**self.provided, **spec["knobs"]}

    def learn(self, spec: dict[str, Any], folder: Path) -> tuple[Any, TrainResult]:
        """Return the trained model of a spec, and the result of its training.

        Args:
            spec: the spec from which this was made, or one with other values of its knobs and of its training.
            folder: an existing folder for the checkpoint of an interrupted training.
        """
        return self.loop.learn(
            self.family,
            self.arguments(spec),
            spec,
            self.splits,
            task=self.task,
            augment=self.augment,
            start=self.start,
            folder=folder,
        )


def learner(spec: dict[str, Any], prepared: Path, start: Sequence[Path]) -> Learner:
    """Return what the cell of ``spec`` learns from.

    Args:
        prepared: prepared.json of its dataset.
        start: the records of the model whose weights initialise this one and of the data it was trained on; empty to
            train from scratch.
    """
    task = loading.load(spec["kind"])
    splits, limit = loading.for_learning(task, prepared.parent, spec)
    family = registry.load(spec["target"])
    begin: warm_start.Start | pretrained.Pretrained | None = None
    if start:
        begin = warm_start.read(start[0], start[1], prepared)
    elif "pretrained" in spec:
        begin = pretrained.read(**spec["pretrained"], prepared=prepared)
    named = inspect.signature(family).parameters
    provided = {**task.model_arguments(prepared.parent), "seed": spec["seed"]} | (
        begin.arguments if begin else {}
    )
    return Learner(
        task=task,
        splits=splits,
        train_items=limit,
        family=family,
        provided={name: value for name, value in provided.items() if name in named},
        loop=registry.load(f"{registry.LOOPS[spec['loop']].module}:LOOP"),
        augment=task.augmenter(prepared.parent),
        start=begin,
    )
