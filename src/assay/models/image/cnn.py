# SPDX-License-Identifier: Apache-2.0
"""A plain convolutional network: three 3x3 convolutions, two 2x2 max-poolings, one dense layer.

Source: the layers are those of TensorFlow's tutorial "Convolutional Neural Network (CNN)",
https://www.tensorflow.org/tutorials/images/cnn, here padded so that 8x8 scans fit too; the idea is LeCun et
al., "Backpropagation Applied to Handwritten Zip Code Recognition", Neural Computation 1989,
https://doi.org/10.1162/neco.1989.1.4.541.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network


class CNN(nn.Module):
    """Convolution, pooling, convolution, pooling, convolution, dense; ReLU after each of them.

    Args:
        shape: (C, H, W) of one image; H and W at least 4.
        num_classes: number of logits.
        channels: output channels of the three convolutions.
        dense: units of the dense layer.
        dropout: probability that a unit is zeroed in training, before and after the dense layer.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        channels: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)],
        dense: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        first, second, third = channels
        colours, height, width = shape
        self.features = nn.Sequential(
            nn.Conv2d(colours, first, 3, padding=1),
            nn.MaxPool2d(2),  # before ReLU: the same function, and a quarter of the numbers to clip
            nn.ReLU(),
            nn.Conv2d(first, second, 3, padding=1),
            nn.MaxPool2d(2),  # before ReLU: the same function, and a quarter of the numbers to clip
            nn.ReLU(),
            nn.Conv2d(second, third, 3, padding=1),
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(third * (height // 4) * (width // 4), dense),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense, num_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        logits: torch.Tensor = self.classifier(self.features(images))
        return logits


MODEL = Network(CNN, family="convolutional", signatures=("image -> class",))
