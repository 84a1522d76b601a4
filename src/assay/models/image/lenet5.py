# SPDX-License-Identifier: Apache-2.0
"""LeNet-5: convolutions and trained subsampling, first used to read cheques.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 1998, section II.B, https://doi.org/10.1109/5.726791. As there: 5x5 convolutions of
6 and 16 maps, each followed by an average of 2x2 with a trained coefficient and bias per map, layers of 120
and 84, the scaled tanh. Unlike there: the second convolution sees all six maps (the paper's table of
connections leaves some out) and the output is linear with cross-entropy in place of radial basis functions.
The paper's frame of two pixels around a 28x28 image is the padding of the first convolution.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from assay.models.declaration import Network
from assay.models.layers.image_layers import Enlarge

SIDE = 28


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x / 3), the paper's appendix A: it maps 1 to 1 and -1 to -1."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map any shape to the same shape."""
        return 1.7159 * torch.tanh(inputs * (2 / 3))


class Subsampling(nn.Module):
    """The average of each 2x2 square, times a trained coefficient, plus a trained bias, one of each per map."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(maps, 1, 1))
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C, H // 2, W // 2)."""
        return F.avg_pool2d(maps, 2) * self.coefficient + self.bias


class LeNet5(nn.Module):
    """C1, S2, C3, S4, C5, F6 and the output, named as in the paper; no knobs.

    Args:
        shape: (C, H, W) of one image; smaller than 28x28 is enlarged to it.
        num_classes: number of logits.
    """

    def __init__(self, *, shape: tuple[int, int, int], num_classes: int) -> None:
        super().__init__()
        self.enlarge = Enlarge(SIDE)
        height, width = self.enlarge.sides(shape)
        self.c1 = nn.Conv2d(shape[0], 6, 5, padding=2)
        self.s2 = Subsampling(6)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = Subsampling(16)
        # A 5x5 convolution over maps of 5x5, hence Linear.
        self.c5 = nn.Linear(16 * ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2), 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)
        self.squash = ScaledTanh()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        maps = self.squash(self.s2(self.c1(self.enlarge(images))))
        maps = self.squash(self.s4(self.c3(maps)))
        units = self.squash(self.c5(maps.flatten(1)))
        logits: torch.Tensor = self.output(self.squash(self.f6(units)))
        return logits


MODEL = Network(LeNet5, family="convolutional", signatures=("image -> class",))
