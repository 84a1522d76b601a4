# SPDX-License-Identifier: Apache-2.0
"""A smaller network begins as the strongest units of a trained one of its class.

Source: Muralidharan et al., "Compact Language Models via Pruning and Knowledge Distillation" (Minitron), NeurIPS 2024,
https://arxiv.org/abs/2407.14679: what is pruned from the teacher learns from it sooner than what is drawn at random.
Which units belong together is found by :mod:`assay.compression.support.dependency_graph`; the strongest have the
largest norm, as in :mod:`assay.compression.methods.prune_structured`.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from assay.compression.support import dependency_graph
from assay.compression.support.dependency_graph import Group, Unit


def inherit(heir: nn.Module, model: nn.Module, inputs: Tensor) -> list[str]:
    """Give ``heir``, in place, the weights of the strongest units of ``model``, and return the names of those given.

    A weight is taken over if, without the other units, it has the shape of the heir's, or more rows: of a vocabulary
    the commonest words come first. All others stay as they were drawn.

    Args:
        model: in evaluation mode; is not modified.
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
    """Return the units of a group for which the heir, whose state is ``own``, has no room; one always stays."""
    places = ((name, dim, len(indices)) for (name, dim), indices in group[0].made.items() if name in own)
    name, dim, size = next(places, ("", 0, 0))
    if not name or own[name].ndim != whole[name].ndim:
        return []
    count = (whole[name].shape[dim] - own[name].shape[dim]) // size
    return dependency_graph.weakest(model, group, max(count, 0))


def holds(given: Tensor, value: Tensor) -> bool:
    """Say whether ``given`` has the shape of ``value``, or more rows."""
    return (
        given.shape[1:] == value.shape[1:] and given.ndim == value.ndim and given.shape[:1] >= value.shape[:1]
    )
