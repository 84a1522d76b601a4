# SPDX-License-Identifier: Apache-2.0
"""A user's files of items: read strictly, each error in one line, rows counted from 1."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
"""The first bytes of .npy and .npz files."""
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""The header readers by version of .npy; version 3 only adds field names that no array of numbers has."""
MOST_UNPACKED = 2**30
"""The largest unpacked size in bytes: a zip of some kilobytes can hold terabytes of zeros."""


def lines(path: Path) -> list[str]:
    """Return the texts of a file, one per line; only LF or CR LF ends a line.

    Raises:
        ValueError: it is not UTF-8, is empty, or has a blank line.
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
        raise ValueError(f"{path}: empty; one text per line is expected")
    for row, text in enumerate(texts, start=1):
        if not text.strip():
            raise wrong(path, row, "the line is blank; a text is expected")
    return texts


def array(path: Path) -> NDArray[Any]:
    """Return the only array of a NumPy file, .npy or .npz. Objects in it are not unpickled.

    Raises:
        ValueError: it is not such a file, has not exactly one array, or less data than its header says; one line.
    """
    return array_in(contents(path), str(path))


def array_in(data: bytes, name: str) -> NDArray[Any]:
    """Return the only array in the bytes of a NumPy file; ``name`` and errors are those of :func:`array`."""
    try:
        return _array(_member(data) if data.startswith(ZIP) else data)
    # A damaged file can raise any error of zlib, zipfile, struct and the header's parser.
    except Exception as broken:
        raise ValueError(f"{name}: {' '.join(str(broken).split()) or type(broken).__name__}") from None


def _member(data: bytes) -> bytes:
    """Return the only member of a zip."""
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
    """Return the array in the bytes of an .npy file; its size is checked before memory is allocated."""
    if not data.startswith(NPY):
        raise ValueError("not a NumPy file; .npy or .npz is expected")
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
            raise ValueError(f"{path}: not a file; a file is expected")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None


def wrong(path: Path, row: int, what: str) -> ValueError:
    """Return the error about a row of a file."""
    return ValueError(f"{path}: row {row}: {what}")
