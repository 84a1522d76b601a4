# SPDX-License-Identifier: Apache-2.0
"""Declarations of models in their files: ``MODEL = Network(CNN, family="convolutional", signatures=...)``.

The registry reads the literals without importing the file (:mod:`assay.config.registry`); types are checked here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn


class Fits(Protocol):
    """A model that is trained by one call."""

    def fit(self, inputs: NDArray[Any], targets: NDArray[Any], /) -> None:
        """Fit to inputs (N, ...) and targets (N, ...)."""

    def outputs(self, inputs: NDArray[Any], /) -> NDArray[Any]:
        """Map inputs (N, ...) to outputs (N, ...)."""

    def parameters(self) -> int:
        """Return the number of learned parameters."""


@dataclass(frozen=True)
class Network:
    """A PyTorch network, which is trained step by step."""

    factory: Callable[..., nn.Module]
    """Its class; the keyword-only arguments of its ``__init__`` are its knobs and what the task provides."""
    family: str
    """The heading under which the report lists it."""
    signatures: tuple[str, ...]
    """What it can map to what, such as ``image -> class``: it fits every task of such a signature."""
    loop: str = "supervised"
    """The file of ``training/`` by which it learns."""
    seeded: bool = True
    """False where the fit does not depend on the seed: such a model runs once."""
    pretrained: bool = False
    """Whether it begins from a network that others trained, which its row names."""


@dataclass(frozen=True)
class Estimator:
    """A model that is trained by one call of ``fit``; the fields are those of :class:`Network`."""

    factory: Callable[..., Fits]
    family: str
    signatures: tuple[str, ...]
    loop: str = "estimator"
    seeded: bool = True
    trusted: tuple[str, ...] = ()
    """What else than the class itself its file may hold when it is read, such as scikit-learn's compiled trees."""
