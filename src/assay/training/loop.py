# SPDX-License-Identifier: Apache-2.0
"""What a training loop is: how a kind of model learns. One file each; ``LOOP`` declares it to the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from assay.config.training import TrainResult
from assay.data.splits import Split


class Learns(Protocol):
    """Makes a model and trains it."""

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
        """Return the trained model and how its training went.

        Args:
            family: the model's class.
            arguments: what it is made with.
            spec: the cell: seed, and the sections of params.yaml that the loop reads.
            splits: ``train`` and ``validation``.
            task: what the model learns to do.
            augment: varies a batch of inputs; None if they are not varied.
            start: what the model begins from, None if from scratch.
            folder: where an interrupted training keeps its checkpoint.
        """


@dataclass(frozen=True)
class Loop:
    """A training loop."""

    learn: Learns
    sections: tuple[str, ...] = ()
    """Sections of params.yaml that it reads, of ``training`` and ``trainer``."""
