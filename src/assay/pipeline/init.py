# SPDX-License-Identifier: Apache-2.0
"""``assay init``: write a small project, which uses the installed package, from the files of ``templates``.

A template has its file's name, with ``dot_`` for a leading dot, and ends in ``.template``: under their own names, Git
and DVC would obey the templates in Assay's own repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.config import json_schema
from assay.files import json_text
from assay.provenance import dvc_lock

TEMPLATES = Path(__file__).with_name("templates")
SUFFIX, DOT = ".template", "dot_"
OF_A_PROJECT = ("params.yaml", "Snakefile", "dvc.yaml")
"""The files that make a folder a project."""


def templates() -> dict[Path, Path]:
    """Return the template of each file of a new project, by the file's path in the project."""
    return {_target(path.relative_to(TEMPLATES)): path for path in sorted(TEMPLATES.rglob(f"*{SUFFIX}"))}


def _target(template: Path) -> Path:
    name = template.name.removesuffix(SUFFIX)
    return template.with_name(f".{name.removeprefix(DOT)}" if name.startswith(DOT) else name)


def init(folder: Path) -> Iterator[str]:
    """Write a project into ``folder``, under Git if it is installed and under DVC; yield a line for each step.

    A file that is already there is kept. Nothing is written through a link.

    Raises:
        ValueError: ``folder`` already holds a project, a file cannot be written, or Git or DVC fails; one line.
    """
    found = templates()
    files = {path: template.read_text(encoding="utf-8") for path, template in found.items()}
    files[json_schema.DEFAULT] = json_text(json_schema.schema())
    try:
        _check(folder, files)
        kept = [path for path, text in files.items() if not _write(folder / path, text)]
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be written: {error.strerror}") from None
    yield f"wrote {', '.join(str(path) for path in files if path not in kept)}"
    for path in kept:
        yield f"kept {path}" + (f"; a new project's is {found[path]}" if path in found else "")
    yield from _version(folder)


def _check(folder: Path, files: Mapping[Path, str]) -> None:
    if {"{", "}"} & set(str(folder.resolve())):  # DVC 3 formats its progress bars with the path
        raise ValueError(
            f"{folder.resolve()}: DVC fails in a folder with {{ or }} in its path; choose another folder"
        )
    for name in OF_A_PROJECT:
        if os.path.lexists(folder / name):
            raise ValueError(f"{folder / name}: already exists; choose a folder without a project")
    for path in files:
        for parent in (folder / path).parents[: len(path.parents) - 1]:
            if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
                raise ValueError(f"{parent}: not a folder but a file or a link; choose another folder")


def _write(path: Path, text: str) -> bool:
    """Write a new file; return False if there is already a file, or a link, of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as stream:  # it follows no link
            stream.write(text)
    except FileExistsError:
        return False
    return True


def _version(folder: Path) -> Iterator[str]:
    """Make ``folder`` a repository of Git, unless it is in one, and of DVC; yield the commands that were run."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None and shutil.which("git"):
        if _git(folder, "init", "--quiet") is None:
            raise ValueError(f"{folder}: the files are written, but git init failed; run it to see why")
        yield "ran git init"
        top = _git(folder, "rev-parse", "--show-toplevel")
    if (folder / ".dvc").is_dir():
        return
    kind = ["--no-scm"] if top is None else [] if Path(top) == folder.resolve() else ["--subdir"]
    # As for the libraries that jobs use: nothing is reported to anyone.
    for words in (["init", *kind], ["config", "core.analytics", "false"]):
        done = dvc_lock.dvc("--cd", str(folder), *words, "--quiet")
        if done.returncode:
            failed = f"dvc {words[0]} failed: {dvc_lock.reason(done)}"
            raise ValueError(f"{folder}: the files are written, but {failed}")
        yield f"ran dvc {' '.join(words)}"


def _git(folder: Path, *words: str) -> str | None:
    """Return the output of Git in ``folder``; None if it fails or is not installed."""
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=True, text=True)
    except (OSError, UnicodeDecodeError, subprocess.CalledProcessError):
        return None
    return done.stdout.removesuffix("\n")
