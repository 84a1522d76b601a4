# SPDX-License-Identifier: Apache-2.0
"""The file formats of models. None can run code when it is read; equal models give equal bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.artifacts.compact_weights import Clustered, LowRank, Sparse
from assay.artifacts.estimators import Skops
from assay.artifacts.onnx_session import OnnxPredictor
from assay.artifacts.openvino import OpenVinoPredictor
from assay.artifacts.predictors import OnnxStepsPredictor, Predictor
from assay.artifacts.weights import Format, Safetensors

if TYPE_CHECKING:
    import onnx


class Onnx:
    """A graph of operators with its weights."""

    file = "model.onnx"

    def write(self, path: Path, model: onnx.ModelProto) -> None:
        """Write the graph."""
        path.write_bytes(model.SerializeToString(deterministic=True))

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the graph as a predictor on one thread.

        Raises:
            ValueError: it is not an ONNX graph, or its weights are in other files.
        """
        return OnnxPredictor(data, artifact)


class OpenVino(Onnx):
    """An ONNX graph that OpenVINO runs."""

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the graph as a predictor on one thread.

        Raises:
            ValueError: OpenVINO is not installed, or refuses the graph.
        """
        return OpenVinoPredictor(data, artifact)


class OnnxSteps:
    """Two graphs of a network that generates token by token: an encoder and a decoder step."""

    file = "model.onnx.zip"

    def write(self, path: Path, model: dict[str, onnx.ModelProto]) -> None:
        """Write the graphs ``start`` and ``step``."""
        from assay.artifacts import onnx_bundle  # it imports onnx, which a network does not need

        path.write_bytes(onnx_bundle.pack(model))

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the graphs as a predictor on one thread.

        Raises:
            ValueError: the file does not consist of two graphs, or onnxruntime refuses one.
        """
        from assay.artifacts import onnx_bundle

        try:
            return OnnxStepsPredictor(onnx_bundle.unpack(data), artifact)
        except ValueError as error:
            raise ValueError(f"{self.file} is refused: {error}") from None


FORMATS: dict[str, Format] = {
    "safetensors": Safetensors(),
    "sparse": Sparse(),
    "clustered": Clustered(),
    "low_rank": LowRank(),
    "skops": Skops(),
    "onnx": Onnx(),
    "onnx_steps": OnnxSteps(),
    "openvino": OpenVino(),
}
