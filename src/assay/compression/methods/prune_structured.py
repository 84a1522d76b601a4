# SPDX-License-Identifier: Apache-2.0
"""Structured pruning: whole channels, hidden units, recurrent units and attention heads go; the rest is trained on.

Sources: Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017, https://arxiv.org/abs/1608.08710, whose
criterion, the norm of a filter's weights, is taken here over all weights that make or read a unit, as in Fang et
al., "DepGraph: Towards Any Structural Pruning", CVPR 2023, https://arxiv.org/abs/2301.12900. What must go together
is found by :mod:`assay.compression.support.dependency_graph` for every family alike; the authors' library,
torch-pruning, fails on recurrent layers and on attention that is written out. What is left is a smaller network of the
same kind: fewer bytes, and faster in any runtime.
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
    subject: CompressionContext,
    *,
    ratios: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)],
    fine_tune: Annotated[float, Field(ge=0, le=1)],
    rate: Annotated[float, Field(gt=0, le=1)],
) -> CompressedModel:
    """Return the network without the highest share of its units that stays within the budget.

    Each ratio is first tried without training, for the curve. Then the networks are trained, from the smallest on,
    until one stays within the budget; if none does it is the largest. Without training the curve decides.

    Args:
        ratios: rising shares of the units of each group that go; of every group at least one goes and one stays.
        fine_tune: share of the cell's training steps that follows the pruning; 0 for none.
        rate: highest learning rate of that training, as a share of the cell's.

    Raises:
        Skip: no unit can go.
        ValueError: the ratios do not rise.
    """
    if sorted(set(ratios)) != ratios:
        raise ValueError(f"prune_structured: ratios = {ratios}; they must rise")
    stacks = dependency_graph.find(subject.model, subject.examples)
    if not stacks:
        raise Skip(
            f"{type(subject.model).__name__} has no units that can go: all reach its output or each other"
        )
    chosen, trials = search(subject, "ratio", ratios, lambda ratio: prune(subject.model, stacks, ratio))
    pruned = prune(subject.model, stacks, chosen)
    before = subject.score(subject.model)
    for trial in reversed(trials) if fine_tune else ():
        pruned = prune(subject.model, stacks, trial["ratio"])
        subject.fine_tune(pruned, share=fine_tune, rate=rate)
        trial["tuned_score"] = subject.score(pruned)
        trial["tuned_lost"] = subject.lost(before, trial["tuned_score"])
        if trial["tuned_lost"] <= subject.max_relative_drop:
            break
    made = network(pruned, resized=True)
    return CompressedModel(made.format, made.model, made.parameters, made.facts, trials)


def prune(model: nn.Module, stacks: list[Stack], ratio: float) -> nn.Module:
    """Return a copy of ``model`` without the weakest units of each group."""
    return dependency_graph.without(
        model, [unit for stack in stacks for unit in weakest(model, stack, ratio)]
    )


def weakest(model: nn.Module, stack: Stack, ratio: float) -> list[Unit]:
    """Return the units of a stack that go: those with the smallest norm in their group, of equal ones the first."""
    gone = []
    for group in stack:
        gone += dependency_graph.weakest(model, group, max(1, round(ratio * len(group))))
    return gone


METHOD = Method(compress, loops=("supervised",))
