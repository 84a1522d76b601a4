# SPDX-License-Identifier: Apache-2.0
"""One run a folder: a lock that ends with its process, however that ends.

Snakemake's own lock outlives a killed run and then wants ``--unlock``; profiles/default turns it off.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PLACE = Path(".snakemake/assay.lock")
_held: list[TextIO] = []
"""Open for as long as this process lives; children that execute another program do not inherit it."""


def hold() -> None:
    """Lock the current folder until this process ends.

    Raises:
        ValueError: another process holds it; one line.
    """
    stream = _open()
    if not _is_taken(stream):
        stream.seek(0)
        with stream:
            raise ValueError(
                f"{PLACE}: process {stream.read().strip()} is at work in this folder; run again when it has ended"
            )
    _held.append(stream)


@contextmanager
def held_if_free() -> Iterator[bool]:
    """Lock the current folder for the block, and yield whether that was possible."""
    try:
        stream = _open()
    except OSError:  # a folder that cannot be written
        yield False
        return
    with stream:
        yield _is_taken(stream)


def _open() -> TextIO:
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    return PLACE.open("a+", encoding="utf-8")


def _is_taken(stream: TextIO) -> bool:
    """Try to take the lock and leave this process's number in it; return whether it is ours."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    stream.truncate(0)
    stream.write(f"{os.getpid()}\n")
    stream.flush()
    return True
