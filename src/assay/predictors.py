"""Models that were read from disk and predict, one class a runtime: PyTorch, our own estimators, onnxruntime."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn


class Predictor(Protocol):
    """A model that was read from disk, whatever its format."""

    format: str
    parameters: int
    """Numbers that the artifact holds of what was learned; zeros of a sparse one are not held."""
    arguments: dict[str, Any]
    """With which its class is made, knobs included: some say how to answer rather than what to learn."""

    def logits(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to logits (N, ...), ``batch_size`` items at a time."""


def finite_logits(predictor: Predictor, inputs: torch.Tensor, items: NDArray[np.int64]) -> torch.Tensor:
    """Return the logits (N, ...) of inputs (N, ...).

    Args:
        items: (N,) the items' numbers, for the error.

    Raises:
        ValueError: one of them is not finite.
    """
    logits = torch.from_numpy(predictor.logits(inputs.numpy()))
    wrong = (~logits.isfinite()).flatten(1).any(dim=1).nonzero().flatten()
    if len(wrong):
        first = int(items[int(wrong[0])])
        raise ValueError(
            f"{len(wrong)} of {len(logits)} items have logits that are not finite, first item {first}"
        )
    return logits


class ModulePredictor:
    """A network in PyTorch."""

    def __init__(self, module: nn.Module, artifact: dict[str, Any]) -> None:
        # Convolutions take half the time so; other weights are not touched.
        # The ignore: torch's types lack this overload.
        self.module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]
        self.arguments: dict[str, Any] = artifact["arguments"]

    def logits(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to logits (N, ...)."""
        with torch.inference_mode():
            starts = range(0, len(inputs), batch_size)
            batches = [self.module(torch.from_numpy(inputs[start : start + batch_size])) for start in starts]
            logits: NDArray[np.float32] = torch.cat(batches).float().numpy()
        return logits


class EstimatorPredictor:
    """An estimator of our own classes."""

    def __init__(self, estimator: Any, artifact: dict[str, Any]) -> None:
        self.estimator = estimator
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]
        self.arguments: dict[str, Any] = artifact["arguments"]

    def logits(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to logits (N, ...)."""
        starts = range(0, len(inputs), batch_size)
        logits = np.concatenate(
            [self.estimator.logits(inputs[start : start + batch_size]) for start in starts]
        )
        return logits.astype(np.float32, copy=False)


class OnnxPredictor:
    """A graph in onnxruntime."""

    def __init__(self, data: bytes, artifact: dict[str, Any]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as fault:  # onnxruntime's own exceptions share no base but this
            raise ValueError(f"model.onnx: onnxruntime refuses it: {' '.join(str(fault).split())}") from None
        self.input = self.session.get_inputs()[0].name
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]
        self.arguments: dict[str, Any] = artifact["arguments"]

    def logits(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to logits (N, ...)."""
        starts = range(0, len(inputs), batch_size)
        batches = [
            self.session.run(None, {self.input: inputs[start : start + batch_size]})[0] for start in starts
        ]
        logits: NDArray[np.float32] = np.concatenate(batches)
        return logits
