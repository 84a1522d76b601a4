# SPDX-License-Identifier: Apache-2.0
"""Structured pruning: remove whole channels, hidden units, recurrent units and attention heads; train the rest further.

Sources: Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017, https://arxiv.org/abs/1608.08710, whose
criterion, the norm of a filter's weights, is taken here over all weights that produce or read a unit, as in Fang et
al., "DepGraph: Towards Any Structural Pruning", CVPR 2023, https://arxiv.org/abs/2301.12900.
:mod:`assay.compression.support.dependency_graph` finds what must be removed together, for every family; the authors'
library, torch-pruning, fails on recurrent layers and on explicit attention. The result is a smaller network of the
same class: fewer bytes, and faster in any runtime.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import nn

from assay.compression.context import CompressedModel, CompressionContext, Method, network, search
from assay.compression.support import dependency_graph
from assay.compression.support.dependency_graph import Stack, Unit
from assay.provenance.records import Skip


def compress(
    context: CompressionContext,
    *,
    ratios: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)],
    fine_tune: Annotated[float, Field(ge=0, le=1)],
    rate: Annotated[float, Field(gt=0, le=1)],
) -> CompressedModel:
    """Return the network pruned by the highest ratio that stays within the budget.

    Each ratio is first tried without training, for the curve. Then the networks are trained, the smallest first,
    until one stays within the budget; if none does, the largest is returned. Without training the curve decides.

    Args:
        ratios: increasing shares of the units of each group to remove; every group loses and keeps at least one.
        fine_tune: share of the cell's training steps that follows the pruning; 0 for none.
        rate: highest learning rate of that training, as a share of the cell's.

    Raises:
        Skip: no unit can be removed.
        ValueError: the ratios are not increasing.
    """
    if sorted(set(ratios)) != ratios:
        raise ValueError(f"prune_structured: ratios = {ratios}; they must increase")
    stacks = dependency_graph.find(context.model, context.examples)
    if not stacks:
        raise Skip(
            f"{type(context.model).__name__} has no units that can be removed: all reach its output or each other"
        )
    chosen, trials = search(context, "ratio", ratios, lambda ratio: prune(context.model, stacks, ratio))
    pruned = prune(context.model, stacks, chosen)
    before = context.score(context.model)
    for trial in reversed(trials) if fine_tune else ():
        pruned = prune(context.model, stacks, trial["ratio"])
        context.fine_tune(pruned, share=fine_tune, rate=rate)
        trial["tuned_score"] = context.score(pruned)
        trial["tuned_lost"] = context.lost(before, trial["tuned_score"])
        if trial["tuned_lost"] <= context.max_relative_drop:
            break
    made = network(pruned, resized=True)
    return CompressedModel(made.format, made.model, made.parameters, made.facts, trials)


def prune(model: nn.Module, stacks: list[Stack], ratio: float) -> nn.Module:
    """Return a copy of ``model`` without the weakest units of each group."""
    return dependency_graph.without(
        model, [unit for stack in stacks for unit in weakest(model, stack, ratio)]
    )


def weakest(model: nn.Module, stack: Stack, ratio: float) -> list[Unit]:
    """Return the units of a stack to remove: those with the smallest norm in their group, ties by order."""
    gone = []
    for group in stack:
        gone += dependency_graph.weakest(model, group, max(1, round(ratio * len(group))))
    return gone


METHOD = Method(compress, loops=("supervised",))
