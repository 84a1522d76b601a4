"""Files that are whole or absent: written aside, flushed to the disk, renamed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

UNFINISHED = ".*.????????*"
"""Names of what is written aside: tempfile adds eight characters to that of the file."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it takes the true name only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        aside.chmod(0o644)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def discard_unfinished(folders: Iterable[Path]) -> None:
    """Delete what a killed process was writing in these folders; nobody may be at work in them."""
    for folder in folders:
        for aside in folder.glob(UNFINISHED):
            aside.unlink()


def set_aside(path: Path, folder: Path) -> None:
    """Move a file or folder, if it is there, into ``folder``, where it keeps its relative name."""
    if path.exists():
        (folder / path.parent).mkdir(parents=True, exist_ok=True)
        path.replace(folder / path)


def replaced() -> Path:
    """Return a folder, named for this moment, for what is moved out of the way: it may be work nobody recorded."""
    return Path(".assay/replaced") / f"{datetime.now():%Y%m%dT%H%M%S.%f}"


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON with sorted keys, so that equal values are equal bytes."""
    write_text(path, json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        ValueError: the file is not JSON; one line that names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise ValueError(f"{path}: not valid JSON ({fault}); delete it and run again") from None


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
