# SPDX-License-Identifier: Apache-2.0
"""A user's images: PNG, JPEG, GIF, BMP or WebP files, decoded to the channels and the size of the dataset's own.

The orientation in the file's metadata is applied. 16-bit grey is reduced to 8 bits. Transparent pixels are drawn on
white, as most programs show them. Of an animated image the first frame is used. An image of another size is resized,
without keeping its proportions.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from assay.data.own.image_headers import MOST_PIXELS

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
MODES = {1: "L", 3: "RGB"}
"""Pillow's names of images by their number of channels."""


def pixels(data: bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return an image as bytes (C, H, W).

    Args:
        data: the content of the file.
        shape: (C, H, W), with 1 or 3 channels.

    Raises:
        ValueError: it is not an image, is damaged or too large; one line.
    """
    channels, height, width = shape
    if channels not in MODES:
        raise ValueError(f"{channels} channels are expected, which only .npy files have")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check(image)
                image.load()
                plain = _eight_bits(ImageOps.exif_transpose(image)).convert(MODES[channels])
    except _RefusedError as refused:
        raise ValueError(str(refused)) from None
    except Image.DecompressionBombError:
        raise ValueError(f"too large; allowed are {MOST_PIXELS:,} pixels") from None
    except Exception as error:  # a damaged file can fail anywhere in a decoder
        reason = " ".join(str(error).split())
        unknown = isinstance(error, UnidentifiedImageError)
        expected = f"not an image; expected are {', '.join(FORMATS)}"
        raise ValueError(expected if unknown else f"damaged: {reason or type(error).__name__}") from None
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    found = np.asarray(plain, dtype=np.uint8)
    return found[None] if channels == 1 else np.ascontiguousarray(found.transpose(2, 0, 1))


class _RefusedError(ValueError):
    """An image that Pillow can read, but that is refused."""


def _check(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise _RefusedError(f"{image.width} x {image.height} pixels; allowed are {MOST_PIXELS:,} in all")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image with 8 bits per channel and without transparency."""
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8))
    if image.mode == "F":
        raise _RefusedError("pixels with fractions; whole numbers are expected")
    if "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBA", "RGBa"):
        drawn = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)
    return image
