# SPDX-License-Identifier: Apache-2.0
"""A user's images in one NumPy array, of whole numbers on the scale of the dataset's source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.inputs import files
from assay.evaluation.inputs.parsing.items import Bad, Item

SUFFIXES = (".npy", ".npz")
BLOCK = 4096
"""The number of images that are checked and converted at a time."""


def images(name: str, data: bytes, shape: tuple[int, ...], most: int) -> Iterator[Item | Bad]:
    """Yield the images of an array (N, C, H, W) or, with one channel, (N, H, W), as bytes (C, H, W).

    Args:
        data: the content of the .npy or .npz file.
        shape: (C, H, W).
        most: the largest value of a pixel.

    Raises:
        ValueError: it is not an array of images of this shape; one line.
    """
    given = files.array_in(data, name)
    levels = given[:, None] if given.ndim == len(shape) else given
    if levels.shape[1:] != shape or not len(levels):
        wide = "" if shape[0] > 1 else f" or (N, {', '.join(map(str, shape[1:]))})"
        raise ValueError(
            f"{name}: shape {given.shape}; (N, {', '.join(map(str, shape))}){wide} is expected, N at least 1"
        )
    if levels.dtype.kind not in "uif":
        raise ValueError(f"{name}: values of type {levels.dtype}; numbers are expected")
    for first in range(0, len(levels), BLOCK):
        yield from _checked(name, levels[first : first + BLOCK], first, most)


def _checked(name: str, levels: NDArray[Any], first: int, most: int) -> Iterator[Item | Bad]:
    allowed = _allowed(levels, most)
    if allowed is None:
        for place, pixels in enumerate(as_bytes(levels, most), start=first + 1):
            yield Item(name, place, pixels)
        return
    fine = np.asarray(allowed.all(axis=(1, 2, 3))).tolist()
    scaled = as_bytes(np.where(allowed, levels, 0), most)
    for place, (is_fine, pixels) in enumerate(zip(fine, scaled, strict=True)):
        item = Item(name, first + place + 1, pixels)
        if is_fine:
            yield item
        else:
            value = levels[place][~allowed[place]][0]
            yield item.wrong(f"value {value:g}; allowed are whole numbers, 0 to {most}")


def _allowed(levels: NDArray[Any], most: int) -> NDArray[np.bool_] | None:
    """Return which values are whole numbers from 0 to ``most``; None if all are."""
    if levels.dtype.kind in "ui" and levels.min() >= 0 and levels.max() <= most:
        return None
    allowed: NDArray[np.bool_] = (levels >= 0) & (levels <= most) & (levels == np.rint(levels))
    return allowed


def as_bytes(levels: NDArray[Any], most: int) -> NDArray[np.uint8]:
    """Return pixels, 0 to ``most``, as bytes, 0 to 255, as the dataset's own are scaled."""
    if most == 255:
        return levels.astype(np.uint8, copy=False)
    from assay.data.preparation.images import as_bytes as scaled  # it imports pyarrow

    return scaled(levels.astype(np.int64), most)  # half-width numbers would round
