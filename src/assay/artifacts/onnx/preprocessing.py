# SPDX-License-Identifier: Apache-2.0
"""The last steps of preparing a model's inputs, and the first with its outputs, as operators of its graph.

Each operator computes what Assay computes outside of the graph, in the same type and order, so that the outputs have
the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

READY = "ready"
"""The name of the inputs as the model takes them."""
Step = tuple[str, Any]
"""An operator, and its second operand or, of a cast, the type."""


def of_images(model: onnx.ModelProto, mean: float, deviation: float) -> onnx.ModelProto:
    """Let a graph take bytes (N, C, H, W), which are scaled to [0, 1] and normalised; in place.

    Its second output, ``ready``, is the normalised images.
    """
    shape = [axis.dim_param or axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim]
    steps = [
        ("Cast", TensorProto.FLOAT),
        ("Div", np.float32(255)),
        ("Sub", np.float32(mean)),
        ("Div", np.float32(deviation)),
    ]
    _prepend(model, TensorProto.UINT8, steps)
    model.graph.output.append(helper.make_tensor_value_info(READY, TensorProto.FLOAT, shape))
    return model


def of_rows(
    model: onnx.ModelProto, means: Sequence[float], deviations: Sequence[float], precision: str
) -> onnx.ModelProto:
    """Let a graph take the features of a table (N, F), which are standardised in float64; in place.

    Args:
        means: the mean of each feature (F,).
        deviations: the standard deviation of each feature (F,).
        precision: of the features, to which means and deviations are rounded: ``float32`` or ``float64``.
    """
    mean, deviation = (np.array(values, precision).astype(np.float64) for values in (means, deviations))
    kind = TensorProto.FLOAT if precision == "float32" else TensorProto.DOUBLE
    steps = [("Cast", TensorProto.DOUBLE), ("Sub", mean), ("Div", deviation), ("Cast", TensorProto.FLOAT)]
    _prepend(model, kind, steps)
    return model


def in_unit(model: onnx.ModelProto, mean: float, deviation: float) -> onnx.ModelProto:
    """Let a graph return its standardised numbers (N, 1) in the target's unit, in float64; in place."""
    output = model.graph.output[0]
    last = "standardised"
    for node in model.graph.node:
        node.output[:] = [last if name == output.name else name for name in node.output]
        node.input[:] = [last if name == output.name else name for name in node.input]
    steps = [("Cast", TensorProto.DOUBLE), ("Mul", np.float64(deviation)), ("Add", np.float64(mean))]
    model.graph.node.extend(_chain(model, steps, last, output.name))
    output.type.tensor_type.elem_type = TensorProto.DOUBLE
    return model


def _prepend(model: onnx.ModelProto, kind: int, steps: Sequence[Step]) -> None:
    """Put a chain of operators before a graph, whose input gets another type."""
    graph = model.graph
    source = graph.input[0].name
    for node in graph.node:
        node.input[:] = [READY if name == source else name for name in node.input]
    nodes = [*_chain(model, steps, source, READY), *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.input[0].type.tensor_type.elem_type = kind


def _chain(model: onnx.ModelProto, steps: Sequence[Step], first: str, last: str) -> list[onnx.NodeProto]:
    """Return operators of which each reads the output of the one before, and store their operands in the graph."""
    names = [first, *(f"{last}/{number}" for number in range(1, len(steps))), last]
    nodes = []
    for (operator, operand), before, after in zip(steps, names[:-1], names[1:], strict=True):
        if operator == "Cast":
            nodes.append(helper.make_node(operator, [before], [after], to=operand))
        else:
            constant = _constant(model, f"{after}/constant", operand)
            nodes.append(helper.make_node(operator, [before, constant], [after]))
    return nodes


def _constant(model: onnx.ModelProto, name: str, value: NDArray[Any]) -> str:
    """Store a constant in a graph and return its name."""
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name
