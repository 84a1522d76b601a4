# SPDX-License-Identifier: Apache-2.0
"""bfloat16: weights stored in it, weights and activations computed in it where the processor can.

Source: Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019,
https://arxiv.org/abs/1905.12322: the exponent of float32 with 7 fraction bits, so that nothing new overflows.
The file is an ONNX graph whose tables and matrices are bfloat16, each followed by a cast;
OpenVINO (https://docs.openvino.ai), an optional extra, runs it. Biases and normalisation stay in float32 in the
file: they are small.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from assay.artifacts.onnx.export import export, replace, tidy
from assay.artifacts.openvino import EXTRA, OpenVinoPredictor, computes_in_half, installed
from assay.artifacts.store import count_parameters
from assay.compression.context import CompressedModel, CompressionContext, Method
from assay.provenance.records import Skip

HALF = "|bfloat16"
"""Suffix of the name of a weight that is stored in half width."""
PRODUCTS = {"Convolution", "FullyConnected", "MatMul", "RNNSeq", "RNNCell"}
"""OpenVINO's types of layers that multiply by weights."""
LARGEST = np.float32(float.fromhex("0x1.fep127"))
"""The largest finite bfloat16."""


def compress(context: CompressionContext) -> CompressedModel:
    """Return the network as a graph with half-width weights.

    Raises:
        Skip: OpenVINO is not installed, refuses the graph, or the processor has no arithmetic for bfloat16.
        RuntimeError: OpenVINO computes none of its products in bfloat16.
    """
    if not installed():
        raise Skip(EXTRA)
    if not computes_in_half():
        raise Skip("the processor has neither AMX nor AVX-512 arithmetic for bfloat16")
    graph = halved(export(context.model, context.examples[:1]))
    parameters = count_parameters(context.model)
    record = {"format": "openvino", "parameters": parameters, "arguments": context.record["arguments"]}
    try:
        layers = OpenVinoPredictor(graph.SerializeToString(), record).in_half()
    except ValueError as error:
        raise Skip(f"{type(context.model).__name__}: {error}") from None
    operators = {kind: count for kind, count in layers.items() if kind in PRODUCTS}
    if not operators:
        raise RuntimeError(f"bf16: OpenVINO computes no product in bfloat16, only {layers}")
    return CompressedModel("openvino", graph, parameters, {"operators": operators})


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the tables and matrices of a graph, in place, as bfloat16 with a cast behind each; return the model."""
    graph = model.graph
    wide = {tensor.name for tensor in graph.initializer if is_weight(tensor)}
    casts = [helper.make_node("Cast", [name + HALF], [name], to=TensorProto.FLOAT) for name in sorted(wide)]
    kept = [half(tensor) if tensor.name in wide else tensor for tensor in graph.initializer]
    replace(graph.initializer, kept)
    replace(graph.node, [*casts, *graph.node])
    return tidy(model)


def is_weight(tensor: onnx.TensorProto) -> bool:
    """Return whether a constant of a graph is a table or a matrix of float32."""
    return tensor.data_type == TensorProto.FLOAT and len(tensor.dims) >= 2


def half(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """Return a constant in bfloat16, with ``HALF`` in its name."""
    found = onnx.TensorProto(name=tensor.name + HALF, data_type=TensorProto.BFLOAT16, dims=tensor.dims)
    found.raw_data = rounded(onnx.numpy_helper.to_array(tensor)).tobytes()
    return found


def rounded(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return the bits of the nearest bfloat16 of each number, rounding half to even.

    Finite numbers stay finite: those that would round to infinity, such as a mask's, become the largest bfloat16.
    """
    kept = np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), values)
    bits = kept.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


METHOD = Method(compress, loops=("supervised",), final=True)
