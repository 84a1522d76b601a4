# SPDX-License-Identifier: Apache-2.0
"""One run per folder: a lock that is released when its process ends, however it ends.

Snakemake's own lock outlives a killed run and then needs ``--unlock``; profiles/default turns it off.
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
"""Open until this process ends; children that execute another program do not inherit it."""


def hold() -> None:
    """Lock the current folder until this process ends.

    Raises:
        ValueError: another process holds it; one line.
    """
    stream = _open()
    if not _acquire(stream):
        stream.seek(0)
        with stream:
            raise ValueError(
                f"{PLACE}: process {stream.read().strip()} is running in this folder; try again when it has ended"
            )
    _held.append(stream)


@contextmanager
def held_if_free() -> Iterator[bool]:
    """Lock the current folder during the block, and yield whether that was possible."""
    try:
        stream = _open()
    except OSError:  # the folder is not writable
        yield False
        return
    with stream:
        yield _acquire(stream)


def _open() -> TextIO:
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    return PLACE.open("a+", encoding="utf-8")


def _acquire(stream: TextIO) -> bool:
    """Try to acquire the lock and write this process's id into it; return whether that succeeded."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    stream.truncate(0)
    stream.write(f"{os.getpid()}\n")
    stream.flush()
    return True
