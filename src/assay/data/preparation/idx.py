# SPDX-License-Identifier: Apache-2.0
"""The IDX format of MNIST: a big-endian header, then unsigned bytes, gzipped.

Format: http://yann.lecun.com/exdb/mnist/ (as archived): two zero bytes, a type (8: unsigned byte), the
number of dimensions, each dimension as four bytes, the values in C order.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.files import replacing

UNSIGNED_BYTE = 8
LARGEST_BYTES = 1 << 30  # more than ten times the largest file that is read here


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """Return the array in a gzipped IDX file of unsigned bytes.

    No more data are unpacked than the header announces.

    Raises:
        ValueError: the file is not gzip, or its header or its length is not as expected.
    """
    try:
        with gzip.open(path, "rb") as stream:
            shape = _read_shape(path, stream.read(4 + 4 * dimensions), dimensions)
            size = math.prod(shape)
            values = stream.read(size + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path}: not a complete gzip file ({error}); delete it and run again") from None
    if len(values) != size:
        actual = "more" if len(values) > size else f"only {len(values)}"
        raise ValueError(
            f"{path}: the header announces {size} bytes, but there are {actual}; delete the file and run again"
        )
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def _read_shape(path: Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    expected = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if len(header) < 4 + 4 * dimensions or header[:4] != expected:
        raise ValueError(
            f"{path}: header {header[:4].hex() or 'empty'}, expected {expected.hex()}"
            f" (IDX of unsigned bytes, {dimensions} dimensions) and its sizes; delete the file and run again"
        )
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if not 0 < math.prod(shape) <= LARGEST_BYTES:
        raise ValueError(
            f"{path}: the header announces shape {shape}, allowed are 1 to {LARGEST_BYTES} bytes;"
            " delete the file and run again"
        )
    return shape


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Write a gzipped IDX file; deterministic."""
    header = bytes([0, 0, UNSIGNED_BYTE, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    with replacing(path) as aside:
        aside.write_bytes(gzip.compress(header + values.tobytes(), mtime=0))
