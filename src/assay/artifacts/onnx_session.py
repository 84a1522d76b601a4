# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs in onnxruntime. Nothing here imports PyTorch, which takes two seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from assay.artifacts.onnx_external import require_own_weights


class OnnxPredictor:
    """A graph in onnxruntime."""

    def __init__(self, data: bytes, artifact: dict[str, Any], threads: int = 1) -> None:
        self.data, self.artifact = data, artifact
        self.session = session("model.onnx", data, threads)
        self.input = self.session.get_inputs()[0].name
        self.model = None
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]
        self.arguments: dict[str, Any] = artifact["arguments"]

    def outputs(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to outputs (N, ...)."""
        starts = range(0, len(inputs), batch_size)
        batches: list[NDArray[np.float32]] = [
            self.session.run(None, {self.input: inputs[start : start + batch_size]})[0] for start in starts
        ]
        return joined(batches)

    def on_threads(self, count: int) -> OnnxPredictor:
        """Return the graph in a session with this number of threads."""
        return OnnxPredictor(self.data, self.artifact, count)


def joined(batches: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the logits (N, ...) of all batches; those of shorter texts in (N, T', V) are padded with zeros."""
    if len(batches) == 1:
        return batches[0]
    longest = max(batch.shape[1] for batch in batches)
    padded = (
        batch
        if batch.shape[1] == longest
        else np.pad(batch, [(0, 0), (0, longest - batch.shape[1]), *[(0, 0)] * (batch.ndim - 2)])
        for batch in batches
    )
    return np.concatenate([*padded])


def session(name: str, data: bytes, threads: int, *, optimised: bool = True) -> onnxruntime.InferenceSession:
    """Return a session that runs a graph.

    Args:
        optimised: whether to optimise the graph, which takes time and pays off over many runs.

    Raises:
        ValueError: its weights are in other files, or onnxruntime rejects it.
    """
    require_own_weights(name, data)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no other common base class
        raise ValueError(f"{name}: onnxruntime rejects it: {' '.join(str(error).split())}") from None
