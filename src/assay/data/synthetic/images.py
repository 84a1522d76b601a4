# SPDX-License-Identifier: Apache-2.0
"""Generated images of known classes: each class is a blocky pattern, shifted, dimmed and with added noise.

The twins of the image datasets are made of them: the whole graph runs without a network on data that a linear model
learns well and a majority vote does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CELLS = 4  # a pattern is 4 x 4 blocks
_LIT = 6  # blocks of a pattern that are bright


def draw_images(
    rng: np.random.Generator, *, side: int, num_classes: int, per_class: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return images (N, side, side) in [0, 1] on a background of 0, and labels (N,), in random order.

    Args:
        side: height and width in pixels, at least 4.
        num_classes: at most 20.
        per_class: images of each class.
    """
    labels = rng.permutation(np.repeat(np.arange(num_classes), per_class))
    reach = side // 14
    patterns = np.pad(
        _draw_patterns(rng, side - 2 * reach, num_classes), ((0, 0), (reach, reach), (reach, reach))
    )
    images = np.empty((len(labels), side, side))
    for index, label in enumerate(labels):
        shift = tuple(rng.integers(-reach, reach + 1, size=2))
        images[index] = np.roll(patterns[label], shift, axis=(0, 1)) * rng.uniform(0.8, 1)
    lit = images > 0
    images += lit * rng.normal(0, 0.12, images.shape)
    images[~lit] += (rng.random(images.shape) < 0.03)[~lit] * 0.3
    images[:, 0, 0] = 0  # at least one pixel is background
    return images.clip(0, 1), labels


def _draw_patterns(rng: np.random.Generator, side: int, num_classes: int) -> NDArray[np.float64]:
    """Return one pattern per class (num_classes, side, side), all distinct."""
    assert num_classes <= 20, "there are not enough sufficiently distinct patterns"
    chosen: list[NDArray[np.float64]] = []
    while len(chosen) < num_classes:
        cells = np.zeros(_CELLS**2)
        cells[rng.choice(_CELLS**2, _LIT, replace=False)] = 1
        if all(np.abs(cells - other).sum() >= 6 for other in chosen):
            chosen.append(cells)
    cell = np.arange(side) * _CELLS // side  # the block of each pixel
    return np.stack([cells.reshape(_CELLS, _CELLS)[np.ix_(cell, cell)] for cells in chosen])
