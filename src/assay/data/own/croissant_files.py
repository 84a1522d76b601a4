# SPDX-License-Identifier: Apache-2.0
"""The files that a Croissant description names: fetched, compared with their digests, and taken out of archives.

A description may come from a stranger: it is refused if it names a file outside of its own folder, an address that is
not on the web, a file without a digest, or a Git repository, whose checkout can run programs.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urljoin

from assay.data import tar_reader, zip_reader
from assay.data.own import folders, web
from assay.data.own.croissant import Description, File

LARGEST_UNPACKED = 4 << 30
"""Most bytes of the files of an archive."""


@dataclass
class Files:
    """Brings files to this machine; what is downloaded or unpacked is gone after :meth:`close`."""

    description: Description
    base: Path | str
    """The folder of the description, or its address."""
    folder: Path
    """A folder for the files of archives."""
    stack: ExitStack = field(default_factory=ExitStack)
    _fetched: dict[str, Path] = field(default_factory=dict)

    def close(self) -> None:
        """Remove what was downloaded."""
        self.stack.close()

    def of(self, key: str, user: str) -> list[tuple[str, Path]]:
        """Return the files of a FileObject or FileSet: the path that the description knows, and where it is.

        Args:
            user: the field that needs them, for the error.

        Raises:
            ValueError: they cannot be had, or have other bytes than described; one line.
        """
        file = self._described(key, user)
        if not file.is_set:
            return [(file.address, self._one(file))]
        found = sorted(self._matching(file))
        if not found:
            raise ValueError(f"{self._where(file)}: no file matches {', '.join(file.includes) or 'nothing'}")
        return found

    def _described(self, key: str, user: str) -> File:
        if key not in self.description.files:
            raise ValueError(f"{self.description.where}: {user} names {key}, which is not in distribution")
        return self.description.files[key]

    def _where(self, file: File) -> str:
        return f"{self.description.where}: {'files' if file.is_set else 'file'} {file.key}"

    def _one(self, file: File) -> Path:
        """Return the path of a FileObject."""
        if file.key in self._fetched:
            return self._fetched[file.key]
        if not file.address:
            raise ValueError(f"{self._where(file)}: has no contentUrl")
        path = self._inside(file) if file.inside else self._at(file)
        if not path.is_dir():
            self._check(file, path)
        self._fetched[file.key] = path
        return path

    def _inside(self, file: File) -> Path:
        for name, path in self._members(file):
            if name == file.address:
                return path
        raise ValueError(f"{self._where(file)}: {', '.join(file.inside)} holds no {file.address}")

    def _at(self, file: File) -> Path:
        """Return a file at an address, or beside the description."""
        if any("git" in each for each in file.formats):
            raise ValueError(f"{self._where(file)}: is a Git repository; add its files from a folder instead")
        if web.is_address(file.address):
            return self._downloaded(file, file.address)
        path = PurePosixPath(file.address)
        is_scheme = ":" in path.parts[0]
        if path.is_absolute() or ".." in path.parts or "\\" in file.address or is_scheme:
            raise ValueError(
                f"{self._where(file)}: {file.address[:200]} leads out of the folder of the description; paths in it and"
                " addresses that begin with http:// or https:// are read"
            )
        if isinstance(self.base, str):
            return self._downloaded(file, urljoin(self.base, quote(file.address)))
        here = self.base / path
        try:
            folders.check_inside(here, self.base.resolve())
            folders.require(here)
        except ValueError as error:
            raise ValueError(f"{self._where(file)}: {error}") from None
        return here

    def _downloaded(self, file: File, address: str) -> Path:
        try:
            return self.stack.enter_context(web.fetched(address))
        except ValueError as error:
            raise ValueError(f"{self._where(file)}: {error}") from None

    def _check(self, file: File, path: Path) -> None:
        """Compare a file with its digest, which may be in hexadecimal or base64."""
        for algorithm, expected in (("sha256", file.sha256), ("md5", file.md5)):
            if not expected:
                continue
            digest = hashlib.new(algorithm, usedforsecurity=False)
            with path.open("rb") as stream:
                while piece := stream.read(1 << 20):
                    digest.update(piece)
            if (
                expected.lower() != digest.hexdigest()
                and expected != base64.b64encode(digest.digest()).decode()
            ):
                raise ValueError(
                    f"{self._where(file)}: {algorithm} {digest.hexdigest()}, expected {expected[:100]}; the file is"
                    " not the one that is described"
                )
            return
        if (
            not file.inside and not self.description.is_live
        ):  # the digest of an archive is that of what it holds
            raise ValueError(
                f"{self._where(file)}: has no sha256; without a digest any bytes would be accepted"
            )

    def _matching(self, file: File) -> Iterator[tuple[str, Path]]:
        """Yield the files of a FileSet, sorted by nothing yet."""
        if file.inside:
            yield from self._members(file)
        elif isinstance(self.base, str):
            raise ValueError(
                f"{self._where(file)}: has no containedIn, and the description is not in a folder"
            )
        else:
            yield from _listed(self.base, file)

    def _members(self, file: File) -> Iterator[tuple[str, Path]]:
        """Yield the files of the archives, or folders, that hold a file or set."""
        for key in file.inside:
            holder = self._described(key, file.key)
            if holder.is_set:
                raise ValueError(f"{self._where(file)}: {key} is a set of archives; one archive is read")
            path = self._one(holder)
            if path.is_dir():
                yield from _listed(path, file)
                continue
            folder = self.folder / str(len(list(self.folder.iterdir())))
            for name, content in _unpacked(path):
                if not _is_wanted(file, name):
                    continue
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                yield name, target


def _listed(folder: Path, file: File) -> Iterator[tuple[str, Path]]:
    for path in folders.files_of(folder):
        name = path.relative_to(folder).as_posix()
        if _is_wanted(file, name):
            yield name, path


def _unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as stream:
        is_zip = stream.read(len(zip_reader.ZIP)) == zip_reader.ZIP
    reader = zip_reader.members if is_zip else tar_reader.members
    return reader(path, limit=LARGEST_UNPACKED)


def _is_wanted(file: File, name: str) -> bool:
    if not file.is_set:
        return name == file.address

    def matches(patterns: tuple[str, ...]) -> bool:
        return any(
            fnmatch.fnmatchcase(name, each)
            for each in (*patterns, *(p.removeprefix("**/") for p in patterns))
        )

    return matches(file.includes) and not matches(file.excludes)
