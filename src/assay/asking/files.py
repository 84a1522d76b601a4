"""Files of items that a user asks about: read strictly, each fault one line, rows counted from 1."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STARTS = {b"\x93NUMPY": ".npy", b"PK\x03\x04": ".npz"}
"""The first bytes of the files of arrays that are read."""


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
        ValueError: it is no such file, or holds other than one array.
    """
    data = contents(path)
    if not any(data.startswith(start) for start in STARTS):
        raise ValueError(f"{path}: not a file of NumPy's; {' or '.join(STARTS.values())} is expected")
    try:
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            arrays = [loaded[name] for name in loaded.files[:2]]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as broken:
        raise ValueError(f"{path}: cannot be read: {broken}") from None
    if len(arrays) != 1:
        raise ValueError(f"{path}: {len(loaded.files)} arrays; one is expected")
    found: NDArray[Any] = arrays[0]
    return found


def contents(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        ValueError: there is no such file.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return path.read_bytes()


def wrong(path: Path, row: int, what: str) -> ValueError:
    """Return the error that names a file's bad row."""
    return ValueError(f"{path}: row {row}: {what}")
