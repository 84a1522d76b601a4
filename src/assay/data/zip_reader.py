# SPDX-License-Identifier: Apache-2.0
"""Reading of the files in zip archives one by one, without unpacking to disk."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ZIP = b"PK\x03\x04"
MOST_MEMBERS = 1_000_000


def members(path: Path, *, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each file of a zip archive, in the archive's order.

    Args:
        limit: the largest size of all files together in bytes, whatever the archive says of it.

    Raises:
        ValueError: it is not such an archive, is damaged or larger; or a member is a link or encrypted, or its name is
            absolute, leads out of the archive or is duplicated. One line that names the member.
    """
    names: set[str] = set()
    left = limit
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                raise ValueError(f"holds more than {MOST_MEMBERS:,} files")
            for member in archive.infolist():
                if member.is_dir():
                    continue
                _check(member, names)
                names.add(member.filename)
                with archive.open(member) as stream:
                    content = stream.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise ValueError(f"holds more than {limit:,} bytes")
                yield member.filename, content
    # NotImplementedError: a member is packed by a method that zipfile does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _check(member: zipfile.ZipInfo, seen: set[str]) -> None:
    name = PurePosixPath(member.filename)
    if (
        name.is_absolute()
        or ".." in name.parts
        or "\\" in member.orig_filename
        or not name.name.isprintable()
    ):
        raise ValueError(f"member {member.filename!r}: leads out of the archive")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ValueError(f"member {member.filename!r}: a link or a device; only files and folders are read")
    if member.flag_bits & 0x1:
        raise ValueError(f"member {member.filename!r}: encrypted")
    if member.filename in seen:
        raise ValueError(f"member {member.filename!r}: duplicated")
