# SPDX-License-Identifier: Apache-2.0
"""Post-training quantisation with ranges of activations measured beforehand, on training items.

Source: :mod:`assay.compression.support.integers`. The choice for convolutional networks; it can ruin a Transformer,
whose activations have outliers, which is why each variant is held against its budget. A convolution that reads an image
of few colours stays in full precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from pydantic import Field
from torch import nn

from assay.artifacts.onnx.export import exchanged
from assay.artifacts.onnx.step_export import Feed, Part
from assay.compression.context import CompressedModel, CompressionContext, Method
from assay.compression.support.integers import SHALLOW, integer_graph

LAYERS: tuple[type[nn.Module], ...] = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Embedding)
OPERATORS = [
    "Conv",
    "Gemm",
    "MatMul",
    "Relu",
    "Add",
    "Concat",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Gather",
]


def compress(
    subject: CompressionContext, *, calibration_items: Annotated[int, Field(ge=1)]
) -> CompressedModel:
    """Return the network as a graph of integers.

    Args:
        calibration_items: training items on which activations are measured; all if there are fewer.

    Raises:
        Skip: less than half of the weights lie in layers that this method turns into integers.
    """
    calibration = subject.splits["train"].inputs[:calibration_items].numpy()
    return integer_graph(
        subject.model, subject.examples, LAYERS, lambda part, path: quantise(part, path, calibration)
    )


def quantise(part: Part, path: Path, calibration: NDArray[Any]) -> None:
    """Write a network's graph with weights, a scale a channel, and activations in 8 bits to ``path``.

    Args:
        calibration: (N, ...) inputs of the network, on which the activations' ranges are measured.
    """
    plain = shallow(part.graph)
    # Else onnxruntime would pool integers that lie in the layout of the convolution before: a hundred times slower.
    graph = exchanged(part.graph, "Relu", "MaxPool", plain)
    quantize_static(
        graph,
        path,
        Feeds(part.feeds(torch.from_numpy(calibration))),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=OPERATORS,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=before_logarithms(graph) + masked(graph) + plain,
    )


def before_logarithms(graph: onnx.ModelProto) -> list[str]:
    """Return the nodes whose results a logarithm is taken of: among 256 values of a probability one is zero."""
    read = {name for node in graph.graph.node if node.op_type == "Log" for name in node.input}
    return [node.name for node in graph.graph.node if read & set(node.output)]


def masked(graph: onnx.ModelProto) -> list[str]:
    """Return the sums that a softmax reads: in the range of a mask all scores would be one value of 256."""
    read = {node.input[0] for node in graph.graph.node if node.op_type == "Softmax"}
    return [node.name for node in graph.graph.node if node.op_type == "Add" and node.output[0] in read]


def shallow(graph: onnx.ModelProto) -> list[str]:
    """Return the convolutions that read few channels, with what clips and pools their results."""
    depths = {tensor.name: tensor.dims[1] for tensor in graph.graph.initializer if len(tensor.dims) > 1}
    found, names = set(), []
    for node in graph.graph.node:  # makers come before readers
        few = node.op_type == "Conv" and depths.get(node.input[1], SHALLOW + 1) <= SHALLOW
        if few or (node.op_type in {"Relu", "MaxPool"} and node.input[0] in found):
            found.update(node.output)
            names.append(node.name)
    return names


class Feeds(CalibrationDataReader):  # type: ignore[misc]
    """What a graph is called with, one call after the other, as onnxruntime asks for it."""

    def __init__(self, feeds: Iterator[Feed]) -> None:
        self.feeds = feeds

    def get_next(self) -> Feed | None:
        """Return what the next call is given, None after the last."""
        return next(self.feeds, None)


METHOD = Method(compress, loops=("supervised",), final=True)
