"""Unstructured magnitude pruning: zero the smallest weights, keep the architecture.

Source: Han et al., "Learning both Weights and Connections for Efficient Neural Networks",
NeurIPS 2015, https://arxiv.org/abs/1506.02626, without its retraining step. What is left is kept as a mask of
a bit a weight and the weights that are not zero: the file is smaller, the network runs as fast as before.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Annotated, Any

import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from assay.artifacts import count_parameters
from assay.files import replacing
from assay.formats import FORMATS
from assay.records import Skip

PRUNED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase, nn.Embedding)


def compress(
    model: nn.Module,
    *,
    inputs: NDArray[Any],  # noqa: ARG001 (every method is given it)
    folder: Path,
    sparsity: Annotated[float, Field(gt=0, lt=1)],
) -> dict[str, Any]:
    """Write a pruned copy of ``model``; return what its record says beside target and arguments.

    Args:
        model: is not modified.
        inputs: not used.
        folder: receives one file.
        sparsity: fraction of the weights of Linear, convolution, recurrent and embedding layers that is set to
            zero, in (0, 1), over the whole model.

    Raises:
        Skip: no such layer in ``model``.
        ValueError: ``sparsity`` is out of range, or so small that it prunes nothing.
    """
    pruned = prune(model, sparsity)
    form = FORMATS["sparse"]
    with replacing(folder / form.file) as aside:
        form.write(aside, pruned)
    zeros = sum(int((weight == 0).sum()) for weight in prunable(pruned))
    return {"format": "sparse", "parameters": count_parameters(pruned) - zeros}


def prune(model: nn.Module, sparsity: float) -> nn.Module:
    """Return a copy of ``model`` whose smallest weights are zero; of equal ones, the model's first go first.

    Raises:
        Skip: no layer that can be pruned.
        ValueError: ``sparsity`` is out of range, or so small that it prunes nothing.
    """
    if not 0 < sparsity < 1:
        raise ValueError(f"prune: sparsity = {sparsity}; allowed: more than 0 and less than 1")
    pruned = copy.deepcopy(model)
    weights = prunable(pruned)
    if not weights:
        raise Skip(
            f"{type(model).__name__} has no Linear, convolution, recurrent or embedding layer to prune"
        )
    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights])  # (num_weights,)
    num_pruned = round(sparsity * magnitudes.numel())
    if num_pruned == 0:
        raise ValueError(f"prune: sparsity = {sparsity} of {magnitudes.numel()} weights is none; raise it")
    # By rank: a threshold would prune more than was asked where weights are equal.
    kept = torch.ones_like(magnitudes, dtype=torch.bool)
    kept[magnitudes.argsort(stable=True)[:num_pruned]] = False
    with torch.no_grad():
        for weight, mask in zip(
            weights, torch.split(kept, [weight.numel() for weight in weights]), strict=True
        ):
            weight[~mask.view(weight.shape)] = 0.0  # not a product, which would leave negative zeros
    return pruned


def prunable(model: nn.Module) -> list[nn.Parameter]:
    """Return the weights, without biases, of the layers that are pruned, in the model's order."""
    layers = [module for module in model.modules() if isinstance(module, PRUNED)]
    return [
        parameter
        for layer in layers
        for name, parameter in layer.named_parameters(recurse=False)
        if name.startswith("weight")
    ]
