# SPDX-License-Identifier: Apache-2.0
"""Graphs that OpenVINO runs in bfloat16, both weights and activations.

OpenVINO is an optional extra, ``bf16``. On a processor without arithmetic for bfloat16 it computes in float32.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from assay.artifacts.onnx_external import require_own_weights

DEVICE = "CPU"
HALF = "bf16"
EXTRA = "openvino is not installed; pip install 'assay[bf16]'"


def installed() -> bool:
    """Return whether OpenVINO can be imported."""
    return importlib.util.find_spec("openvino") is not None


def computes_in_half() -> bool:
    """Return whether the processor has arithmetic for bfloat16: AMX or AVX-512 with BF16.

    According to PyTorch: OpenVINO reports any AVX-512, on which it emulates bfloat16, slower than float32.
    """
    features = torch.cpu.get_capabilities()
    return any(features.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


class OpenVinoPredictor:
    """A graph in OpenVINO.

    Raises:
        ValueError: OpenVINO is not installed, the graph's weights are in other files, or OpenVINO refuses it.
    """

    def __init__(self, data: bytes, artifact: dict[str, Any], threads: int = 1) -> None:
        if not installed():
            raise ValueError(f"model.onnx is run by OpenVINO: {EXTRA}")
        import openvino

        require_own_weights("model.onnx", data)
        self.data, self.artifact = data, artifact
        settings = {
            # Explicit, because OpenVINO's default differs between versions.
            "INFERENCE_PRECISION_HINT": HALF if computes_in_half() else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # otherwise all single-threaded jobs are pinned to the first core
        }
        core = openvino.Core()
        try:
            self.compiled = core.compile_model(core.read_model(data), DEVICE, settings)
        except RuntimeError as error:
            raise ValueError(f"model.onnx: OpenVINO refuses it: {' '.join(str(error).split())}") from None
        self.request = self.compiled.create_infer_request()
        self.model = None
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]
        self.arguments: dict[str, Any] = artifact["arguments"]

    def outputs(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to outputs (N, ...)."""
        starts = range(0, len(inputs), batch_size)
        batches = [self.request.infer([inputs[start : start + batch_size]])[0].copy() for start in starts]
        logits: NDArray[np.float32] = np.concatenate(batches)
        return logits

    def on_threads(self, count: int) -> OpenVinoPredictor:
        """Return the graph compiled for that number of threads."""
        return OpenVinoPredictor(self.data, self.artifact, count)

    def in_half(self) -> dict[str, int]:
        """Return the number of layers computed in bfloat16, by type, as reported by OpenVINO."""
        found: Counter[str] = Counter()
        for layer in self.compiled.get_runtime_model().get_ops():
            info = layer.get_rt_info()
            if info["runtimePrecision"].astype(str) == HALF:
                found[info["layerType"].astype(str)] += 1
        return dict(sorted(found.items()))
