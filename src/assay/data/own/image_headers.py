# SPDX-License-Identifier: Apache-2.0
"""What the header of an image says: no pixel is decoded, so that no image can fill memory.

PNG (ISO/IEC 15948), JPEG (ITU T.81, with the orientation of Exif), GIF (89a), BMP and WebP.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

PNG, GIF = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a")
LARGEST_BYTES = 1 << 29
MOST_PIXELS = 50_000_000
"""The largest number of pixels of an image that is read: a file of some kilobytes can hold billions."""
_PNG_MODES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with transparency", 6: "RGB with transparency"}
_JPEG_MODES = {1: "grey", 3: "RGB", 4: "CMYK"}
_NO_FRAME = (0xC4, 0xC8, 0xCC)
"""Markers among those of JPEG's frames, C0 to CF, that are none."""
_ORIENTATION = 0x0112
_TAIL = 1 << 16
"""Bytes at the end of a file in which a JPEG's end is looked for: some programs write more after it."""


@dataclass(frozen=True)
class Header:
    format: str
    width: int
    height: int
    mode: str
    """Colours, as in ``grey``, ``RGB``, ``palette``, ``CMYK``."""
    bits: int = 8
    """The number of bits per channel."""
    orientation: int = 1
    """Exif's, 1 to 8; 1 is upright."""
    animated: bool = False
    truncated: bool = False


def read(path: Path) -> Header:
    """Return what the header of an image says.

    Raises:
        ValueError: it is no image of a format that is read; a few words.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise ValueError(f"has more than {LARGEST_BYTES:,} bytes")
    data = path.read_bytes()
    if not data:
        raise ValueError("is empty")
    try:
        if data.startswith(PNG):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data.startswith(GIF):
            return _gif(data)
        if data.startswith(b"BM"):
            return _bmp(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        raise ValueError("is cut off before its size is known") from None
    raise ValueError("is no image; PNG, JPEG, GIF, BMP and WebP are read")


def _png(data: bytes) -> Header:
    width, height, bits, colours = struct.unpack_from(">IIBB", data, 16)
    place, chunks = 8, set()
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        if place + 12 + length > len(data):
            break
        chunks.add(data[place + 4 : place + 8])
        place += 12 + length
    return Header(
        "PNG", width, height, _PNG_MODES.get(colours, "unknown"), bits,
        animated=b"acTL" in chunks, truncated=b"IEND" not in chunks,
    )  # fmt: skip


def _jpeg(data: bytes) -> Header:
    place, orientation = 2, 1
    while True:
        while data[place] == 0xFF and data[place + 1] == 0xFF:  # fill bytes
            place += 1
        if data[place] != 0xFF:
            raise ValueError("is a damaged JPEG")
        marker = data[place + 1]
        (length,) = struct.unpack_from(">H", data, place + 2)
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            orientation = _orientation(data[place + 10 : place + 2 + length])
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            bits, height, width, channels = struct.unpack_from(">BHHB", data, place + 4)
            mode = _JPEG_MODES.get(channels, "unknown")
            truncated = b"\xff\xd9" not in data[place:][-_TAIL:]
            return Header("JPEG", width, height, mode, bits, orientation, truncated=truncated)
        place += 2 + length


def _orientation(exif: bytes) -> int:
    """Return the orientation that Exif names, 1 if it names none."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, first)
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, first + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass  # damaged Exif is ignored, as viewers do
    return 1


def _gif(data: bytes) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames = 0
    while place < len(data) and data[place] != 0x3B:
        if data[place] == 0x2C and place + 10 < len(data):
            frames += 1
            local = data[place + 9]
            place = _after_blocks(data, place + 11 + (3 << (local & 7) + 1 if local & 0x80 else 0))
        elif data[place] == 0x21:
            place = _after_blocks(data, place + 2)
        else:
            place = len(data)
    return Header("GIF", width, height, "palette", animated=frames > 1, truncated=place >= len(data))


def _after_blocks(data: bytes, place: int) -> int:
    while place < len(data) and data[place]:
        place += 1 + data[place]
    return place + 1


def _bmp(data: bytes) -> Header:
    size, _, _, header = struct.unpack_from("<IIII", data, 2)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    mode = "palette" if bits <= 8 else "RGB"
    return Header("BMP", abs(width), abs(height), mode, truncated=len(data) < size)


def _webp(data: bytes) -> Header:
    (size,) = struct.unpack_from("<I", data, 4)
    truncated = len(data) < size + 8
    kind = data[12:16]
    if kind == b"VP8X":
        flags = data[20]
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        mode = "RGB with transparency" if flags & 0x10 else "RGB"
        return Header("WebP", width, height, mode, animated=bool(flags & 2), truncated=truncated)
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, 21)
        return Header("WebP", (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, "RGB", truncated=truncated)
    width, height = struct.unpack_from("<HH", data, 26)
    return Header("WebP", width & 0x3FFF, height & 0x3FFF, "RGB", truncated=truncated)
