# SPDX-License-Identifier: Apache-2.0
"""Files of items that a user asks about: read strictly, each fault one line, rows counted from 1."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
"""The first bytes of the files of arrays that are read, .npy and .npz."""
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""What reads the header of each version of .npy; in the third are names that no array of numbers has."""
MOST_UNPACKED = 2**30
"""Bytes to which a packed file may grow: a zip of some kilobytes can hold terabytes of zeros."""


def lines(path: Path) -> list[str]:
    """Return the texts of a file, one a line; LF, or CR LF, alone ends a line.

    Raises:
        ValueError: it is not UTF-8, holds no line, or a blank one.
    """
    data = contents(path)
    try:
        found = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as broken:
        row = data.count(b"\n", 0, broken.start) + 1
        raise wrong(
            path, row, f"byte 0x{data[broken.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    texts = [line.removesuffix("\r") for line in (found if found[-1] else found[:-1])]
    if not texts:
        raise ValueError(f"{path}: empty; a text a line is expected")
    for row, text in enumerate(texts, start=1):
        if not text.strip():
            raise wrong(path, row, "the line is blank; a text is expected")
    return texts


def array(path: Path) -> NDArray[Any]:
    """Return the one array of a file of NumPy's, .npy or .npz. Objects in it are not unpickled.

    Raises:
        ValueError: it is no such file, holds other than one array, or less than its header says; one line.
    """
    data = contents(path)
    try:
        return _array(_member(data) if data.startswith(ZIP) else data)
    # Both libraries raise whatever a damaged file leads to: zlib's, zipfile's, struct's and the parser's errors.
    except Exception as broken:
        raise ValueError(f"{path}: {' '.join(str(broken).split()) or type(broken).__name__}") from None


def _member(data: bytes) -> bytes:
    """Return the one member of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        members = zipped.infolist()
        if len(members) != 1:
            raise ValueError(f"{len(members)} arrays; one is expected")
        if members[0].file_size > max(len(data), MOST_UNPACKED):
            raise ValueError(
                f"{members[0].file_size:,} bytes unpacked; allowed are {MOST_UNPACKED:,}: split the file"
            )
        return zipped.read(members[0])


def _array(data: bytes) -> NDArray[Any]:
    """Return the array that the bytes of an .npy file are; its size is checked before memory is taken."""
    if not data.startswith(NPY):
        raise ValueError("not a file of NumPy's; .npy or .npz is expected")
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        raise ValueError(f"version {version} of .npy; allowed are {', '.join(map(str, HEADERS))}")
    shape, _, kind = HEADERS[version](stream)
    needed, held = math.prod(shape) * kind.itemsize, len(data) - stream.tell()
    if needed != held and not kind.hasobject:
        raise ValueError(
            f"shape {shape} of {kind} needs {needed:.6g} bytes, {held:,} are there; save the array again"
        )
    found: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return found


def contents(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        ValueError: there is no such file, or it cannot be read; one line.
    """
    try:
        if not path.exists():
            raise ValueError(f"{path}: no such file")
        if not path.is_file():
            raise ValueError(f"{path}: is no file; a file is expected")
        return path.read_bytes()
    except OSError as fault:
        raise ValueError(f"{path}: cannot be read: {fault.strerror}") from None


def wrong(path: Path, row: int, what: str) -> ValueError:
    """Return the error that names a file's bad row."""
    return ValueError(f"{path}: row {row}: {what}")
