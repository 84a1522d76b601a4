# SPDX-License-Identifier: Apache-2.0
"""A small AlexNet: ReLU, local response normalisation, overlapping pooling, dropout in two big dense layers.

Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
NIPS 2012, https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html. Its five
convolutions, two normalisations, three poolings and three dense layers in their order, with fewer channels.
Because images have 28 pixels per side and not 224, the first convolution is 5x5 with stride 2 (there 11x11
with stride 4) and the poolings are padded. The convolutions are not split into two groups, which the
paper did for two GPUs.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from assay.models.declaration import Network
from assay.models.layers.image_layers import Enlarge

SIDE = 16

# The paper's section 3.3.
NEIGHBOURS = 5
BIAS = 2.0
ALPHA = 1e-4


class ResponseNorm(nn.Module):
    """Divide each number by (2 + 1e-4 * the sum of squares over 5 neighbouring channels) ** 0.75.

    The same as ``nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)``, which takes 4 times as long on a CPU.
    """

    band: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        index = torch.arange(channels)
        near = (index[:, None] - index).abs() <= NEIGHBOURS // 2
        self.register_buffer("band", near.float()[:, :, None, None], persistent=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to the same shape."""
        sums = F.conv2d(maps.square(), self.band).float()
        root = torch.rsqrt(BIAS + ALPHA * sums)
        return maps * (root * root.sqrt()).to(maps.dtype)  # x ** -0.75 = x ** -0.5 * x ** -0.25


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution and a ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2), nn.ReLU())


def overlapping_pool() -> nn.MaxPool2d:
    """Return the paper's section 3.4: squares of 3x3, two pixels apart."""
    return nn.MaxPool2d(3, stride=2, padding=1)


class AlexNetSmall(nn.Module):
    """Five convolutions, three overlapping poolings, two dense layers with dropout, Linear.

    Args:
        shape: (C, H, W) of one image; smaller than 16x16 is enlarged to it.
        num_classes: number of logits.
        channels: output channels of the five convolutions.
        dense: units of each of the two dense layers.
        dropout: probability that an input of a dense layer is zeroed in training (the paper: 0.5).
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        channels: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=5, max_length=5)],
        dense: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        first, second, third, fourth, fifth = channels
        self.enlarge = Enlarge(SIDE)
        # The first convolution and each of the three poolings halve a side, rounded up.
        height, width = (-(-side // 16) for side in self.enlarge.sides(shape))
        self.features = nn.Sequential(
            convolution(shape[0], first, 5, stride=2),
            ResponseNorm(first),
            overlapping_pool(),
            convolution(first, second, 5),
            ResponseNorm(second),
            overlapping_pool(),
            convolution(second, third, 3),
            convolution(third, fourth, 3),
            convolution(fourth, fifth, 3),
            overlapping_pool(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(fifth * height * width, dense),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense, dense),
            nn.ReLU(),
            nn.Linear(dense, num_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        logits: torch.Tensor = self.classifier(self.features(self.enlarge(images)))
        return logits


MODEL = Network(AlexNetSmall, family="convolutional", signatures=("image -> class",))
