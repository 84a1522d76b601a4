# SPDX-License-Identifier: Apache-2.0
"""Optional capabilities of models, each a Protocol that callers test for with ``isinstance``.

A model with a capability names the Protocol among its bases, so that mypy compares the signatures and a class without
the method cannot be instantiated. Any other class with the method also has the capability.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Generator, Tensor


@runtime_checkable
class OwnLoss(Protocol):
    """A network with its own loss instead of the task's."""

    @abstractmethod
    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch in nats, a scalar.

        Args:
            inputs: (N, ...), the network's inputs.
            targets: (N, ...) int64, as in the split.
        """


@runtime_checkable
class Generates(Protocol):
    """A network that generates text faster than from its logits alone, with a cache."""

    @abstractmethod
    def generate(self, prompt: Tensor, length: int, generator: Generator) -> Tensor:
        """Return prompts (N, P) followed by ``length`` sampled ids at temperature 1: (N, P + length)."""


@runtime_checkable
class Steps(Protocol):
    """A model that generates a text token by token and keeps a state."""

    @abstractmethod
    def start(self, source: Tensor) -> list[Tensor]:
        """Map source ids (N, S) to the state; each tensor's first dimension is N."""

    @abstractmethod
    def step(self, words: Tensor, memory: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Map the last words (N,) to logits (N, V) for the next ones, and the new state."""


@runtime_checkable
class WarmStarts(Protocol):
    """A network that can be initialised with parts of another one."""

    STARTS: dict[str, str]
    """By the name of a part of this network, the name of the other network's part that it begins as."""


@runtime_checkable
class WrapsEstimator(Protocol):
    """A model that wraps a scikit-learn estimator, with the task's classes."""

    estimator: Any


class GraphBuilder(Protocol):
    """An ONNX graph that is being written, operator by operator."""

    def add(self, operator: str, *inputs: str | NDArray[Any], domain: str = "", **attributes: Any) -> str:
        """Add an operator with one output and return the output's name.

        Args:
            inputs: names of other operators' outputs, or constants.
        """


@runtime_checkable
class FitsWeighted(Protocol):
    """An estimator that can count some items for more than others."""

    @abstractmethod
    def fit_weighted(
        self, inputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[np.float32], /
    ) -> None:
        """Learn from inputs (N, ...) and targets (N, ...) of which each counts by its weight (N,)."""


@runtime_checkable
class WritesGraph(Protocol):
    """An estimator that writes its own ONNX graph."""

    @abstractmethod
    def write_graph(self, graph: GraphBuilder, inputs: str) -> str:
        """Write the operators and return the name of their outputs (N, ...).

        Args:
            inputs: the name of the graph's inputs (N, ...).
        """


class OneLength:
    """A network whose ONNX graph accepts only texts of one length, that of the example in the export."""
