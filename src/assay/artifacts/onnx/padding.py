# SPDX-License-Identifier: Apache-2.0
"""Text graphs that skip padding, as the networks do, so that a short text costs only its words.

PyTorch's exporter needs sizes that do not depend on the contents of a batch. So a network is exported without
the truncation, for texts of any length, and the truncation is added in front of the graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from assay.data.special_tokens import PADDING
from assay.models.layers.word_embedding import COLUMNS

LENGTH = "words"
"""The name of the truncated axis in the shapes of a graph's input and output."""
NAME = "padding/{}"


def ignores(module: nn.Module, example: Tensor) -> bool:
    """Return whether a network's outputs are the same without columns of padding, by trying it.

    Args:
        module: a network in evaluation mode.
        example: (N, T) ids, or (N, T, ...) which begin with ids.

    Returns:
        False also if its outputs at padding are not zero, as in a model of the next character.
    """
    if example.dtype != torch.int64 or example.ndim < 2:
        return False
    half = example.shape[1] // 2
    padded = example.clone()
    padded[:, half:] = PADDING
    with torch.inference_mode():
        try:
            short = module(padded[:, :half])
        except Exception:  # a network for one size can fail with any error
            return False
        long = module(padded)
    if long.ndim > 2 and long.shape[1] == example.shape[1] and not long[:, half:].any():
        long = long[:, :half]  # one output per word
    return short.shape == long.shape and torch.allclose(short, long, rtol=1e-4, atol=1e-5)


def left_out(model: onnx.ModelProto) -> onnx.ModelProto:
    """Add the truncation in front of a graph for texts of any length, in place, and return the model.

    Outputs (N, T, K), one per word, are padded with zeros where the padding was.
    """
    graph, cut, kept = model.graph, Nodes(), NAME.format("kept")
    inputs, output = graph.input[0].name, graph.output[0].name
    axes = list(range(2, len(graph.input[0].type.tensor_type.shape.dim)))
    words = cut.add("Gather", inputs, np.int64(0), axis=2) if axes else inputs  # (N, T)
    real = cut.add("ReduceMax", words, np.array([0]), keepdims=0)  # (T,), 0 where every text is padding
    count = cut.add("ReduceSum", cut.add("Min", real, np.int64(1)), np.array([0]))
    more = cut.add("Add", cut.add("Max", count, np.int64(1)), np.int64(COLUMNS - 1))
    end = cut.add(
        "Mul", cut.add("Div", more, np.int64(COLUMNS)), np.int64(COLUMNS)
    )  # as the networks truncate
    cut.add("Slice", inputs, np.array([0]), end, np.array([1]), to=kept)
    for node in graph.node:
        node.input[:] = [kept if name == inputs else name for name in node.input]
    after = Nodes(len(cut.nodes))
    if any(axis.dim_param == LENGTH for axis in graph.output[0].type.tensor_type.shape.dim):
        short = NAME.format("short")
        for node in graph.node:
            node.output[:] = [short if name == output else name for name in node.output]
        gone = after.add("Sub", *(after.add("Shape", name, start=1, end=2) for name in (inputs, kept)))
        pads = after.add("Concat", np.array([0, 0, 0, 0]), gone, np.array([0]), axis=0)
        after.add("Pad", short, pads, to=output)
    nodes = [*cut.nodes, *graph.node, *after.nodes]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*cut.constants, *after.constants])
    return model


class Nodes:
    """Operators with one output each, and their constants.

    Args:
        first: the number of the first operator, from which names are derived.
    """

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(
        self,
        operator: str,
        *inputs: str | NDArray[np.int64] | np.int64,
        to: str | None = None,
        **attributes: Any,
    ) -> str:
        """Add an operator over names or constants, and return its output's name, which is ``to`` if given."""
        name = NAME.format(self.first + len(self.nodes))
        names = [each if isinstance(each, str) else self.constant(name, each) for each in inputs]
        self.nodes.append(helper.make_node(operator, names, [to or name], name=name, **attributes))
        return to or name

    def constant(self, name: str, value: NDArray[np.int64] | np.int64) -> str:
        """Store a constant and return its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"{name}/{len(self.constants)}"))
        return self.constants[-1].name
