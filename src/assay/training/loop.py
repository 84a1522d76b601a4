# SPDX-License-Identifier: Apache-2.0
"""The interface of training loops, which train one kind of model each: one file per loop, declared by its ``LOOP``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from assay.config.training import TrainResult
from assay.data.splits import Split


class Learns(Protocol):
    """Builds a model and trains it."""

    def __call__(
        self,
        family: Callable[..., Any],
        arguments: dict[str, Any],
        spec: dict[str, Any],
        splits: dict[str, Split],
        *,
        task: Any,
        augment: Callable[[Tensor, Any], Tensor] | None,
        start: Any,
        folder: Path,
    ) -> tuple[Any, TrainResult]:
        """Return the trained model and the result of its training.

        Args:
            family: the model's class.
            arguments: the keyword arguments of that class.
            spec: the cell's spec: its seed, and the loop's params as ``training``.
            splits: ``train`` and ``validation``.
            task: the task to learn.
            augment: augments a batch of inputs; None for no augmentation.
            start: the pretrained weights that the model starts from; None to start from scratch.
            folder: the folder for the checkpoint of an interrupted training.
        """


@dataclass(frozen=True)
class Loop:
    """A training loop."""

    learn: Learns
    params: str | None = None
    """The type of its own params, ``module:class``, without torch; params.yaml has those of all loops as ``training``.
    """
    uses_trainer: bool = False
    """Whether Lightning's Trainer runs it, as ``trainer`` of params.yaml says."""
