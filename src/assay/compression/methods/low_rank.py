# SPDX-License-Identifier: Apache-2.0
"""Low-rank factorisation: matrices become products of two thin ones, by singular value decomposition.

Source: Denton et al., "Exploiting Linear Structure Within Convolutional Networks for Efficient Evaluation", NeurIPS
2014, https://arxiv.org/abs/1404.0736 (dense layers); Prabhavalkar et al., "On the Compression of Recurrent Neural
Networks with an Application to LVCSR Acoustic Modeling for Embedded Speech Recognition", ICASSP 2016,
https://arxiv.org/abs/1603.08042 (recurrent ones). The truncated decomposition is the best approximation of its rank:
Eckart and Young, Psychometrika 1936, https://doi.org/10.1007/BF02288367.

A Linear layer runs as two, with fewer operations. PyTorch's recurrent layers need whole matrices: these are stored
as factors and multiplied when the file is read, so they are smaller but not faster.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.artifacts.compact_weights import LEFT, RIGHT, product
from assay.artifacts.store import count_parameters
from assay.compression.context import CompressedModel, CompressionContext, Method, search, trained
from assay.models.resizing import Factored
from assay.provenance.records import Skip

Factors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def compress(
    context: CompressionContext,
    *,
    energies: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)],
    fine_tune: Annotated[float, Field(ge=0, le=1)],
    rate: Annotated[float, Field(gt=0, le=1)],
) -> CompressedModel:
    """Return the network at the lowest energy that stays within the budget.

    With training, the energies from the first that exceeds the budget on are tried in order, each from the original
    network, up to the first that loses twice the budget. Recurrent matrices that are products are not trained.

    Args:
        energies: decreasing shares of the sum of a matrix's squared singular values that its factors keep.
        fine_tune: share of the cell's training steps that follows; 0 for none.
        rate: highest learning rate of that training, as a share of the cell's.

    Raises:
        Skip: no matrix has fewer numbers as two factors.
        ValueError: ``energies`` are not decreasing.
    """
    if sorted(set(energies), reverse=True) != energies:
        raise ValueError(f"low_rank: energies = {energies}; they must decrease")
    found = decompose(context.model, context.examples[:1])
    if held(factor(context.model, found, energies[-1])) == count_parameters(context.model):
        raise Skip(
            f"none of the {len(found)} matrices of {type(context.model).__name__} that can be factored holds fewer"
            f" numbers as two factors with {energies[-1]:.0%} of its energy"
        )

    def make(energy: float) -> nn.Module:
        return factor(context.model, found, energy)

    def tune(model: nn.Module) -> None:
        for name, _ in products(model):
            model.get_parameter(name).requires_grad_(False)
        context.fine_tune(model, share=fine_tune, rate=rate)

    chosen, trials = search(context, "energy", energies, make)
    best = trained(context, "energy", trials, lambda _, each: make(each), tune) if fine_tune else make(chosen)
    if held(best) == count_parameters(context.model):
        raise Skip(
            f"within the budget none of the {len(found)} matrices of {type(context.model).__name__} that can be"
            " factored holds fewer numbers as two factors"
        )
    return CompressedModel("low_rank", best, held(best), {"resized": True}, trials)


def decompose(model: nn.Module, example: torch.Tensor) -> dict[str, Factors]:
    """Return the singular value decompositions of the matrices that can be factored, by the weights' names.

    Args:
        example: (1, ...) an input, to check that the network still runs.
    """
    places = Counter(id(weight) for _, weight in model.named_parameters(remove_duplicate=False))
    names = [
        *(f"{name}.weight" for name in replaceable(model, example)),
        *(
            f"{name}.{key}"
            for name, layer in model.named_modules()
            if name and isinstance(layer, nn.RNNBase)
            for key, _ in layer.named_parameters()
            if key.startswith("weight")
        ),
    ]
    return {
        name: tuple(torch.linalg.svd(weight.detach(), full_matrices=False))
        for name, weight in ((name, model.get_parameter(name)) for name in names)
        if places[id(weight)]
        == 1  # two factors in addition to a matrix shared with another layer would be more numbers
    }


def replaceable(model: nn.Module, example: torch.Tensor) -> list[str]:
    """Return the names of the Linear layers that can be replaced by two.

    A layer cannot be replaced if the network reads its weight directly.
    """
    inside = tuple(f"{name}." for name, layer in model.named_modules() if isinstance(layer, Factored))
    names = [
        name
        for name, layer in model.named_modules()
        if name and isinstance(layer, nn.Linear) and not name.startswith(inside)
    ]
    if runs(model, names, example):
        return names
    return [name for name in names if runs(model, [name], example)]


def runs(model: nn.Module, names: list[str], example: torch.Tensor) -> bool:
    """Return whether a network runs when these layers are replaced by two each."""
    tried = copy.deepcopy(model)
    for name in names:
        layer = tried.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        tried.set_submodule(name, two(layer, layer.weight[:, :1], layer.weight[:1]))
    try:
        with torch.inference_mode():
            tried(example)
    except Exception:  # a modified network can fail with any error
        return False
    return True


def factor(model: nn.Module, found: dict[str, Factors], energy: float) -> nn.Module:
    """Return a copy of ``model`` with factors of the lowest rank that keeps the energy, where they are smaller."""
    factored = copy.deepcopy(model)
    for name, (left, values, right) in found.items():
        rank = rank_of(values, energy)
        if rank * (len(left) + right.shape[1]) >= len(left) * right.shape[1]:
            continue
        root = values[:rank].sqrt()  # of equal size, so that both learn at the same pace
        left, right = left[:, :rank] * root, root[:, None] * right[:rank]  # (M, R), (R, N)
        place, _, key = name.rpartition(".")
        layer = factored.get_submodule(place)
        if isinstance(layer, nn.Linear):
            factored.set_submodule(place, two(layer, left, right))
        else:
            layer.register_buffer(key + LEFT, left)
            layer.register_buffer(key + RIGHT, right)
            with torch.no_grad():
                factored.get_parameter(name).copy_(product(left, right))
    return factored


def rank_of(values: torch.Tensor, energy: float) -> int:
    """Return how many of the decreasing singular values (K,) have that share of the sum of squares; at least one."""
    sums = values.double().square().cumsum(0)
    return int((sums < energy * sums[-1]).sum()) + 1


def two(layer: nn.Linear, left: torch.Tensor, right: torch.Tensor) -> Factored:
    """Return a layer as two layers with the weights ``right`` (R, inputs) and ``left`` (outputs, R)."""
    factored = Factored(layer.in_features, len(right), layer.out_features, bias=layer.bias is not None)
    weights = {"0.weight": right, "1.weight": left}
    factored.load_state_dict(weights if layer.bias is None else {**weights, "1.bias": layer.bias})
    return factored.train(layer.training)


def products(model: nn.Module) -> Iterable[tuple[str, int]]:
    """Yield the names of the weights that are stored as factors, and the numbers of their elements."""
    buffers = dict(model.named_buffers())
    for name in buffers:
        if name.endswith(LEFT):
            weight = name.removesuffix(LEFT)
            yield weight, buffers[name].numel() + buffers[weight + RIGHT].numel()


def held(model: nn.Module) -> int:
    """Return the number of learned parameters in a network's file."""
    saved = sum(model.get_parameter(name).numel() - numbers for name, numbers in products(model))
    return count_parameters(model) - saved


METHOD = Method(compress, loops=("supervised",))
