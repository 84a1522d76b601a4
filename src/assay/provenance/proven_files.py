# SPDX-License-Identifier: Apache-2.0
"""Prepared data that many jobs read are hashed once; after that, unchanged sizes and times are proof enough.

A file with changed contents has another change time (ctime), which no program can set. ``assay verify --files`` still
compares every byte.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from assay.files import write_text
from assay.provenance import records

FOLDER = Path(".assay/proven")
"""One file per record: the stat of all files that were read when it was proven."""
SETTLED_NS = 10**9
"""A file that changed less than a second ago may change again with the same change time."""


def require(path: Path, *phases: str) -> dict[str, Any]:
    """Return the record at ``path`` as :func:`records.require_intact`, without reading files that were proven before.

    Raises:
        Upstream: the job that wrote it did not succeed.
        ValueError: a file does not have the recorded digest; one line.
    """
    record = records.require(path, *phases)
    files = [path, *(path.parent / name for name in records.digests(record))]
    proof = FOLDER / hashlib.sha256(str(path.absolute()).encode()).hexdigest()
    stamp = _stamp(files)
    with suppress(OSError):
        if stamp and proof.read_text(encoding="utf-8") == stamp:
            return record
    record = records.require_intact(path, *phases)
    if stamp and stamp == _stamp(files):
        with suppress(OSError):  # it is only needed next time
            write_text(proof, stamp)
    return record


def _stamp(files: Iterable[Path]) -> str:
    """Return the stat of files as text; "" if one is missing or may still change unnoticed."""
    now, stamps = time.time_ns(), []
    for file in files:
        try:
            found = file.stat()
        except OSError:
            return ""
        if found.st_ctime_ns > now - SETTLED_NS:
            return ""
        stamps.append(f"{file.name} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}")
    return "\n".join(stamps)
