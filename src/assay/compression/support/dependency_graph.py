# SPDX-License-Identifier: Apache-2.0
"""Which units of a network depend on each other, and the network without some of them.

A unit is an output of a Linear, convolution or recurrent layer, or an element of a word vector. To remove one, the
weights that produce it must be removed from its layer, and the weights that read it from all later layers. These are
found by running the network, not from its code: a marked unit outputs NaN, all other layers their previous output, so
the later layers' inputs that are NaN depend on that unit, whatever is in between. Units that meet in an input are
removed together: those on both sides of a residual sum, the rows of one attention head, all inputs of a layer
normalisation. A unit that reaches the network's output is kept.

Source: the groups are those of Fang et al., "DepGraph: Towards Any Structural Pruning", CVPR 2023,
https://arxiv.org/abs/2301.12900, which finds them in the graph of gradients and does not follow recurrent layers.
"""

from __future__ import annotations

import copy
import functools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from assay.compression.support.marked_layers import COPIES, MADE, READ, Channelwise, Node, Recurrent, kind_of
from assay.models import resizing

CHECKED_ITEMS = 8
OUTPUT = ("output",)
Places = dict[tuple[str, int], list[int]]
"""(name of a weight, dimension) -> indices."""


@dataclass
class Unit:
    """Outputs of layers that can only be removed together."""

    made: Places = field(default_factory=lambda: defaultdict(list))
    """The weights that produce it or pass it on."""
    read: Places = field(default_factory=lambda: defaultdict(list))
    """The weights that read it: if they are zero, the unit has no effect."""
    parts: Counter[Node] = field(default_factory=Counter)
    """The number of outputs of each layer's part."""


Group = list[Unit]
"""Units of the same layers, of which some may be removed."""
Stack = list[Group]
"""Groups that must lose equally many units: those of one recurrent layer, whose parts all have the same size."""


def find(model: nn.Module, inputs: Tensor) -> list[Stack]:
    """Return the groups from which units can be removed, each tested on the network.

    Args:
        model: a network in evaluation mode; it is not modified.
        inputs: (N, ...); an item's output must not depend on the others.
    """
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # the faster kernels lose NaN
        trace = Trace(model, inputs[:1])
        stacks, items = stacked(trace, units(trace)), inputs[:CHECKED_ITEMS]
        drawn = redrawn(model)
        if fits(drawn, stacks, items):
            return stacks
        found: list[Stack] = []
        for stack in stacks:  # together with those that were already found to fit
            if fits(drawn, [*found, stack], items):
                found.append(stack)
        return found


def without(model: nn.Module, gone: Iterable[Unit]) -> nn.Module:
    """Return a smaller copy of a network, without these units."""
    smaller = copy.deepcopy(model)
    dropped: defaultdict[str, Places] = defaultdict(dict)
    for (name, dim), indices in places(gone, "made", "read").items():
        path, _, tensor = name.rpartition(".")
        dropped[path][tensor, dim] = indices
    for path, cuts in dropped.items():
        layer = smaller.get_submodule(path)
        own = {key: value for key, value in layer.state_dict().items() if "." not in key}
        for (tensor, dim), indices in cuts.items():
            kept = torch.ones(own[tensor].shape[dim], dtype=torch.bool)
            kept[indices] = False
            own[tensor] = own[tensor].index_select(dim, kept.nonzero().flatten())
        resizing.resize(layer, own)
    return smaller


def silenced(model: nn.Module, silent: Iterable[Unit]) -> nn.Module:
    """Return a copy of a network, of the same size, in which nothing reads these units."""
    quieter = copy.deepcopy(model)
    state = quieter.state_dict()  # shares its memory with the copy
    for (name, dim), indices in places(silent, "read").items():
        state[name].index_fill_(dim, torch.tensor(indices), 0.0)
    return quieter


def norms(model: nn.Module, group: Group) -> Tensor:
    """Return the L2 norm (len(group),) of all weights that produce or read each unit."""
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    squares = []
    for unit in group:
        parts = [
            weights[name].index_select(dim, torch.tensor(indices)).square().sum()
            for (name, dim), indices in places([unit], "made", "read").items()
            if name in weights
        ]
        squares.append(torch.stack(parts).sum())
    return torch.stack(squares).sqrt()


def weakest(model: nn.Module, group: Group, count: int) -> list[Unit]:
    """Return the ``count`` units of a group with the smallest norm, ties by order; at least one is left out."""
    order = norms(model, group).argsort(stable=True).tolist()
    return [group[number] for number in order[: min(count, len(group) - 1)]]


def places(some: Iterable[Unit], *kinds: str) -> Places:
    """Return the indices of units in the network's weights."""
    found: Places = defaultdict(list)
    for unit in some:
        for kind in kinds:
            for where, indices in getattr(unit, kind).items():
                found[where] += indices
    return found


