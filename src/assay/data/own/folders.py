# SPDX-License-Identifier: Apache-2.0
"""A user's file or folder: pipes and devices are refused, and so are links that lead out of a folder."""

from __future__ import annotations

import stat
from pathlib import Path

from assay.files import KINDS

MOST_FILES = 1_000_000
DEEPEST = 8
IGNORED = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Names, in small letters, of what file managers leave behind."""


def require(path: Path) -> None:
    """Check that a path is a file or a folder: to open a pipe would wait forever, and some devices have no end.

    Raises:
        ValueError: it is not, or there is nothing; one line.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        link = (
            f"a link to {path.readlink()}, where nothing is"
            if path.is_symlink()
            else "no such file or folder"
        )
        raise ValueError(f"{_short(path)}: {link}") from None
    except OSError as fault:
        raise ValueError(f"{_short(path)}: cannot be read: {fault.strerror}") from None
    except ValueError:
        raise ValueError(f"{_short(path)}: no such file or folder") from None
    for is_kind, kind in KINDS.items():
        if is_kind(mode) and not stat.S_ISDIR(mode):
            raise ValueError(f"{_short(path)}: is {kind}; a file or folder is expected")


def files_of(folder: Path) -> list[Path]:
    """Return the files in a folder and those below it, sorted; hidden ones are left out.

    Raises:
        ValueError: a link leads out of the folder or to a folder, or there are too many files; one line.
    """
    found: list[Path] = []
    _collect(folder, folder.resolve(), 0, found)
    return sorted(found)


def _collect(folder: Path, root: Path, depth: int, found: list[Path]) -> None:
    if depth > DEEPEST:
        raise ValueError(f"{folder}: folders more than {DEEPEST} deep; move the files up")
    try:
        entries = sorted(folder.iterdir())
    except OSError as fault:
        raise ValueError(f"{folder}: cannot be read: {fault.strerror}") from None
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in IGNORED:
            continue
        if entry.is_symlink():
            check_inside(entry, root)
            if entry.is_dir():
                raise ValueError(f"{entry}: is a link to a folder; put the folder itself there")
        if entry.is_dir():
            _collect(entry, root, depth + 1, found)
        elif entry.is_file():
            found.append(entry)
        if len(found) > MOST_FILES:
            raise ValueError(f"{root}: more than {MOST_FILES:,} files; split the folder")


def _short(path: Path) -> str:
    return str(path)[:200]


def check_inside(path: Path, root: Path) -> None:
    """Check that a path, with its links followed, lies in ``root``, which is resolved.

    Raises:
        ValueError: it does not; one line.
    """
    try:
        inside = path.resolve().is_relative_to(root)
    except (OSError, RuntimeError) as fault:  # a loop of links is a RuntimeError
        raise ValueError(f"{_short(path)}: cannot be followed: {fault.__class__.__name__}") from None
    if not inside:
        raise ValueError(f"{path}: leads out of the folder; only what is in {root} is read")
