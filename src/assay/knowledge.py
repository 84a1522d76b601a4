"""What Snakemake knows of a job travels with the job's files.

Snakemake keeps in ``.snakemake/metadata`` the params and the digests of inputs that each output was made with, and
re-runs what differs. A clone has the files but not that knowledge; so each folder of outputs holds it too, in
``made.json``, from which :mod:`assay.restore` gives it back.
"""

from __future__ import annotations

import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from assay.files import read_json, write_json

METADATA = Path(".snakemake/metadata")
INCOMPLETE = Path(".snakemake/incomplete")
MADE = "made.json"
LONGEST_NAME = 255


def pack(jobs: Iterable[Sequence[str]]) -> None:
    """Write what is known of jobs, each given by its outputs, to ``made.json`` beside its first output."""
    for outputs in jobs:
        known = {name: read_json(place(name)) for name in outputs if place(name).is_file()}
        path = Path(outputs[0]).parent / MADE
        before: dict[str, Any] = read_json(path) if path.is_file() else {}
        if any(before.get(name) != record for name, record in known.items()):
            write_json(path, before | known)


def unpack(made: Path) -> None:
    """Give Snakemake what a ``made.json`` holds."""
    INCOMPLETE.mkdir(parents=True, exist_ok=True)  # else Snakemake takes this for an old format
    for name, record in read_json(made).items():
        path = place(name)
        if not path.is_file() or read_json(path) != record:
            write_json(path, record)


def doubt(output: str, wrong: bool) -> None:
    """Tell Snakemake whether an output is not what its job made: then that runs again, and what depends on it."""
    mark = place(output, INCOMPLETE)
    if wrong:
        write_json(mark, {"external_jobid": None})
    else:
        mark.unlink(missing_ok=True)


def not_later_than_now(paths: Iterable[str]) -> None:
    """Take files of the future back to now: a clock was set back, and Snakemake fails each job that reads them.

    Nothing is lost by it: what changed is told by content here, not by times.
    """
    for path in map(Path, paths):
        if path.exists() and path.stat().st_mtime > time.time():
            os.utime(path)


def place(output: str, folder: Path = METADATA) -> Path:
    """Return the file in which Snakemake 9 keeps what it knows of an output, or that it is incomplete."""
    name = urlsafe_b64encode(output.encode()).decode()
    parts = [name[start : start + LONGEST_NAME - 1] for start in range(0, len(name), LONGEST_NAME - 1)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
