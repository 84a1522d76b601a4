# SPDX-License-Identifier: Apache-2.0
"""Graphs with 8-bit integer weights: shared code of the methods that quantise with onnxruntime.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, https://arxiv.org/abs/1712.05877; onnxruntime's quantisation guide,
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html.

Tables of word vectors have 8 bits in all of them, one scale per table. The LSTM is onnxruntime's only recurrent 8-bit
operator, and only with ranges measured at each call: GRU layers are not quantised, and neither are tanh layers if
other layers hold half of the weights. Otherwise a tanh network is unrolled into one integer product per step. In the
graph of a single step of a network that generates token by token, all layers are products.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from assay.artifacts.onnx.export import quiet, tidy
from assay.artifacts.onnx.step_export import Part, parts_of, step_layers, stored
from assay.artifacts.store import count_parameters
from assay.compression.context import CompressedModel
from assay.models.capabilities import Steps
from assay.provenance.records import Skip

INTEGER_OPERATORS = {"QuantizeLinear", "DequantizeLinear", "MatMulInteger", "DynamicQuantizeLSTM"}
# Weights are signed, except tables of word vectors, which the quantiser treats as activations.
BYTES = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
# The suffixes of onnxruntime's quantiser for the tensors of a quantised weight.
WEIGHT = "_quantized"
TURNED = "_Transposed"
SHALLOW = 4
"""Input channels of a convolution: with this few, its sums are too short for 8-bit instructions, and onnxruntime is
faster in full precision (5 instead of 19 us for one MNIST image of 28 x 28)."""
LEAST_SHARE = 0.5
"""If a smaller share of the weights has 8 bits, the name int8 would be misleading."""


def integer_graph(
    model: nn.Module,
    inputs: torch.Tensor,
    layers: tuple[type[nn.Module], ...],
    quantise: Callable[[Part, Path], None],
) -> CompressedModel:
    """Return the network as an integer graph, or as two if it generates token by token.

    Args:
        inputs: (N, ...) inputs of the network, for their shape.
        layers: the layers whose weights ``quantise`` can quantise; tanh layers too, if they are unrolled.
        quantise: quantises a graph and writes it to a path.

    Raises:
        Skip: less than half of the weights are in such layers.
        RuntimeError: the graphs still hold most weights in full precision.
    """
    unrolled = step_layers(model)
    possible = share_of(model, layers, unrolled)
    unroll_tanh = possible < LEAST_SHARE and not isinstance(model, Steps)
    if unroll_tanh:
        possible = share_of(model, (*layers, nn.RNN))
    if possible < LEAST_SHARE:
        raise Skip(
            f"onnxruntime has 8-bit operators for only {possible:.0%} of {type(model).__name__}'s weights"
        )
    graphs: dict[str, onnx.ModelProto] = {}
    held: dict[str, int] = {}
    for part in parts_of(model, inputs, unroll_tanh=unroll_tanh):
        weights = learned_weights(part)  # before the quantiser modifies the graph
        with quiet(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "quantised.onnx"
            quantise(part, path)
            graphs[part.name] = tidy(onnx.load(path))
        held |= integer_weights(weights, graphs[part.name])
    parameters = count_parameters(model)
    share = sum(held.values()) / parameters
    if share < LEAST_SHARE:
        raise RuntimeError(
            f"int8: onnxruntime quantised {share:.0%} of the weights; {possible:.0%} were expected"
        )
    nodes = [node for graph in graphs.values() for node in graph.graph.node]
    counts = Counter(node.op_type for node in nodes if node.op_type in INTEGER_OPERATORS)
    facts = {"operators": dict(sorted(counts.items())), "quantised_share": round(share, 4)}
    form, made = stored(graphs)
    return CompressedModel(form, made, parameters, facts)


def share_of(
    model: nn.Module, kinds: tuple[type[nn.Module], ...], others: Collection[nn.Module] = ()
) -> float:
    """Return the share of a network's parameters that are weights, without biases, of these layers or ``others``."""
    weights = [
        parameter.numel()
        for layer in model.modules()
        if isinstance(layer, kinds) or layer in others
        for name, parameter in layer.named_parameters(recurse=False)
        if name.startswith("weight")
    ]
    return sum(weights) / max(count_parameters(model), 1)


def learned_weights(part: Part) -> dict[str, tuple[str, int]]:
    """Return, by name, the digest of the sorted numbers of each learned weight in a graph, and their count.

    An embedding table that is also used, transposed, as the output layer has one digest, in one graph or in two.
    """
    found: dict[str, tuple[str, int]] = {}
    for tensor in part.graph.graph.initializer:
        if tensor.name not in part.constants:
            numbers = np.sort(onnx.numpy_helper.to_array(tensor), axis=None)
            found[tensor.name] = hashlib.sha256(numbers.tobytes()).hexdigest(), numbers.size
    return found


def integer_weights(weights: dict[str, tuple[str, int]], quantised: onnx.ModelProto) -> dict[str, int]:
    """Return, by digest, the number of elements of each weight that a graph holds in 8 bits."""
    names = [
        tensor.name.removesuffix(WEIGHT).removesuffix(TURNED)
        for tensor in quantised.graph.initializer
        if tensor.data_type in BYTES and tensor.name.endswith(WEIGHT)
    ]
    return dict(weights[name] for name in names if name in weights)
