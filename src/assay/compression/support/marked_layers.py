# SPDX-License-Identifier: Apache-2.0
"""Layers for :mod:`assay.compression.support.dependency_graph`: the weights that produce or read each unit, and marks.

A mark is NaN in the output of a unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

COPIES = 32
"""Copies of one item in a pass, each with its own marks; enough to number 2 ** 15 units."""

Node = tuple[Any, ...]
"""A unit (``MADE``, layer, part, number), an input of a layer (``READ``, layer, number), or the output."""
MADE, READ = "made", "read"
Cut = tuple[str, str, int, int]
"""``MADE`` or ``READ``, the weight's name in its layer, a dimension, an index."""


def kind_of(name: str, layer: nn.Module) -> Dense | Recurrent | Channelwise | None:
    """Return the handler of a layer; None if the layer has no units and only passes marks through."""
    if isinstance(layer, nn.RNNBase):
        return Recurrent(name, layer) if not layer.proj_size else None
    if isinstance(layer, nn.Linear | nn.Embedding) or (
        isinstance(layer, nn.Conv1d | nn.Conv2d) and layer.groups == 1
    ):
        return Dense(name, layer)
    own = [key for key, value in layer.state_dict().items() if "." not in key and value.ndim]
    return Channelwise(name, layer) if own and not any(layer.children()) else None


