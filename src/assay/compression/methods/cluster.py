# SPDX-License-Identifier: Apache-2.0
"""Weight sharing: the weights of a layer take few distinct values, and each weight is stored as a Huffman code.

Source: Han, Mao and Dally, "Deep Compression: Compressing Deep Neural Networks with Pruning, Trained Quantization
and Huffman Coding", ICLR 2016, https://arxiv.org/abs/1510.00149. k-means finds the values, from centroids that are
initialised evenly between the smallest and the largest weight; weights that are zero stay zero. The loaded weights are
dense, so the file is smaller but the network is not faster.

Unlike in the paper, a centroid learns from the mean of its weights' gradients, not from the sum, which keeps the scale
for which the learning rate of the weights was chosen.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from assay.artifacts.store import count_parameters
from assay.compression.context import CompressedModel, CompressionContext, Method, search, trained
from assay.provenance.records import Skip

SHARED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.RNNBase, nn.Embedding)
LEAST_NUMBERS = 512
"""In a smaller tensor the codebook costs more than the codes save."""
MOST_ROUNDS = 200
"""The limit of k-means; it usually converges after some 50 rounds."""


def compress(
    context: CompressionContext,
    *,
    bits: Annotated[list[Annotated[int, Field(ge=1, le=8)]], Field(min_length=1)],
    fine_tune: Annotated[float, Field(ge=0, le=1)],
    rate: Annotated[float, Field(gt=0, le=1)],
) -> CompressedModel:
    """Return the network with the fewest values per tensor that stays within the budget.

    With training, the numbers of bits from the first that exceeds the budget on are tried in order, each from the
    original network, up to the first that loses twice the budget.

    Args:
        bits: decreasing; each tensor has 2**bits values, and zero where it had zeros.
        fine_tune: share of the cell's training steps for which the values are trained; 0 for none.
        rate: highest learning rate of that training, as a share of the cell's.

    Raises:
        Skip: no layer has enough weights.
        ValueError: ``bits`` are not decreasing.
    """
    if sorted(set(bits), reverse=True) != bits:
        raise ValueError(f"cluster: bits = {bits}; they must decrease")
    if not any(weight.numel() >= LEAST_NUMBERS for weight in layer_weights(context.model)):
        raise Skip(
            f"{type(context.model).__name__} has no Linear, convolution, recurrent or embedding layer"
            f" of {LEAST_NUMBERS} weights"
        )

    def make(bits: float) -> nn.Module:
        return cluster(context.model, int(bits))

    def tune(model: nn.Module) -> None:
        train_values(context, model, share=fine_tune, rate=rate)

    chosen, trials = search(context, "bits", bits, make)
    best = trained(context, "bits", trials, lambda _, each: make(each), tune) if fine_tune else make(chosen)
    zeros = sum(int((weight == 0).sum()) for weight in layer_weights(best))
    return CompressedModel("clustered", best, count_parameters(best) - zeros, trials=trials)


def layer_weights(model: nn.Module) -> list[nn.Parameter]:
    """Return the weights, without biases, of the layers to be clustered, each once, in the model's order."""
    weights = {
        id(parameter): parameter
        for layer in model.modules()
        if isinstance(layer, SHARED)
        for name, parameter in layer.named_parameters(recurse=False)
        if name.startswith("weight")
    }
    return list(weights.values())


def cluster(model: nn.Module, bits: int) -> nn.Module:
    """Return a copy of ``model`` whose large weights have at most 2**bits values each; zeros stay zero."""
    shared = copy.deepcopy(model)
    for weight in layer_weights(shared):
        if weight.numel() >= LEAST_NUMBERS:
            values = shared_values(weight.detach().numpy().ravel(), 2**bits)
            with torch.no_grad():
                weight.copy_(torch.from_numpy(values).view(weight.shape))
    return shared


def shared_values(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return values (N,), each replaced by the nearest of at most ``count`` centroids; zeros stay zero."""
    kept = values != 0
    ordered = np.sort(values[kept]).astype(np.float64)
    if (np.diff(ordered) != 0).sum() < count:
        return values
    centroids = k_means(ordered, count)
    shared = values.copy()
    shared[kept] = centroids[np.searchsorted(middles(centroids), values[kept], side="right")]
    return shared


def k_means(ordered: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the ascending centroids (count,) of ascending values (N,), by Lloyd's algorithm.

    A cluster is a contiguous range of the values, so a round is a search for its ends. An empty cluster keeps its
    centroid.
    """
    centroids = np.linspace(ordered[0], ordered[-1], count)
    sums = np.append(0.0, np.cumsum(ordered))
    for _ in range(MOST_ROUNDS):
        ends = np.searchsorted(ordered, middles(centroids))
        ends = np.concatenate([[0], ends, [len(ordered)]])
        sizes = np.diff(ends)
        moved = np.where(sizes, np.diff(sums[ends]) / np.maximum(sizes, 1), centroids)
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def middles(centroids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the midpoints (K - 1,) between neighbouring centroids."""
    return (centroids[:-1] + centroids[1:]) / 2


def train_values(context: CompressionContext, model: nn.Module, *, share: float, rate: float) -> None:
    """Train a clustered network in place: weights that share a value still share one, and zeros stay zero.

    Args:
        share: share of the cell's training steps.
        rate: highest learning rate, as a share of the cell's.
    """
    groups = [
        (weight, *torch.unique(weight.detach(), return_inverse=True))
        for weight in layer_weights(model)
        if weight.numel() >= LEAST_NUMBERS
    ]
    hooks = [
        weight.register_hook(partial(means, labels=labels, fixed=values == 0))
        for weight, values, labels in groups
        if weight.requires_grad
    ]
    context.fine_tune(model, share=share, rate=rate)
    for hook in hooks:
        hook.remove()
    with torch.no_grad():  # an optimizer's vector instructions round the last numbers of a tensor otherwise
        for weight, values, labels in groups:
            weight.copy_(means(weight, labels=labels, fixed=values == 0))


def means(numbers: torch.Tensor, *, labels: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
    """Return each number replaced by the mean of those with its label; 0 where the label is ``fixed`` (K,)."""
    flat = labels.flatten()
    sums = torch.bincount(flat, numbers.flatten().double(), minlength=len(fixed))
    found = (sums / torch.bincount(flat, minlength=len(fixed))).masked_fill(fixed, 0.0)
    return found.to(numbers.dtype)[labels]


METHOD = Method(compress, loops=("supervised",))
