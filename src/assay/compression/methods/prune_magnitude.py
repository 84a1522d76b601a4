# SPDX-License-Identifier: Apache-2.0
"""Unstructured magnitude pruning: zero the smallest weights, train the others further, zero more of them.

Source: Han et al., "Learning both Weights and Connections for Efficient Neural Networks",
NeurIPS 2015, https://arxiv.org/abs/1506.02626. As there, weights are compared relative to their own layer: otherwise
a layer of small weights would be removed entirely, such as a text network's convolutions. The result is stored as a
mask of one bit per weight and the weights that are not zero: the file is smaller, but the network is not faster.
"""

from __future__ import annotations

import copy
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.artifacts.store import count_parameters
from assay.compression.context import CompressedModel, CompressionContext, Method, search, trained
from assay.provenance.records import Skip

PRUNED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase, nn.Embedding)


def compress(
    context: CompressionContext,
    *,
    sparsities: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)],
    fine_tune: Annotated[float, Field(ge=0, le=1)],
    rate: Annotated[float, Field(gt=0, le=1)],
) -> CompressedModel:
    """Return the network at the highest sparsity that stays within the budget.

    Each is first tried without training. From the first that exceeds the budget on, networks are trained in order: each
    sparsity starts from the trained weights of the previous one, up to the first that loses twice the budget.

    Args:
        sparsities: increasing fractions of the weights of Linear, convolution, recurrent and embedding layers that
            are set to zero, over the whole network.
        fine_tune: share of the cell's training steps that follows each pruning; 0 for none.
        rate: highest learning rate of that training, as a share of the cell's.

    Raises:
        Skip: the network has no such layer.
        ValueError: a sparsity is so small that it prunes nothing, or they are not increasing.
    """
    if sorted(set(sparsities)) != sparsities:
        raise ValueError(f"prune_magnitude: sparsities = {sparsities}; they must increase")
    chosen, trials = search(context, "sparsity", sparsities, lambda each: prune(context.model, each))

    def tune(model: nn.Module) -> None:
        context.fine_tune(frozen(model), share=fine_tune, rate=rate)

    best = trained(context, "sparsity", trials, prune, tune) if fine_tune else prune(context.model, chosen)
    zeros = sum(int((weight == 0).sum()) for weight in prunable(best))
    return CompressedModel("sparse", best, count_parameters(best) - zeros, trials=trials)


def frozen(model: nn.Module) -> nn.Module:
    """Keep the zeros of a pruned network at zero during training, by masking their gradients; return the network."""
    for weight in prunable(model):
        if not weight.requires_grad:  # frozen word vectors
            continue
        kept = weight.detach() != 0
        # The ignore: torch leaves this method untyped.
        weight.register_hook(lambda gradient, kept=kept: gradient * kept)  # type: ignore[no-untyped-call]
    return model


def prune(model: nn.Module, sparsity: float) -> nn.Module:
    """Return a copy of ``model`` whose smallest weights are zero; among equal ones, the model's first are zeroed.

    A weight's size is its magnitude relative to the root mean square of its layer's non-zero weights.

    Raises:
        Skip: no layer can be pruned.
        ValueError: ``sparsity`` is so small that it prunes nothing.
    """
    pruned = copy.deepcopy(model)
    weights = prunable(pruned)
    if not weights:
        raise Skip(
            f"{type(model).__name__} has no Linear, convolution, recurrent or embedding layer to prune"
        )
    sizes = torch.cat([_sizes(weight.detach()).flatten() for weight in weights])  # (num_weights,)
    num_pruned = round(sparsity * sizes.numel())
    if num_pruned == 0:
        raise ValueError(
            f"prune_magnitude: sparsity = {sparsity} of {sizes.numel()} weights is none; raise it"
        )
    # By rank: a threshold would prune too many weights if some are equal.
    kept = torch.ones_like(sizes, dtype=torch.bool)
    kept[sizes.argsort(stable=True)[:num_pruned]] = False
    with torch.no_grad():
        for weight, mask in zip(
            weights, torch.split(kept, [weight.numel() for weight in weights]), strict=True
        ):
            weight[~mask.view(weight.shape)] = 0.0  # not a product, which would leave negative zeros
    return pruned


def _sizes(weight: torch.Tensor) -> torch.Tensor:
    mean_square = weight.square().sum() / weight.count_nonzero().clamp(min=1)
    return weight.abs() / mean_square.sqrt().clamp(min=torch.finfo(weight.dtype).tiny)


def prunable(model: nn.Module) -> list[nn.Parameter]:
    """Return the weights, without biases, of the layers that are pruned, in the model's order."""
    layers = [module for module in model.modules() if isinstance(module, PRUNED)]
    return [
        parameter
        for layer in layers
        for name, parameter in layer.named_parameters(recurse=False)
        if name.startswith("weight")
    ]


METHOD = Method(compress, loops=("supervised",))
