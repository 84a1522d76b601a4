# SPDX-License-Identifier: Apache-2.0
"""Static post-training quantisation: ranges of activations are calibrated on training items.

Source: :mod:`assay.compression.support.integers`. The choice for convolutional networks; it can ruin a Transformer,
whose activations have outliers, so each variant is checked against its budget. A convolution over an image with few
channels stays in full precision.
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
    context: CompressionContext, *, calibration_items: Annotated[int, Field(ge=1)]
) -> CompressedModel:
    """Return the network as an integer graph.

    Args:
        calibration_items: training items on which activations are measured; all if there are fewer.

    Raises:
        Skip: less than half of the weights are in layers that this method quantises.
    """
    calibration = context.splits["train"].inputs[:calibration_items].numpy()
    return integer_graph(
        context.model, context.examples, LAYERS, lambda part, path: quantise(part, path, calibration)
    )


def quantise(part: Part, path: Path, calibration: NDArray[Any]) -> None:
    """Write a network's graph with weights (one scale per channel) and activations in 8 bits to ``path``.

    Args:
        calibration: (N, ...) inputs of the network, on which the ranges of activations are measured.
    """
    plain = shallow(part.graph)
    # Otherwise onnxruntime would pool integers in the layout of the previous convolution, a hundred times slower.
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
    """Return the nodes whose results are inputs of a logarithm: one of the 256 values of a probability is zero."""
    read = {name for node in graph.graph.node if node.op_type == "Log" for name in node.input}
    return [node.name for node in graph.graph.node if read & set(node.output)]


def masked(graph: onnx.ModelProto) -> list[str]:
    """Return the sums that a softmax reads: in the range of a mask, all scores would be one of the 256 values."""
    read = {node.input[0] for node in graph.graph.node if node.op_type == "Softmax"}
    return [node.name for node in graph.graph.node if node.op_type == "Add" and node.output[0] in read]


def shallow(graph: onnx.ModelProto) -> list[str]:
    """Return the convolutions with few input channels, and the nodes that clip and pool their results."""
    depths = {tensor.name: tensor.dims[1] for tensor in graph.graph.initializer if len(tensor.dims) > 1}
    found, names = set(), []
    for node in graph.graph.node:  # in topological order
        few = node.op_type == "Conv" and depths.get(node.input[1], SHALLOW + 1) <= SHALLOW
        if few or (node.op_type in {"Relu", "MaxPool"} and node.input[0] in found):
            found.update(node.output)
            names.append(node.name)
    return names


class Feeds(CalibrationDataReader):  # type: ignore[misc]
    """The inputs of a graph's calls, one after the other, in the interface of onnxruntime."""

    def __init__(self, feeds: Iterator[Feed]) -> None:
        self.feeds = feeds

    def get_next(self) -> Feed | None:
        """Return the inputs of the next call, None after the last."""
        return next(self.feeds, None)


METHOD = Method(compress, loops=("supervised",), final=True)
