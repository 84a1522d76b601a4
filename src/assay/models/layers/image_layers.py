# SPDX-License-Identifier: Apache-2.0
"""Layers that several convolutional networks share."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Enlarge(nn.Module):
    """Enlarge images smaller than ``side`` to ``side`` x ``side``, bilinearly; larger ones are unchanged.

    Used by networks whose poolings would reduce an 8x8 scan to nothing.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def sides(self, shape: tuple[int, int, int]) -> tuple[int, int]:
        """Return the height and width of enlarged images of ``shape`` (C, H, W)."""
        _, height, width = shape
        return (height, width) if min(height, width) >= self.side else (self.side, self.side)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C, *sides)."""
        if min(images.shape[2:]) >= self.side:
            return images
        return F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False)


def conv_norm_relu(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size (at stride 1), batch normalisation (Ioffe 2015) and a ReLU."""
    return nn.Sequential(
        # No bias: the normalisation that follows subtracts it again.
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def image_rows(images: torch.Tensor) -> torch.Tensor:
    """Return images (N, C, H, W) as sequences (N, H, C * W): one step per row, its channels concatenated."""
    return images.transpose(1, 2).flatten(2)
