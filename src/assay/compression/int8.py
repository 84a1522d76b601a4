"""Post-training quantisation: weights and activations of 8 bits, run by onnxruntime.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, https://arxiv.org/abs/1712.05877, without training; onnxruntime's quantisation guide,
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html.

Convolutional networks are quantised statically: ranges of activations are measured on training items, weights
have a scale a channel. All others are quantised dynamically: ranges are measured at each call, which costs
little beside a matrix product and was the faster of the two on LSTM and Transformer. Tables of word vectors
are of 8 bits in both, one scale a table.

onnxruntime has no recurrent operator of 8 bits but the LSTM: GRU layers stay as they are, and so do tanh
layers where other layers hold half of the weights. Where they do not, a tanh network runs unrolled, a product
of integers a step.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from pydantic import Field
from torch import nn

from assay.artifacts import count_parameters
from assay.files import replacing
from assay.formats import FORMATS
from assay.onnx_export import INPUT, export, quiet, tidy
from assay.records import Skip

QUANTISED_LAYERS: tuple[type[nn.Module], ...] = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.LSTM, nn.Embedding)
# Dynamic ConvInteger runs at a third of full precision's speed: a Transformer's patches stay as they are.
DYNAMIC = ["MatMul", "Gemm", "LSTM", "Gather"]
STATIC = [
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
NOT_CONVOLUTIONAL = {"LSTM", "GRU", "RNN", "Softmax"}
INTEGER_OPERATORS = {"QuantizeLinear", "DequantizeLinear", "MatMulInteger", "DynamicQuantizeLSTM"}
CALIBRATION_BATCH = 64
# Weights are signed, but for tables of word vectors, which the quantiser takes for activations.
BYTES = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
# How onnxruntime's quantiser names what it makes of a weight.
WEIGHT = "_quantized"
# With less of its weights in 8 bits, a variant called int8 would mislead.
LEAST_SHARE = 0.5


def compress(
    model: nn.Module,
    *,
    inputs: NDArray[Any],
    folder: Path,
    calibration_items: Annotated[int, Field(ge=1)],
) -> dict[str, Any]:
    """Write ``model`` in 8 bits to ``folder``; return what its record says beside target and arguments.

    Args:
        model: is not modified.
        inputs: training items (N, ...) as the network reads them.
        folder: receives one file.
        calibration_items: training items on which a convolutional network's activations are measured; all of
            ``inputs`` if there are fewer. Other networks need none.

    Raises:
        Skip: less than half of the weights lie in layers that onnxruntime has in 8 bits.
        ValueError: ``calibration_items`` is out of range, or there are no inputs.
        RuntimeError: the quantised graph still holds most weights in full precision.
    """
    if calibration_items < 1 or len(inputs) == 0:
        raise ValueError(
            f"int8: calibration_items = {calibration_items} of {len(inputs)}; at least 1 is needed"
        )
    parameters = count_parameters(model)
    possible = share_of(model, QUANTISED_LAYERS)
    unroll_tanh = possible < LEAST_SHARE
    if unroll_tanh:
        possible = share_of(model, (*QUANTISED_LAYERS, nn.RNN))
    if possible < LEAST_SHARE:
        raise Skip(
            f"onnxruntime has operators of 8 bits for only {possible:.0%} of {type(model).__name__}'s weights"
        )
    graph = export(model, torch.from_numpy(inputs[:1]), unroll_tanh=unroll_tanh)
    quantised = quantise(graph, inputs[:calibration_items])
    held = integer_weights(quantised, constants={name for name, _ in model.named_buffers()})
    share = min(1.0, held / parameters)  # a table that words are looked up in and judged by is held twice
    if share < LEAST_SHARE:
        raise RuntimeError(
            f"int8: onnxruntime quantised {share:.0%} of the weights; {possible:.0%} were expected"
        )
    form = FORMATS["onnx"]
    with replacing(folder / form.file) as aside:
        form.write(aside, quantised)
    counts = Counter(node.op_type for node in quantised.graph.node if node.op_type in INTEGER_OPERATORS)
    return {
        "format": "onnx",
        "parameters": parameters,
        "operators": dict(counts),
        "quantised_share": round(share, 4),
    }


def share_of(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> float:
    """Return which share of a network's numbers are weights, without biases, of layers of these kinds."""
    weights = [
        parameter.numel()
        for layer in model.modules()
        if isinstance(layer, kinds)
        for name, parameter in layer.named_parameters(recurse=False)
        if name.startswith("weight")
    ]
    return sum(weights) / max(count_parameters(model), 1)


def quantise(graph: onnx.ModelProto, calibration: NDArray[Any]) -> onnx.ModelProto:
    """Return the graph in 8 bits: statically if it is a convolutional network, else dynamically."""
    operators = {node.op_type for node in graph.graph.node}
    with quiet(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quantised.onnx"
        if "Conv" in operators and not operators & NOT_CONVOLUTIONAL:
            quantize_static(
                graph,
                path,
                Batches(calibration),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=STATIC,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        else:
            quantize_dynamic(
                graph, path, op_types_to_quantize=DYNAMIC, per_channel=True, weight_type=QuantType.QInt8
            )
        return tidy(onnx.load(path))


def integer_weights(model: onnx.ModelProto, constants: set[str]) -> int:
    """Return how many learned weights, without zero points and ``constants``, a graph holds in 8 bits."""
    return sum(
        int(np.prod(tensor.dims))
        for tensor in model.graph.initializer
        if tensor.data_type in BYTES
        and tensor.name.endswith(WEIGHT)
        and tensor.name.removesuffix(WEIGHT) not in constants
    )


class Batches(CalibrationDataReader):  # type: ignore[misc]
    """Calibration items, some at a time, as onnxruntime asks for them."""

    def __init__(self, inputs: NDArray[Any]) -> None:
        starts = range(0, len(inputs), CALIBRATION_BATCH)
        self.batches = iter([inputs[start : start + CALIBRATION_BATCH] for start in starts])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Return the next batch under the graph's name for it, None after the last."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}
