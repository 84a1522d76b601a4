# SPDX-License-Identifier: Apache-2.0
"""Small grey images side by side, as one PNG that is embedded in the page.

Source: the PNG specification, https://www.w3.org/TR/png-3/.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAP = 1
"""Transparent pixels between two images."""
_GREY_WITH_ALPHA = 4


@dataclass(frozen=True)
class Grid:
    """A grid of images."""

    model: str
    titles: Sequence[str]
    """The title of each row, from top to bottom."""
    source: str
    """A data URL."""
    width: int
    """In pixels; so is the height."""
    height: int


def grid(model: str, rows: Sequence[Mapping[str, Any]]) -> Grid | None:
    """Return the grid of a model's rows, each with a ``title`` and ``images``; None if they are not valid images."""
    try:
        images = np.array([row["images"] for row in rows], dtype=np.uint8)  # (rows, N, H, W)
        titles = [str(row["title"]) for row in rows]
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    if images.ndim != 4 or not images.size:
        return None
    pixels = joined(images)
    encoded = base64.b64encode(png(pixels)).decode()
    return Grid(model, titles, f"data:image/png;base64,{encoded}", pixels.shape[1], pixels.shape[0])


def joined(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images (R, N, H, W) as one image with an alpha channel, (R x (H + 1) - 1, N x (W + 1) - 1, 2)."""
    opaque = np.stack([images, np.full_like(images, 255)], axis=-1)
    padded = np.pad(opaque, [(0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)])
    rows, columns, height, width, _ = padded.shape
    flat = padded.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 2)
    return flat[:-GAP, :-GAP]


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels (H, W, 2), grey and alpha, as a PNG file."""
    height, width, _ = pixels.shape
    header = struct.pack(">2I5B", width, height, 8, _GREY_WITH_ALPHA, 0, 0, 0)
    lines = np.pad(pixels.reshape(height, -1), [(0, 0), (1, 0)])  # each line begins with its filter: 0, none
    parts = {b"IHDR": header, b"IDAT": zlib.compress(lines.tobytes(), 9), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    )
