# SPDX-License-Identifier: Apache-2.0
"""Fake quantisation: numbers are rounded to 8 bits during training, in the same way as in onnxruntime.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, https://arxiv.org/abs/1712.05877; the straight-through gradient: Bengio, Leonard and
Courville, 2013, https://arxiv.org/abs/1308.3432. Weights are signed with one scale per output channel, activations
unsigned with one range per tensor. The inputs of layers are rounded, and their outputs unless a normalisation or a ReLU
follows, directly or after pooling, that the graph merges with them: in perceptrons and plain convolutional networks
everything that the graph holds in 8 bits. Products of attention, and sums that no layer reads, are not rounded.
``torch.fake_quantize_...`` are plain PyTorch operators, not part of torch.ao.
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
"""The share of the distance by which a range shrinks, per step, towards a batch whose values are within it."""
TINY = 1e-12
CALIBRATION_BATCH = 64


@contextlib.contextmanager
def rounded(network: nn.Module, calibration: Tensor) -> Iterator[None]:
    """Make ``network`` round its numbers inside the block; afterwards only its trained weights differ.

    Args:
        calibration: (N, ...) inputs that determine the initial ranges of activations.
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
    """Return the layers whose outputs are not in the graph, because the next layer is merged into them."""
    rows = [
        [layer for layer in module if not isinstance(layer, nn.MaxPool2d)]  # the graph clips before it pools
        for module in network.modules()
        if isinstance(module, nn.Sequential)
    ]
    return {first for row in rows for first, second in pairwise(row) if isinstance(second, MERGED)}


def is_shallow(layer: nn.Module) -> bool:
    """Return whether the graph keeps a layer in full precision."""
    return isinstance(layer, nn.Conv1d | nn.Conv2d) and layer.weight.shape[1] <= SHALLOW


@torch.no_grad()
def _measure(network: nn.Module, calibration: Tensor) -> None:
    """Set every range from the calibration items without rounding, as onnxruntime measures them."""
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
    """Rounds weights (out, ...) to signed 8-bit numbers, symmetric, one scale per output channel."""

    def forward(self, weight: Tensor) -> Tensor:
        """Return the dequantised weights; gradients pass as if nothing were rounded."""
        scales = weight.detach().abs().flatten(1).amax(dim=1).div(127).clamp(min=TINY)  # (out,)
        zeros = torch.zeros_like(scales, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scales, zeros, 0, -127, 127)


class Activation(nn.Module):
    """Rounds one tensor to unsigned 8-bit numbers within its range.

    In training the range grows at once and shrinks slowly: like the calibration of the final graph, it
    clips no recent value.
    """

    low: Tensor
    high: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.measuring = True

    def forward(self, values: Tensor) -> Tensor:
        """Return values (...) rounded, and clipped to the range; unchanged while the range is measured."""
        if self.training or self.measuring:
            low, high = values.detach().float().aminmax()
            shrinks = 0.0 if self.measuring else SHRINKS
            self.low.copy_(torch.minimum(low, torch.lerp(self.low, low, shrinks)))
            self.high.copy_(torch.maximum(high, torch.lerp(self.high, high, shrinks)))
        return values if self.measuring else round_activations(values, self.low, self.high)


def round_activations(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return values (...) rounded to 256 evenly spaced ones from ``low`` to ``high``, one of which is zero."""
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = ((high - low) / 255).clamp(min=TINY)
    zero = (-low / scale).round().to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(values.float(), scale, zero, 0, 255).to(values.dtype)
