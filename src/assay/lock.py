"""One run a folder: a lock that ends with its process, however that ends.

Snakemake's own lock outlives a killed run and then wants ``--unlock``; profiles/default turns it off.
"""

from __future__ import annotations

import fcntl
import os
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
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    stream = PLACE.open("a+", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        with stream:
            raise ValueError(
                f"{PLACE}: process {stream.read().strip()} is at work in this folder; run again when it has ended"
            ) from None
    stream.truncate(0)
    stream.write(f"{os.getpid()}\n")
    stream.flush()
    _held.append(stream)