def redrawn(model: nn.Module) -> nn.Module:
    """Return a copy of a network with random weights, so that every weight has an effect and no mistake is hidden."""
    drawn, generator = copy.deepcopy(model), torch.Generator().manual_seed(0)
    for weight in drawn.parameters():
        spread = weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.1
        weight.mul_(weight.ndim == 1).add_(spread * torch.randn(weight.shape, generator=generator))
    return drawn


def fits(model: nn.Module, stacks: list[Stack], inputs: Tensor) -> bool:
    """Return whether a network without half of each group's units gives the same outputs as if nothing read them.

    This finds what marks cannot show: a size in the code, a weight that is read directly.
    """
    half = [unit for stack in stacks for group in stack for unit in group[1::2]]
    before, expected = model(inputs), silenced(model, half)(inputs)
    try:
        found = without(model, half)(inputs)
    except (RuntimeError, ValueError, IndexError):
        return False
    effect = (expected - before).abs().max().item()
    return found.shape == expected.shape and torch.allclose(
        found, expected, rtol=1e-5, atol=1e-6 + 1e-2 * effect
    )


def units(trace: Trace) -> list[Unit]:
    """Return the units that can be removed: those that do not reach the output."""
    joined = Joined()
    for part, size in trace.parts.items():
        for number in range(size):
            joined.find((*part, number))
    for part, size in trace.parts.items():
        if (
            size == 1
        ):  # it is kept, and what it reaches, such as everything that it scales, does not depend on it
            continue
        for port, reached in trace.reached(part).items():
            join(joined, part, port, reached)
    found = []
    for nodes in joined.sets():
        kinds = {node[0] for node in nodes}
        if MADE in kinds and OUTPUT[0] not in kinds:
            found.append(trace.unit(nodes))
    return found


def join(joined: Joined, part: Node, port: Node, reached: Tensor) -> None:
    """Join the units of a part (size,) with the inputs of a port (width,) that they reach (size, width)."""
    patterns, numbers = torch.unique(reached, dim=1, return_inverse=True)
    firsts = []
    for pattern in patterns.T:
        there = pattern.nonzero().flatten().tolist()
        firsts.append(there[0] if there else None)
        for number in there:
            joined.union((*part, there[0]), (*part, number))
    for place, number in enumerate(numbers.tolist()):
        if firsts[number] is not None:
            joined.union((*part, firsts[number]), (*port, place))


def stacked(trace: Trace, found: list[Unit]) -> list[Stack]:
    """Return units as groups, by the layers that they share, and groups as stacks."""
    groups, stacks = Joined(), Joined()
    for unit in found:
        first, *others = unit.parts
        groups.find(first)
        for part in others:
            groups.union(first, part)
            stacks.union(first, part)
    for part in trace.parts:
        stacks.union((MADE, part[1], 0), part)
    members: dict[Node, dict[Node, Group]] = {}
    for unit in found:
        part = next(iter(unit.parts))
        members.setdefault(stacks.find(part), {}).setdefault(groups.find(part), []).append(unit)
    return [
        list(by_group.values())
        for root, by_group in members.items()
        if all(len(group) > 1 for group in by_group.values())
        and all(
            shrinks_evenly(part, size, by_group.get(groups.find(part), []))
            for part, size in trace.parts.items()
            if stacks.find(part) == root and isinstance(trace.layers[part[1]], Recurrent)
        )
    ]


def shrinks_evenly(part: Node, size: int, group: Group) -> bool:
    """Return whether a recurrent layer's part loses one output with each unit of the group."""
    return len(group) == size and all(unit.parts[part] == 1 for unit in group)


class Joined:
    """Disjoint sets of nodes."""

    def __init__(self) -> None:
        self.parent: dict[Node, Node] = {}

    def find(self, node: Node) -> Node:
        """Return the representative of the set of ``node``, a new set if it has none."""
        root = self.parent.setdefault(node, node)
        while root != self.parent[root]:
            root = self.parent[root]
        while node != root:
            self.parent[node], node = root, self.parent[node]
        return root

    def union(self, first: Node, second: Node) -> None:
        """Join the sets of two nodes."""
        self.parent[self.find(second)] = self.find(first)

    def sets(self) -> Iterable[list[Node]]:
        """Return the sets, and the nodes of each, in the order of insertion."""
        found: defaultdict[Node, list[Node]] = defaultdict(list)
        for node in self.parent:
            found[self.find(node)].append(node)
        return found.values()


