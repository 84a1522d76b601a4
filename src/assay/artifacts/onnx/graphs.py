# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs written operator by operator, named in the order of writing, so that the bytes are reproducible."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from assay.artifacts.onnx.export import INPUT, OUTPUT, tidy

VERSIONS = {"": 18, "ai.onnx.ml": 3}
"""Versions of the operator sets."""
FORMAT_VERSION = 10
"""Version of the file format: the one that PyTorch's exporter writes."""


class Graph:
    """A graph with one input, ``inputs``, of any batch size.

    Args:
        example: (N, ...) inputs.
    """

    def __init__(self, example: NDArray[Any]) -> None:
        kind = helper.np_dtype_to_tensor_dtype(example.dtype)
        self.input = helper.make_tensor_value_info(INPUT, kind, ["batch", *example.shape[1:]])
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str | NDArray[Any], domain: str = "", **attributes: Any) -> str:
        """Add an operator with one output and return the output's name.

        Args:
            inputs: names of other operators' outputs, or constants.
        """
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [output], domain=domain, **attributes))
        return output

    def constant(self, array: NDArray[Any]) -> str:
        """Store an array and return its name; floating-point numbers become float32."""
        kept = array.astype(np.float32) if array.dtype.kind == "f" else array
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(kept, name))
        return name

    def include(self, other: onnx.GraphProto, source: str) -> list[str]:
        """Add the operators of a graph with one input, connected to ``source``; return its outputs' names."""
        prefixed = onnx.compose.add_prefix_graph(other, "included/")
        self.nodes.append(helper.make_node("Identity", [source], [prefixed.input[0].name]))
        self.nodes.extend(prefixed.node)
        self.constants.extend(prefixed.initializer)
        return [output.name for output in prefixed.output]

    def model(self, result: str, shape: tuple[int, ...]) -> onnx.ModelProto:
        """Return the graph, with the tensor ``result`` as its output ``logits`` (N, *shape)."""
        nodes = [*self.nodes, helper.make_node("Identity", [result], [OUTPUT])]
        output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", *shape])
        graph = helper.make_graph(nodes, "estimator", [self.input], [output], self.constants)
        versions = [helper.make_opsetid(domain, version) for domain, version in VERSIONS.items()]
        return tidy(helper.make_model(graph, opset_imports=versions, ir_version=FORMAT_VERSION))
