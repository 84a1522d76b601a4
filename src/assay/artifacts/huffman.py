# SPDX-License-Identifier: Apache-2.0
"""Huffman coding of small integers by zlib: ``Z_HUFFMAN_ONLY`` codes bytes by their frequency and finds no repeats.

The bytes are a zlib stream (RFC 1950 and 1951), which any zlib decodes and whose checksum detects damage.

Source: Huffman, "A Method for the Construction of Minimum-Redundancy Codes", Proceedings of the IRE 1952,
https://doi.org/10.1109/JRPROC.1952.273898.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

ALPHABET = 256
MOST_SYMBOLS = 8
"""The most symbols per byte: a codeword has at least one bit. A stream with more uses repeats, not Huffman coding."""


def encode(symbols: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return symbols (N,), each from 0 to 255, as bytes."""
    assert not len(symbols) or 0 <= symbols.min() <= symbols.max() < ALPHABET
    packer = zlib.compressobj(zlib.Z_BEST_COMPRESSION, memLevel=9, strategy=zlib.Z_HUFFMAN_ONLY)
    data = packer.compress(symbols.astype(np.uint8).tobytes()) + packer.flush()
    return np.frombuffer(bytearray(data), np.uint8)


def decode(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the symbols (N,) that were given to :func:`encode`.

    Raises:
        ValueError: the data are invalid or damaged; one line.
    """
    if data.dtype != np.uint8 or data.ndim != 1:
        raise ValueError(f"Huffman code: {data.dtype} of shape {data.shape}; bytes expected")
    unpacker = zlib.decompressobj()
    try:
        symbols = unpacker.decompress(data.tobytes(), MOST_SYMBOLS * len(data) + 1)
    except zlib.error as error:
        raise ValueError(f"Huffman code: {error}") from None
    if not unpacker.eof or unpacker.unused_data or len(symbols) > MOST_SYMBOLS * len(data):
        raise ValueError(f"Huffman code: {len(data)} bytes that are not exactly one complete stream")
    return np.frombuffer(symbols, np.uint8)
