# SPDX-License-Identifier: Apache-2.0
"""Graphs whose weights are integers of 8 bits: what the methods share that make them with onnxruntime.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, https://arxiv.org/abs/1712.05877; onnxruntime's quantisation guide,
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html.

Tables of word vectors are of 8 bits in all of them, one scale a table. onnxruntime has no recurrent operator of
8 bits but the LSTM's, and that one only with ranges measured at each call: GRU layers stay as they are, and so
do tanh layers where other layers hold half of the weights. Where they do not, a tanh network runs unrolled, a
product of integers a step. In the graph of a single step of a network that writes word by word all are products.
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
# Weights are signed, but for tables of word vectors, which the quantiser takes for activations.
BYTES = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
# How onnxruntime's quantiser names what it makes of a weight.
WEIGHT = "_quantized"
TURNED = "_Transposed"
SHALLOW = 4
"""Channels that a convolution reads, of an image its colours: with so few its sums are too short for instructions of
8 bits, and onnxruntime is faster in full precision (of MNIST's 28 x 28, 5 for 19 us one at a time)."""
LEAST_SHARE = 0.5
"""With less of its weights in 8 bits, a variant called int8 would mislead."""


def integer_graph(
    model: nn.Module,
    inputs: torch.Tensor,
    layers: tuple[type[nn.Module], ...],
    quantise: Callable[[Part, Path], None],
) -> CompressedModel:
    """Return the network as a graph of integers, or as the two of its steps.

    Args:
        inputs: (N, ...) the network's inputs, of which the shape is read.
        layers: whose weights ``quantise`` can turn into integers; tanh layers too, if they are unrolled.
        quantise: writes the graph that it is given, with integers, to a path.

    Raises:
        Skip: less than half of the weights lie in such layers.
        RuntimeError: the graphs still hold most weights in full precision.
    """
    unrolled = step_layers(model)
    possible = share_of(model, layers, unrolled)
    unroll_tanh = possible < LEAST_SHARE and not isinstance(model, Steps)
    if unroll_tanh:
        possible = share_of(model, (*layers, nn.RNN))
    if possible < LEAST_SHARE:
        raise Skip(
            f"onnxruntime has operators of 8 bits for only {possible:.0%} of {type(model).__name__}'s weights"
        )
    graphs: dict[str, onnx.ModelProto] = {}
    held: dict[str, int] = {}
    for part in parts_of(model, inputs, unroll_tanh=unroll_tanh):
        weights = learned_weights(part)  # before the quantiser changes the graph
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
    """Return which share of a network's numbers are weights, without biases, of layers of these kinds or ``others``."""
    weights = [
        parameter.numel()
        for layer in model.modules()
        if isinstance(layer, kinds) or layer in others
        for name, parameter in layer.named_parameters(recurse=False)
        if name.startswith("weight")
    ]
    return sum(weights) / max(count_parameters(model), 1)


def learned_weights(part: Part) -> dict[str, tuple[str, int]]:
    """Return, for each learned weight's name in a graph, the digest of its numbers in rising order and their count.

    A table that words are looked up in and, turned, judged by has one digest, in one graph or in two.
    """
    found: dict[str, tuple[str, int]] = {}
    for tensor in part.graph.graph.initializer:
        if tensor.name not in part.constants:
            numbers = np.sort(onnx.numpy_helper.to_array(tensor), axis=None)
            found[tensor.name] = hashlib.sha256(numbers.tobytes()).hexdigest(), numbers.size
    return found


def integer_weights(weights: dict[str, tuple[str, int]], quantised: onnx.ModelProto) -> dict[str, int]:
    """Return, by digest, how many numbers each of the weights has that a graph holds in 8 bits."""
    names = [
        tensor.name.removesuffix(WEIGHT).removesuffix(TURNED)
        for tensor in quantised.graph.initializer
        if tensor.data_type in BYTES and tensor.name.endswith(WEIGHT)
    ]
    return dict(weights[name] for name in names if name in weights)
