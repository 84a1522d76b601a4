# SPDX-License-Identifier: Apache-2.0
"""Atomic writes: a file is written to a temporary name, flushed to disk and renamed, so it is complete or absent."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

UNFINISHED = f".*.{'[0-9a-f]' * 8}*"
"""Temporary names: the file's own name with eight random characters."""
STDOUT = Path("-")
"""An output with this name is standard output."""
KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; it is renamed to ``path`` if the block succeeds.

    If ``path`` is a link, its target is replaced. A replaced file keeps its mode; a new file gets the umask's.

    Raises:
        ValueError: ``path`` is not a file.
    """
    folder = behind(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / _name_aside(path)
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    mode = stat.S_IMODE(os.fstat(handle).st_mode)
    if path.exists():
        os.fchmod(handle, 0o600)  # until the mode of the replaced file is set
    os.close(handle)
    try:
        yield aside
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        target = behind(path)  # it may have been moved in the meantime
        aside.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else mode)
        move(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def behind(path: Path) -> Path:
    """Return the file that writing to ``path`` replaces: itself, or the target of a link.

    A link to a read-only file, such as DVC's links into its cache, is itself replaced.

    Raises:
        ValueError: ``path`` is not a file.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path.resolve() if path.is_symlink() else path
    for is_kind, kind in KINDS.items():
        if is_kind(mode):
            raise ValueError(f"{path}: is {kind}; a file is expected")
    return path.resolve() if path.is_symlink() and mode & 0o222 else path


def _name_aside(path: Path) -> str:
    """Return a temporary name: with the same suffix, which some writers depend on, and not too long for a folder."""
    suffix = path.suffix if len(path.suffix) < 16 else ""
    return f".{os.fsdecode(os.fsencode(path.name)[:200])}.{secrets.token_hex(4)}{suffix}"


def check_output(path: Path, *inputs: Path) -> None:
    """Check, before the work, that an output of the user can be written to ``path``.

    Raises:
        ValueError: it is one of ``inputs``, not a file, or in a folder that is missing or not writable; one line.
    """
    if path == STDOUT:
        return
    try:
        target = behind(path)
        if any(path.exists() and each.exists() and path.samefile(each) for each in inputs):
            raise ValueError(f"{path}: is read by this command and would be lost; name another file")
        if not target.parent.is_dir():
            raise ValueError(f"{path}: there is no folder {target.parent}; create it first")
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror}") from None
    for needed in (target.parent, target):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise ValueError(f"{path}: cannot be written: you may not write to {needed}")


def write_output(path: Path, text: str) -> None:
    """Write an output of the user to ``path``, completely or not at all; ``-`` is standard output.

    Raises:
        ValueError: it cannot be written there; one line.
    """
    if path == STDOUT:
        sys.stdout.write(text)
        return
    try:
        write_text(path, text)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror}") from None


def discard_unfinished(folders: Iterable[Path]) -> None:
    """Delete the temporary files of killed processes in these folders; no process may be writing there."""
    for folder in folders:
        for aside in folder.glob(UNFINISHED):
            aside.unlink()


def set_aside(path: Path, folder: Path) -> None:
    """Move a file or folder, if it exists, into ``folder``, keeping its relative path."""
    if os.path.lexists(path):
        (folder / path.parent).mkdir(parents=True, exist_ok=True)
        move(path, folder / path)


def move(source: Path, target: Path) -> None:
    """Move a file or folder, even to another filesystem; it is complete at ``target`` or absent."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = target.with_name(_name_aside(target))
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, aside, symlinks=True)
            aside.replace(target)
            shutil.rmtree(source)
        else:
            shutil.copy2(source, aside, follow_symlinks=False)
            aside.replace(target)
            source.unlink()


def replaced() -> Path:
    """Return a folder, named after the current time, for files that are moved away: they may be unrecorded work."""
    return Path(".assay/replaced") / f"{datetime.now():%Y%m%dT%H%M%S.%f}"


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, completely or not at all."""
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, completely or not at all."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return ``value`` as JSON with sorted keys, so that equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        ValueError: the file is not JSON; one line that names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not valid JSON ({error}); delete it and run again") from None


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
