# SPDX-License-Identifier: Apache-2.0
"""The bytes that a user added: their digest, and their way to ``data/raw``."""

from __future__ import annotations

import hashlib
import shutil
from abc import ABC
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from assay.data.declarations import Dataset, Source
from assay.data.expectations import Check, apart, in_order, of_any_table
from assay.data.own import folders
from assay.files import move, replacing, sha256

FILES = "files"
"""The folder in ``data/raw/<dataset>`` that holds a copy of the bytes."""
LICENCE = "the user's own data: private, not for publication"


@dataclass(frozen=True, kw_only=True)
class Own(Dataset, ABC):
    """A dataset of a user's own files."""

    path: Path
    """The file, or the folder."""
    digest: str
    """As :func:`digest_of` returns it."""
    split: str = "stratified"
    """``stratified``, ``random``, ``column:NAME``, ``time:NAME`` or ``group:NAME``."""
    nouns: ClassVar[tuple[str, str]]
    """The name of an item: ``("a text", "texts")``."""

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG002 (they are here)
        """Copy the bytes into ``raw``; return size and digest of each file.

        Raises:
            ValueError: they are missing or have changed since they were added; one line.
        """
        require(self.path, self.digest)
        copy(self.path, raw / FILES)
        return {
            path.relative_to(raw).as_posix(): {
                "url": str(self.path / path.relative_to(raw / FILES))
                if self.path.is_dir()
                else str(self.path),
                "size": path.stat().st_size,
                "sha256": sha256(path),
            }
            for path in files_in(raw / FILES)
        }

    def make_twin(self, raw: Path, seed: int) -> None:
        """Own data have no twin: they need no network, and nobody else's test may depend on them."""
        del raw, seed
        raise ValueError(
            f"{self.path}: own data have no synthetic twin; remove its tasks from suites with synthetic_twins"
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        """Return what must hold of any own items; what depends on their columns is in a file of the user's."""
        held = {"group": [apart], "time": [in_order]}.get(self.split.partition(":")[0], [])
        return [*of_any_table(counts, nouns=self.nouns), *(check() for check in held)]

    def own(self, raw: Path) -> Path:
        """Return the copy of the file or folder in ``raw``."""
        file = raw / FILES / self.path.name
        return file if file.is_file() and not self.path.is_dir() else raw / FILES


def source_of(path: str) -> Source:
    """Return what is said of the origin of own data."""
    return Source(name=Path(path).stem, files=(), licence=LICENCE, citation="", homepage="", quirks="")


def files_in(path: Path) -> Iterator[Path]:
    """Yield a file, or the files of a folder that are read, in order."""
    yield from folders.files_of(path) if path.is_dir() else [path]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the list of a folder's files with theirs."""
    folders.require(path)
    if not path.is_dir():
        return sha256(path)
    lines = (f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files_in(path))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def require(path: Path, digest: str) -> None:
    """Check that the bytes are those that were added.

    Raises:
        ValueError: they are missing or have changed; one line.
    """
    if not path.exists():
        raise ValueError(f"{path}: is missing; bring it back, or run: dvc pull")
    if (found := digest_of(path)) != digest:
        raise ValueError(
            f"{path}: has changed: sha256 {found}, expected {digest}; bring the file back, or accept the change with:"
            " assay add PATH --update"
        )


def copy(source: Path, folder: Path) -> None:
    """Copy a file into a folder, or the files of a folder; what the folder held before is gone."""
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for file in files_in(source):
            target = aside / (file.relative_to(source) if source.is_dir() else file.name)
            with replacing(target) as path:
                shutil.copyfile(file, path)
        shutil.rmtree(folder, ignore_errors=True)
        move(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
