# SPDX-License-Identifier: Apache-2.0
"""A small VGG: stacks of 3x3 convolutions and 2x2 poolings, the width doubling from stack to stack.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR
2015, https://arxiv.org/abs/1409.1556. Not as there: three stacks in place of five, and batch normalisation
(Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167) after each convolution, so that it trains in few
epochs.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network
from assay.models.layers.image_layers import Enlarge, conv_norm_relu

SIDE = 16
STACKS = 3


class VGGSmall(nn.Module):
    """Three stacks, each of some convolutions and one pooling; two dense layers with dropout; Linear.

    Args:
        shape: (C, H, W) of one image; smaller than 16x16 is enlarged to it.
        num_classes: number of logits.
        width: channels of the first stack; the second has twice and the third four times as many.
        convolutions: convolutions per stack.
        dense: units of each of the two dense layers.
        dropout: probability that a unit of a dense layer is zeroed in training.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        width: Annotated[int, Field(ge=1)],
        convolutions: Annotated[int, Field(ge=1)],
        dense: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        self.enlarge = Enlarge(SIDE)
        height, columns = (side // 2**STACKS for side in self.enlarge.sides(shape))
        layers: list[nn.Module] = []
        inputs = shape[0]
        for stack in range(STACKS):
            for _ in range(convolutions):
                layers.append(conv_norm_relu(inputs, width * 2**stack, 3))
                inputs = width * 2**stack
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Sequential(nn.Linear(inputs * height * columns, dense), nn.ReLU(), nn.Dropout(dropout)),
            nn.Sequential(nn.Linear(dense, dense), nn.ReLU(), nn.Dropout(dropout)),
            nn.Linear(dense, num_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        logits: torch.Tensor = self.classifier(self.features(self.enlarge(images)))
        return logits


MODEL = Network(VGGSmall, family="convolutional", signatures=("image -> class",))
