# SPDX-License-Identifier: Apache-2.0
"""Initialise a smaller network with the strongest units of a trained one of the same class.

Source: Muralidharan et al., "Compact Language Models via Pruning and Knowledge Distillation" (Minitron), NeurIPS 2024,
https://arxiv.org/abs/2407.14679: a student pruned from the teacher learns faster than a randomly initialised one.
:mod:`assay.compression.support.dependency_graph` finds which units belong together; the strongest have the largest
norm, as in :mod:`assay.compression.methods.prune_structured`.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from assay.compression.support import dependency_graph
from assay.compression.support.dependency_graph import Group, Unit


def inherit(heir: nn.Module, model: nn.Module, inputs: Tensor) -> list[str]:
    """Copy the weights of the strongest units of ``model`` to ``heir``, in place; return the names of copied weights.

    A weight is copied if, without the other units, it has the shape of the heir's, or more rows: a vocabulary begins
    with the most common words. All other weights keep their random values.

    Args:
        model: a network in evaluation mode; it is not modified.
        inputs: (N, ...); an item's output must not depend on the others.
    """
    own, whole = heir.state_dict(), model.state_dict()
    stacks = dependency_graph.find(model, inputs)
    gone = [unit for stack in stacks for group in stack for unit in weaker(model, group, whole, own)]
    rest = dependency_graph.without(model, gone).state_dict()
    given = {
        name: rest[name][: len(value)] if value.ndim else rest[name]
        for name, value in own.items()
        if name in rest and holds(rest[name], value)
    }
    heir.load_state_dict(given, strict=False)
    return sorted(given)


def weaker(
    model: nn.Module, group: Group, whole: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> list[Unit]:
    """Return the units of a group for which the heir, whose state is ``own``, has no room; at least one is kept."""
    places = ((name, dim, len(indices)) for (name, dim), indices in group[0].made.items() if name in own)
    name, dim, size = next(places, ("", 0, 0))
    if not name or own[name].ndim != whole[name].ndim:
        return []
    count = (whole[name].shape[dim] - own[name].shape[dim]) // size
    return dependency_graph.weakest(model, group, max(count, 0))


def holds(given: Tensor, value: Tensor) -> bool:
    """Return whether ``given`` has the shape of ``value``, or more rows."""
    return (
        given.shape[1:] == value.shape[1:] and given.ndim == value.ndim and given.shape[:1] >= value.shape[:1]
    )