class Trace:
    """A copy of a network that can be run with marks.

    Args:
        model: a network in evaluation mode.
        item: (1, ...) an input.
    """

    def __init__(self, model: nn.Module, item: Tensor) -> None:
        self.model = copy.deepcopy(model)
        self.inputs = item.expand(COPIES, *item.shape[1:])
        self.layers = {name: kind for name, layer in model.named_modules() if (kind := kind_of(name, layer))}
        self.clean: defaultdict[str, list[Any]] = defaultdict(list)
        self.calls: Counter[str] = Counter()
        self.hits: dict[Node, Tensor] = {}
        self.marks: tuple[Node, Tensor] | None = None
        for name in self.layers:
            layer = self.model.get_submodule(name)
            setattr(layer, "forward", functools.partial(self._forward, name, layer.forward))  # noqa: B010
        self.model(self.inputs)
        self.parts = {
            (MADE, name, part): size
            for name, kind in self.layers.items()
            if not isinstance(kind, Channelwise)
            for part, size in enumerate(kind.sizes)
        }

    def reached(self, part: Node) -> dict[Node, Tensor]:
        """Return, for each port, which of its inputs each unit of a part reaches: (size, width).

        The marks encode the units' numbers; if several meet in an input, each is marked separately.
        """
        size, outputs = self.parts[part], self.clean[part[1]]
        layer = self.layers[part[1]]
        assert not isinstance(layer, Channelwise)
        if not outputs or any(layer.batch(output) % COPIES for output in outputs):
            return {OUTPUT: torch.ones(size, 1, dtype=torch.bool)}  # marks cannot show it: it must be kept
        hit = {port: hits for port, hits in self._run(part, numbered(size)).items() if hits.any()}
        found = {port: reached for port, hits in hit.items() if (reached := decoded(hits, size)) is not None}
        if len(found) == len(hit):
            return found
        passes = [self._run(part, marks) for marks in torch.split(torch.eye(size, dtype=torch.bool), COPIES)]
        return {port: torch.cat([hits[port] for hits in passes])[:size] for port in hit}

    def unit(self, nodes: list[Node]) -> Unit:
        """Return the unit of these nodes."""
        unit = Unit()
        for kind, name, *rest in nodes:
            layer = self.layers[name]
            if kind == READ:
                cuts = layer.of_input(rest[0])
            else:
                assert not isinstance(layer, Channelwise)
                unit.parts[kind, name, rest[0]] += 1
                cuts = layer.of_unit(rest[0], rest[1])
            for role, weight, dim, index in cuts:
                where: Places = getattr(unit, role)
                where[f"{name}.{weight}" if name else weight, dim].append(index)
        return unit

    def _run(self, part: Node, marks: Tensor) -> dict[Node, Tensor]:
        """Return, for each port, which of its inputs are NaN in each copy: (COPIES, width)."""
        rows = torch.zeros(COPIES, marks.shape[1], dtype=torch.bool)
        rows[: len(marks)] = marks
        self.marks, self.hits = (part, rows), {}
        self.calls.clear()
        output = self.model(self.inputs)
        return {**self.hits, OUTPUT: output.isnan().view(COPIES, -1).any(dim=1, keepdim=True)}

    def _forward(self, name: str, forward: Any, *args: Any, **named: Any) -> Any:
        """Replace a layer's ``forward``."""
        layer = self.layers[name]
        for port, hits in layer.seen([*args, *named.values()]):
            self.hits[port] = self.hits[port] | hits if port in self.hits else hits
        if isinstance(layer, Channelwise):
            return forward(*args, **named)
        if self.marks is None:
            output = forward(*args, **named)
            self.clean[name].append(copied(output))
            return output
        (_, marked, part), marks = self.marks
        output = self.clean[name][self.calls[name]]
        self.calls[name] += 1
        # A copy: later operations may change it in place.
        return layer.marked(output, part, marks) if name == marked else copied(output)


def copied(output: Any) -> Any:
    """Return a copy of a layer's output, a tensor or nested tuples of tensors."""
    return tuple(copied(part) for part in output) if isinstance(output, tuple) else output.clone()


def numbered(size: int) -> Tensor:
    """Return marks (1 + 2 * bits, size): unit 0, then for each bit the units whose number lacks it, and has it."""
    numbers = torch.arange(size)
    rows = [numbers == 0]
    for bit in range(max(1, (size - 1).bit_length())):
        has = (numbers >> bit) % 2 == 1
        rows += [~has, has]
    assert len(rows) <= COPIES
    return torch.stack(rows)


def decoded(hits: Tensor, size: int) -> Tensor | None:
    """Return which inputs each unit reaches (size, width) from the inputs that the numbered marks hit (COPIES, width).

    None if several units meet in an input that the first unit does not reach: the numbers are ambiguous.
    If it reaches all such inputs, all units count as reaching them: they are joined through the first.
    """
    bits = max(1, (size - 1).bit_length())
    without, having = hits[1 : 1 + 2 * bits : 2], hits[2 : 2 + 2 * bits : 2]
    single = (without ^ having).all(dim=0)
    mixed = hits.any(dim=0) & ~single
    if (mixed & ~hits[0]).any():
        return None
    reached = mixed.expand(size, -1).clone()
    numbers = (having * 2 ** torch.arange(bits).unsqueeze(1)).sum(dim=0)
    reached[numbers[single], single.nonzero().flatten()] = True
    return reached
