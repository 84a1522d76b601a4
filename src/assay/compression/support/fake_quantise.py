# SPDX-License-Identifier: Apache-2.0
"""Numbers rounded to 8 bits while a network learns, by the rule by which onnxruntime will round them.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, https://arxiv.org/abs/1712.05877; the straight-through gradient: Bengio, Leonard and
Courville, 2013, https://arxiv.org/abs/1308.3432. Weights are signed with a scale an output channel, activations
unsigned with a range a tensor. Rounded is what layers read, and what they write unless a normalisation or a ReLU
follows, behind a pooling or not, that the graph merges with them: of perceptrons and plain convolutional networks all
that the graph holds in 8 bits. Products of attention, and sums that no layer reads, are left out.
``torch.fake_quantize_...`` are plain operators of PyTorch, no part of torch.ao.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from assay.compression.support.integers import SHALLOW

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
# A LayerNorm reads the sum of two branches, which is rounded.
READS = (*WEIGHTED, nn.LayerNorm)
WRITES = (*WEIGHTED, *NORMS)
MERGED = (*NORMS, nn.ReLU)
SHRINKS = 0.02
"""By which part of the distance a range follows a batch whose values lie within it, a step."""
TINY = 1e-12
CALIBRATION_BATCH = 64


@contextlib.contextmanager
def rounded(network: nn.Module, calibration: Tensor) -> Iterator[None]:
    """Have ``network`` round its numbers as long as this lasts; afterwards it is as it was, but for what it learned.

    Args:
        calibration: (N, ...) inputs that give the ranges from which activations start.
    """
    merged, handles = _merged(network), []
    layers = list(network.modules())
    for layer in layers:
        if isinstance(layer, READS) and not is_shallow(layer):
            layer.add_module("reads", Activation())
            handles.append(layer.register_forward_pre_hook(_round_inputs))
        if isinstance(layer, WRITES) and layer not in merged and not is_shallow(layer):
            layer.add_module("writes", Activation())
            handles.append(layer.register_forward_hook(_round_outputs))
    try:
        _measure(network, calibration)
        for layer in layers:
            if isinstance(layer, WEIGHTED) and not is_shallow(layer):
                parametrize.register_parametrization(layer, "weight", RoundedWeight())
            if isinstance(layer, nn.Embedding):
                handles.append(layer.register_forward_hook(_round_vectors))
        yield
    finally:
        for handle in handles:
            handle.remove()
        for layer in layers:
            if parametrize.is_parametrized(layer, "weight"):
                parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
            for name in ("reads", "writes"):
                if isinstance(getattr(layer, name, None), Activation):
                    delattr(layer, name)


def _merged(network: nn.Module) -> set[nn.Module]:
    """Return the layers whose outputs the graph never holds: what follows becomes a part of them."""
    rows = [
        [layer for layer in module if not isinstance(layer, nn.MaxPool2d)]  # the graph clips before it pools
        for module in network.modules()
        if isinstance(module, nn.Sequential)
    ]
    return {first for row in rows for first, second in pairwise(row) if isinstance(second, MERGED)}


def is_shallow(layer: nn.Module) -> bool:
    """Say whether the graph keeps a layer in full precision."""
    return isinstance(layer, nn.Conv1d | nn.Conv2d) and layer.weight.shape[1] <= SHALLOW


@torch.no_grad()
def _measure(network: nn.Module, calibration: Tensor) -> None:
    """Give every range what the calibration items have where nothing is rounded yet, as onnxruntime measures them."""
    network.eval()
    for batch in torch.split(calibration, CALIBRATION_BATCH):
        network(batch)
    for module in network.modules():
        if isinstance(module, Activation):
            module.measuring = False


def _round_inputs(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return layer.get_submodule("reads")(inputs[0]), *inputs[1:]


def _round_outputs(layer: nn.Module, _: tuple[Any, ...], outputs: Tensor) -> Tensor:
    rounded: Tensor = layer.get_submodule("writes")(outputs)
    return rounded


def _round_vectors(layer: nn.Embedding, _: tuple[Any, ...], vectors: Tensor) -> Tensor:
    """Round word vectors (..., D) in the range of their table: the same as a rounded table, and cheaper."""
    low, high = layer.weight.detach().aminmax()
    return round_activations(vectors, low, high)


class RoundedWeight(nn.Module):
    """Weights (out, ...) to signed numbers of 8 bits, symmetric, a scale an output channel."""

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weights that the integers stand for; gradients pass as if nothing were rounded."""
        scales = weight.detach().abs().flatten(1).amax(dim=1).div(127).clamp(min=TINY)  # (out,)
        zeros = torch.zeros_like(scales, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scales, zeros, 0, -127, 127)


class Activation(nn.Module):
    """The range of one tensor, and its values as unsigned numbers of 8 bits in it.

    In training the range grows at once and shrinks slowly: like the calibration that measures the final graph, it
    clips nothing that it has seen of late.
    """

    low: Tensor
    high: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.measuring = True

    def forward(self, values: Tensor) -> Tensor:
        """Return values (...) rounded; outside of the range they are clipped. While it is measured they stay."""
        if self.training or self.measuring:
            low, high = values.detach().float().aminmax()
            shrinks = 0.0 if self.measuring else SHRINKS
            self.low.copy_(torch.minimum(low, torch.lerp(self.low, low, shrinks)))
            self.high.copy_(torch.maximum(high, torch.lerp(self.high, high, shrinks)))
        return values if self.measuring else round_activations(values, self.low, self.high)


def round_activations(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return values (...) as 256 evenly spaced ones, from ``low`` to ``high``, of which zero is one."""
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = ((high - low) / 255).clamp(min=TINY)
    zero = (-low / scale).round().to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(values.float(), scale, zero, 0, 255).to(values.dtype)
