# SPDX-License-Identifier: Apache-2.0
"""A network's weights in one file, and the classes that a record may name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
import torch
from torch import nn

from assay.artifacts.predictors import ModulePredictor, Predictor
from assay.config import registry
from assay.models import resizing

OURS = re.compile(r"assay\.models(\.\w+)+:\w+")


class Format(Protocol):
    """A file format for models."""

    file: str

    def write(self, path: Path, model: Any) -> None:
        """Write the model to ``path``."""

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the model from ``data``, the file's bytes, and its record."""


def resolve(target: str) -> type:
    """Import the class that a record names, if it is one of Assay's: anyone can edit a record.

    Raises:
        ValueError: it is not under assay.models, or does not exist.
    """
    if not isinstance(target, str) or not OURS.fullmatch(target):
        raise ValueError(f"target {target!r}: only classes of assay.models are loaded")
    try:
        found = registry.load(target)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"target {target!r}: {error}") from None
    if not isinstance(found, type) or found.__module__ != target.partition(":")[0]:
        raise ValueError(f"target {target!r}: not a class that this module defines")
    return found


def one_line(error: Exception) -> str:
    """Return the message of an exception in one line."""
    return " ".join(str(error).split())


class Safetensors:
    """A network's weights, unchanged."""

    file = "model.safetensors"

    def write(self, path: Path, model: nn.Module) -> None:
        """Write the weights."""
        safetensors.torch.save_file(self.encode(plain_state(model)), path)

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the network as a predictor."""
        return ModulePredictor(self.module(data, artifact), artifact)

    def module(self, data: bytes, artifact: dict[str, Any]) -> nn.Module:
        """Return the network with its weights, in evaluation mode.

        Raises:
            ValueError: class, arguments and weights do not match.
        """
        target = resolve(artifact["target"])
        if not issubclass(target, nn.Module):
            raise ValueError(f"target {artifact['target']!r}: not a network, but its record says {self.file}")
        try:
            with torch.random.fork_rng(
                devices=[]
            ):  # initialisation, whose weights are replaced next, uses it
                module: nn.Module = target(**artifact["arguments"])
            state = self.decode(safetensors.torch.load(data))
            if artifact.get("resized"):
                resizing.fit(module, state)
            module.load_state_dict(state)
        except Exception as error:  # edited arguments can fail anywhere in the class
            problem = f"{type(error).__name__}: {one_line(error)}"
            raise ValueError(f"{artifact['target']}: {self.file} cannot be loaded: {problem}") from None
        return module.eval()

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors to keep in the file."""
        return state

    def decode(self, stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the weights from the file's tensors."""
        return stored


def plain_state(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return a network's weights by name, each in its own contiguous memory on the processor."""
    state = module.state_dict()
    return {
        name: state[name].detach().cpu().clone(memory_format=torch.contiguous_format)
        for name in sorted(state)
    }
