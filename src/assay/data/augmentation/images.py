# SPDX-License-Identifier: Apache-2.0
"""Augmentation of training images: flipping, rotation, shifting, erasing. Each step uses the given generator.

Shapes: a batch is (N, C, H, W) float; ``fill`` is the background's value after normalisation. The order of items
is kept, so that images stay aligned with their labels.

Cost of a batch of 128 x 1 x 28 x 28 on one thread: shift 0.3 ms, rotation 0.6 ms, erasing 0.5 ms, mirroring
0.1 ms.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from assay.data.declarations import Augmentation


def augment(batch: Tensor, augmentation: Augmentation, generator: torch.Generator, fill: float) -> Tensor:
    """Return an augmented copy of ``batch``; a step whose parameter is zero is skipped and uses no random numbers.

    Args:
        generator: on the CPU, so that every device gets the same random numbers.
        fill: the value of pixels from outside of an image.
    """
    if augmentation.flip:
        batch = flip(batch, generator)
    if augmentation.rotation:
        batch = rotate(batch, augmentation.rotation, generator, fill)
    if augmentation.shift:
        batch = shift(batch, augmentation.shift, generator, fill)
    if augmentation.erase:
        batch = erase(batch, augmentation.erase, generator, fill)
    return batch


def flip(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Flip about half of the images horizontally."""
    chosen = torch.rand(len(batch), generator=generator) < 0.5
    return torch.where(chosen.to(batch.device)[:, None, None, None], batch.flip(-1), batch)


def rotate(batch: Tensor, degrees: float, generator: torch.Generator, fill: float) -> Tensor:
    """Rotate each image about its centre by up to ``degrees`` either way, with bilinear interpolation."""
    angles = (torch.rand(len(batch), generator=generator) * 2 - 1) * math.radians(degrees)
    return turn(batch, angles.to(batch.device), fill)


def turn(batch: Tensor, angles: Tensor, fill: float) -> Tensor:
    """Rotate image n by ``angles[n]`` radians, counter-clockwise on a screen."""
    height, width = batch.shape[-2:]
    down = torch.arange(height, dtype=batch.dtype, device=batch.device) - (height - 1) / 2
    right = torch.arange(width, dtype=batch.dtype, device=batch.device) - (width - 1) / 2
    pixels = torch.cartesian_prod(down, right).flip(1)  # (H * W, 2), each (right, down) of the centre
    cos, sin = angles.cos(), angles.sin()
    back = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)  # (N, 2, 2), to a pixel's source
    scale = torch.tensor([2 / width, 2 / height], dtype=batch.dtype, device=batch.device)
    grid = (pixels @ back * scale).view(
        -1, height, width, 2
    )  # affine_grid gives the same but takes five times as long
    # grid_sample reads 0 outside of the image, so the background is shifted to 0 and back.
    return functional.grid_sample(batch - fill, grid, align_corners=False) + fill


def shift(batch: Tensor, pixels: int, generator: torch.Generator, fill: float) -> Tensor:
    """Shift each image by an integer number of pixels, up to ``pixels`` either way on each axis."""
    moves = torch.randint(-pixels, pixels + 1, (2, len(batch)), generator=generator).to(batch.device)
    return move(batch, moves[0], moves[1], pixels, fill)


def move(batch: Tensor, down: Tensor, right: Tensor, reach: int, fill: float) -> Tensor:
    """Shift image n by ``down[n]`` and ``right[n]`` pixels, at most ``reach``; what leaves the image is lost."""
    num, _, height, width = batch.shape
    padded = functional.pad(batch, (reach, reach, reach, reach), value=fill)
    views = padded.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, 2 * reach + 1, 2 * reach + 1, H, W)
    return views[torch.arange(num, device=batch.device), :, reach - down, reach - right]


def erase(batch: Tensor, probability: float, generator: torch.Generator, fill: float) -> Tensor:
    """Cover a rectangle in some images, each side an eighth to a half of the image's, with background.

    Source: Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, https://arxiv.org/abs/1708.04896,
    with background instead of random values.
    """
    num, (height, width) = len(batch), batch.shape[-2:]
    draws = torch.rand(5, num, generator=generator).to(batch.device)
    covered = _span(draws[0], draws[1], height)[:, :, None] & _span(draws[2], draws[3], width)[:, None, :]
    covered &= (draws[4] < probability)[:, None, None]  # (N, H, W)
    return torch.where(covered[:, None], torch.tensor(fill, dtype=batch.dtype, device=batch.device), batch)


def _span(place: Tensor, length: Tensor, side: int) -> Tensor:
    """Return which of ``side`` pixels are in a span of an eighth to a half of their number: (N, side)."""
    lengths = (side * (1 / 8 + length * 3 / 8)).round().clamp(min=1)
    starts = (place * (side - lengths + 1)).floor()
    pixels = torch.arange(side, device=place.device)
    return (pixels >= starts[:, None]) & (pixels < (starts + lengths)[:, None])