def aligned(values: Tensor, batch: int, dim: int) -> Tensor:
    """Return a view (COPIES, ..., width) of values with their items at ``batch`` and their width at ``dim``."""
    moved = values.movedim((batch, dim), (0, -1))
    return moved.view(COPIES, len(moved) // COPIES, *moved.shape[1:])


def with_marks(values: Tensor, batch: int, dim: int, marks: Tensor) -> Tensor:
    """Return a copy of values that is NaN where ``marks`` (COPIES, width) is true."""
    copied = values.clone()
    rows = aligned(copied, batch, dim)
    rows.masked_fill_(marks.view(COPIES, *[1] * (rows.ndim - 2), -1), torch.nan)
    return copied


def marks_of(values: Any, batch: int, dim: int) -> Tensor | None:
    """Return which positions of the width have any NaN (COPIES, width); None if the values do not belong to items."""
    if not isinstance(values, Tensor) or values.ndim < 2 or values.shape[batch] % COPIES:
        return None
    return aligned(values, batch, dim).isnan().flatten(1, -2).any(dim=1)


class Dense:
    """A Linear layer, a convolution without groups, or an embedding."""

    def __init__(self, name: str, layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.Embedding) -> None:
        self.name = name
        self.reads = not isinstance(layer, nn.Embedding)
        self.rows = 0 if self.reads else 1
        self.dim = 1 if isinstance(layer, nn.Conv1d | nn.Conv2d) else -1
        self.biased = getattr(layer, "bias", None) is not None
        self.sizes = [layer.weight.shape[self.rows]]

    def batch(self, output: Tensor) -> int:
        """Return the number of items in an output of the layer."""
        return len(output)

    def marked(self, output: Tensor, part: int, marks: Tensor) -> Tensor:
        """Return a copy of an output in which units of a part are NaN where ``marks`` (COPIES, size) is true."""
        del part
        return with_marks(output, 0, self.dim, marks)

    def seen(self, given: list[Any]) -> Iterator[tuple[Node, Tensor]]:
        """Yield the ports of the layer, and which of their inputs are NaN (COPIES, width)."""
        hits = marks_of(given[0], 0, self.dim) if self.reads else None
        if hits is not None:
            yield (READ, self.name), hits

    def of_unit(self, part: int, number: int) -> Iterator[Cut]:
        """Yield the weights that produce a unit in the layer, and those that read it there."""
        del part
        yield MADE, "weight", self.rows, number
        if self.biased:
            yield MADE, "bias", 0, number

    def of_input(self, number: int) -> Iterator[Cut]:
        """Yield the weights that read an input of the layer or pass it on."""
        yield READ, "weight", 1, number


class Recurrent:
    """A recurrent layer, with one part for each of its inner layers and directions."""

    def __init__(self, name: str, layer: nn.RNNBase) -> None:
        self.name, self.hidden = name, layer.hidden_size
        self.items = 0 if layer.batch_first else 1
        self.gates = len(layer.get_parameter("weight_hh_l0")) // layer.hidden_size
        self.directions = ["", "_reverse"] if layer.bidirectional else [""]
        self.layers = layer.num_layers
        self.weights = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if layer.bias else [])]
        self.sizes = [layer.hidden_size] * (self.layers * len(self.directions))

    def batch(self, output: Any) -> int:
        """Return the number of items in an output of the layer."""
        return int(output[0].shape[self.items])

    def marked(self, output: Any, part: int, marks: Tensor) -> Any:
        """Return a copy of an output in which units of a part are NaN where ``marks`` (COPIES, size) is true."""
        states, last = output
        layer, direction = divmod(part, len(self.directions))
        if layer == self.layers - 1:
            wide = torch.zeros(COPIES, states.shape[2], dtype=torch.bool)
            wide[:, direction * self.hidden : (direction + 1) * self.hidden] = marks
            states = with_marks(states, self.items, 2, wide)
        ends = [self._end(end, part, marks) for end in (last if isinstance(last, tuple) else [last])]
        return states, tuple(ends) if isinstance(last, tuple) else ends[0]

    def _end(self, end: Tensor, part: int, marks: Tensor) -> Tensor:
        copied = end.clone()  # (parts, N, hidden)
        copied[part] = with_marks(end[part], 0, 1, marks)
        return copied

    def seen(self, given: list[Any]) -> Iterator[tuple[Node, Tensor]]:
        """Yield the ports of the layer, and which of their inputs are NaN (COPIES, width)."""
        inputs, *rest = given
        hits = marks_of(inputs, self.items, -1)
        if hits is not None:
            yield (READ, self.name), hits
        first = rest[0] if rest else None
        for state in first if isinstance(first, tuple) else [first]:
            for part in range(len(self.sizes)):
                hits = None if state is None else marks_of(state[part], 0, 1)
                if hits is not None:  # the initial state of a part consists of its own units
                    yield (MADE, self.name, part), hits

    def of_unit(self, part: int, number: int) -> Iterator[Cut]:
        """Yield the weights that produce a unit in the layer, and those that read it there."""
        layer, direction = divmod(part, len(self.directions))
        suffix = f"_l{layer}{self.directions[direction]}"
        for weight in self.weights:
            for gate in range(self.gates):
                yield MADE, weight + suffix, 0, gate * self.hidden + number
        yield READ, "weight_hh" + suffix, 1, number
        if layer + 1 < self.layers:
            for other in self.directions:
                yield READ, f"weight_ih_l{layer + 1}{other}", 1, direction * self.hidden + number

    def of_input(self, number: int) -> Iterator[Cut]:
        """Yield the weights that read an input of the layer or pass it on."""
        for direction in self.directions:
            yield READ, f"weight_ih_l0{direction}", 1, number


class Channelwise:
    """Any other layer with parameters, such as batch normalisation, assumed to have one of each per channel."""

    def __init__(self, name: str, layer: nn.Module) -> None:
        self.name = name
        self.shapes = {key: value.shape for key, value in layer.state_dict().items() if value.ndim}

    def seen(self, given: list[Any]) -> Iterator[tuple[Node, Tensor]]:
        """Yield the ports of the layer, and which of their inputs are NaN (COPIES, width)."""
        hits = marks_of(given[0], 0, 1)
        if hits is not None and all(prod(shape) == hits.shape[1] for shape in self.shapes.values()):
            yield (READ, self.name), hits

    def of_input(self, number: int) -> Iterator[Cut]:
        """Yield the weights that read an input of the layer or pass it on."""
        for key, shape in self.shapes.items():
            yield MADE, key, shape.index(max(shape)), number
