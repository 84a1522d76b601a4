# SPDX-License-Identifier: Apache-2.0
"""A small Inception (GoogLeNet): several kernel sizes side by side, made cheap by 1x1 reductions.

Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, https://arxiv.org/abs/1409.4842. As
there: a stem, modules of four branches (figure 2b), max-pooling between groups of modules, global average
pooling, dropout, one linear layer. Unlike there: three modules instead of nine, no auxiliary classifiers,
and batch normalisation (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167) so that it trains in few
epochs.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network
from assay.models.layers.image_layers import Enlarge, conv_norm_relu

SIDE = 16
STEM = 32


class Widths(NamedTuple):
    """Output channels of a module's parts, with the order and names of the paper's table 1."""

    ones: int
    threes_reduce: int
    threes: int
    fives_reduce: int
    fives: int
    pool_proj: int

    @property
    def outputs(self) -> int:
        """Output channels of the module."""
        return self.ones + self.threes + self.fives + self.pool_proj


# In about the proportions of the paper's 3a, 4a and 4e.
BEFORE_POOL = (Widths(24, 24, 48, 8, 16, 8),)
AFTER_POOL = (Widths(32, 32, 64, 8, 16, 16), Widths(48, 48, 64, 16, 32, 16))


class Inception(nn.Module):
    """1x1, 3x3 and 5x5 convolutions and a pooling over the same maps, their outputs concatenated."""

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        self.ones = conv_norm_relu(inputs, widths.ones, 1)
        self.threes = nn.Sequential(
            conv_norm_relu(inputs, widths.threes_reduce, 1),
            conv_norm_relu(widths.threes_reduce, widths.threes, 3),
        )
        self.fives = nn.Sequential(
            conv_norm_relu(inputs, widths.fives_reduce, 1),
            conv_norm_relu(widths.fives_reduce, widths.fives, 5),
        )
        self.pool = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), conv_norm_relu(inputs, widths.pool_proj, 1)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, widths.outputs, H, W)."""
        return torch.cat([self.ones(maps), self.threes(maps), self.fives(maps), self.pool(maps)], dim=1)


class InceptionSmall(nn.Module):
    """A 3x3 stem, a module, two more at half the size, global average, dropout, Linear.

    Args:
        shape: (C, H, W) of one image; smaller than 16x16 is enlarged to it.
        num_classes: number of logits.
        dropout: probability that an averaged map is zeroed in training (the paper: 0.4).
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        self.enlarge = Enlarge(SIDE)
        self.stem = nn.Sequential(conv_norm_relu(shape[0], STEM, 3), nn.MaxPool2d(2))
        inputs = STEM
        groups: list[nn.Sequential] = []
        for group in (BEFORE_POOL, AFTER_POOL):
            modules = []
            for widths in group:
                modules.append(Inception(inputs, widths))
                inputs = widths.outputs
            groups.append(nn.Sequential(*modules))
        self.features = nn.Sequential(groups[0], nn.MaxPool2d(2), groups[1])
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        maps = self.features(self.stem(self.enlarge(images)))  # (N, C', H / 4, W / 4)
        logits: torch.Tensor = self.head(self.dropout(maps.mean(dim=(2, 3))))
        return logits


MODEL = Network(InceptionSmall, family="convolutional", signatures=("image -> class",))
