# SPDX-License-Identifier: Apache-2.0
"""Reading of gzipped files, and of the files in tar archives one by one, without unpacking to disk."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

GZIP = b"\x1f\x8b"
LARGEST_BYTES = 1 << 30
"""The size limit of gzipped files that are read at once: ten times the largest file of today's datasets."""


def gunzip(path: Path, *, limit: int = LARGEST_BYTES) -> bytes:
    """Return the contents of a gzipped file.

    Raises:
        ValueError: it is not gzip, is truncated, or holds more than ``limit`` bytes; one line.
    """
    try:
        with path.open("rb") as packed, gzip.open(packed) as plain:
            return _Limited(plain, limit).read()
    except (EOFError, zlib.error, OSError, ValueError) as error:
        raise ValueError(
            f"{path}: not a complete gzip file ({error}); delete the file and run again"
        ) from None


def members(path: Path, *, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each file of a .tar or .tar.gz, in the archive's order.

    Args:
        limit: the largest size of the decompressed archive in bytes, headers and padding included.

    Raises:
        ValueError: it is not such an archive, is truncated or larger; or a member is a link, a device or sparse, or its
            name is absolute, leads out of the archive or is duplicated. One line that names the member.
    """
    names: set[str] = set()
    try:
        with (
            path.open("rb") as packed,
            _decompressed(packed) as plain,
            tarfile.open(fileobj=_Limited(plain, limit), mode="r|", bufsize=tarfile.BLOCKSIZE) as archive,
        ):
            for member in archive:
                if member.isdir():
                    continue
                _check(member, names)
                names.add(member.name)
                content = archive.extractfile(member)
                assert content is not None  # never None for a regular file
                yield member.name, content.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}; delete the file and run again") from None


def _decompressed(packed: BinaryIO) -> BinaryIO | gzip.GzipFile:
    magic = packed.read(len(GZIP))
    packed.seek(0)
    return gzip.open(packed) if magic == GZIP else packed


def _check(member: tarfile.TarInfo, seen: set[str]) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or not member.name.isprintable():
        raise ValueError(f"member {member.name!r}: leads out of the archive")
    if not member.isreg():
        raise ValueError(f"member {member.name!r}: a link or a device; only files and folders are read")
    if member.issparse():
        raise ValueError(f"member {member.name!r}: a sparse file; its holes may be of any size")
    if member.name in seen:
        raise ValueError(f"member {member.name!r}: duplicated")


class _Limited(io.RawIOBase):
    """A stream that raises an error beyond ``limit`` bytes, independent of its headers."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, limit: int) -> None:
        self.stream, self.limit, self.left = stream, limit, limit

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes."""
        data = self.stream.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(f"holds more than {self.limit:,} bytes")
        return data
