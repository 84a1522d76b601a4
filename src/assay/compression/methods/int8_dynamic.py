# SPDX-License-Identifier: Apache-2.0
"""Dynamic post-training quantisation: ranges of activations are measured at each call.

Source: :mod:`assay.compression.support.integers`. Measuring costs little compared with a matrix product, and nothing
needs calibration: the choice for LSTM and Transformer. Convolutions stay in full precision, since onnxruntime's
ConvInteger runs at a third of its speed.
"""

from __future__ import annotations

from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from assay.artifacts.onnx.step_export import Part
from assay.compression.context import CompressedModel, CompressionContext, Method
from assay.compression.support.integers import integer_graph

LAYERS: tuple[type[nn.Module], ...] = (nn.Linear, nn.LSTM, nn.Embedding)
OPERATORS = ["MatMul", "Gemm", "LSTM", "Gather"]


def compress(context: CompressionContext) -> CompressedModel:
    """Return the network as an integer graph.

    Raises:
        Skip: less than half of the weights are in layers that this method quantises.
    """
    return integer_graph(context.model, context.examples, LAYERS, quantise)


def quantise(part: Part, path: Path) -> None:
    """Write a network's graph with its weights in 8 bits, one scale per channel, to ``path``.

    With an LSTM it is one scale per matrix, which makes that operator a fifth faster (benchmarks/int8_lstm.py).
    """
    recurrent = any(node.op_type == "LSTM" for node in part.graph.graph.node)
    quantize_dynamic(
        part.graph,
        path,
        op_types_to_quantize=OPERATORS,
        per_channel=not recurrent,
        weight_type=QuantType.QInt8,
    )


METHOD = Method(compress, loops=("supervised",), final=True)
