# SPDX-License-Identifier: Apache-2.0
"""A small residual network: each block adds its output to its input.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
https://arxiv.org/abs/1512.03385: basic blocks of two 3x3 convolutions with batch normalisation, identity
shortcuts, 1x1 projections where the size changes (option B), global average pooling. The stem is a 3x3
convolution and a 2x2 pooling (there 7x7 with stride 2 and a pooling), because images have 28 pixels per side
and not 224.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from assay.models.declaration import Network
from assay.models.layers.image_layers import Enlarge, conv_norm_relu

SIDE = 16


def projection(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return the shortcut for a change of size or width: a 1x1 convolution and batch normalisation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut; ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            conv_norm_relu(inputs, outputs, 3, stride),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = inputs == outputs and stride == 1
        self.shortcut: nn.Module = nn.Identity() if same else projection(inputs, outputs, stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride), rounded up."""
        return F.relu(self.residual(maps) + self.shortcut(maps))


class ResNetSmall(nn.Module):
    """Stem, three stages of blocks (the second and third begin with stride 2), global average, Linear.

    Args:
        shape: (C, H, W) of one image; smaller than 16x16 is enlarged to it.
        num_classes: number of logits.
        widths: channels of the three stages; the stem has those of the first.
        blocks: blocks per stage.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        widths: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)],
        blocks: Annotated[int, Field(ge=1)],
    ) -> None:
        super().__init__()
        self.enlarge = Enlarge(SIDE)
        self.stem = nn.Sequential(conv_norm_relu(shape[0], widths[0], 3), nn.MaxPool2d(2))
        stages: list[nn.Module] = []
        inputs = widths[0]
        for width, stride in zip(widths, (1, 2, 2), strict=True):
            rest = [Block(width, width, 1) for _ in range(blocks - 1)]
            stages.append(nn.Sequential(Block(inputs, width, stride), *rest))
            inputs = width
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(inputs, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        maps = self.stages(self.stem(self.enlarge(images)))  # (N, widths[2], H / 8, W / 8)
        logits: torch.Tensor = self.head(maps.mean(dim=(2, 3)))
        return logits


MODEL = Network(ResNetSmall, family="convolutional", signatures=("image -> class",))
