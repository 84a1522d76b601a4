# SPDX-License-Identifier: Apache-2.0
"""Where a user's items come from: files, folders, standard input, or a text in the command itself.

Bytes are read as they come, and memory does not grow with the size of a source.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from assay.evaluation.inputs.parsing.encodings import Bytes, Encoding, decoder
from assay.evaluation.inputs.parsing.items import Bad

STDIN = "-"
CHUNK = 64 * 2**10
LONGEST = 4 * 2**20
"""The largest number of bytes of a line."""
LARGEST = 2**30
"""The largest number of bytes of a source that is read whole."""


@dataclass(frozen=True)
class Source:
    """One file, standard input, or a text."""

    name: str
    path: Path | None = None
    """None for standard input and for a text."""
    text: str | None = None
    """A text that is the item itself."""
    in_folder: bool = False
    encoding: Encoding | None = None
    """The encoding of a text file; None if the file is not text."""

    @property
    def suffix(self) -> str:
        """Return the suffix of the file in lower case; none for standard input."""
        return "" if self.path is None else self.path.suffix.lower()

    def open(self) -> Stream:
        """Return the source's bytes; those of a text file as UTF-8.

        Raises:
            ValueError: it cannot be read; one line.
        """
        if self.text is not None:
            return Stream(io.BytesIO(self.text.encode("utf-8", "surrogateescape")))
        decode = None if self.encoding is None else decoder(self.name, self.encoding)
        if self.path is None:
            if sys.stdin is None or sys.stdin.closed:
                raise ValueError("standard input is closed; name a file")
            return Stream(sys.stdin.buffer, decode)
        try:
            return Stream(self.path.open("rb", buffering=0), decode)
        except OSError as error:
            raise ValueError(f"{self.path}: cannot be read: {error.strerror}") from None


def found(
    arguments: Sequence[str], suffixes: Sequence[str], *, texts: bool, encoding: Encoding | None = None
) -> tuple[list[Source], list[Bad], list[Path]]:
    """Return the sources that the user named, what is not followed, and the files of folders that are left out.

    Args:
        suffixes: those of the files that are read in a folder.
        texts: whether an argument with a space that names no file is a text.
        encoding: of text files; None for bytes that are not text.

    Raises:
        ValueError: there is no such file, or nothing to read in a folder; one line.
    """
    sources: list[Source] = []
    bad: list[Bad] = []
    others: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STDIN:
            sources.append(Source("standard input"))
        elif _is_folder(path):
            inside = [*_inside(path, suffixes, bad, others)]
            if not inside:
                raise ValueError(f"{path}: no file with items in it; expected are {', '.join(suffixes)}")
            sources += inside
        elif _exists(path):
            sources.append(Source(str(path), path=_regular(path)))
        elif texts and _is_text(argument):
            sources.append(Source("the text", text=argument))
        else:
            raise ValueError(f"{argument}: no such file")
    return [replace(source, encoding=encoding) for source in sources], bad, others


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a text that is too long for a name
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_text(argument: str) -> bool:
    return " " in argument.strip() and os.sep not in argument.split(" ")[0]


def _regular(path: Path) -> Path:
    if not (path.is_file() or path.is_fifo()):
        raise ValueError(f"{path}: not a file; a file is expected")
    return path


def _inside(folder: Path, suffixes: Sequence[str], bad: list[Bad], others: list[Path]) -> Iterator[Source]:
    """Yield the files of a folder and its subfolders, sorted; links that lead out of it are not followed."""
    root = folder.resolve()
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        bad += [
            Bad(str(Path(place) / name), None, "is a link to a folder; it is not followed") for name in links
        ]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in links)
        for name in sorted(names):
            path = Path(place) / name
            if name.startswith("."):
                continue
            if path.suffix.lower() not in suffixes:
                others.append(path)
            elif path.is_symlink() and not path.resolve().is_relative_to(root):
                bad.append(Bad(str(path), None, "is a link that leads out of the folder; it is not followed"))
            elif not path.is_file():
                bad.append(Bad(str(path), None, "not a file; a file is expected"))
            else:
                yield Source(str(path), path=path, in_folder=True)


class Stream:
    """The bytes of a source, in lines or whole.

    Args:
        decode: maps bytes as they come to UTF-8; empty bytes are the end.
    """

    def __init__(self, file: BinaryIO | io.RawIOBase, decode: Bytes | None = None) -> None:
        self.file, self.decode = file, decode
        self.held = b""  # read, but not returned
        self.lines_held = 0  # complete lines that are read, but not returned

    def first(self, count: int) -> bytes:
        """Return up to this many of the first bytes, without consuming them."""
        while len(self.held) < count and (chunk := self._chunk()):
            self.held += chunk
        return self.held[:count]

    def arrived(self) -> bytes:
        """Return the bytes that have arrived, none at the end, without consuming them."""
        self.first(1)
        return self.held

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without their ends; only LF or CR LF ends a line. Those too long are cut at ``LONGEST``."""
        is_first, skipping = True, False
        while True:
            *lines, self.held = self.held.split(b"\n")
            for number, line in enumerate(lines, start=1):
                self.lines_held = len(lines) - number
                if not skipping:
                    yield _plain(line, is_first=is_first)
                is_first = skipping = False
            if len(self.held) > LONGEST:
                if not skipping:
                    yield _plain(self.held, is_first=is_first)
                is_first, skipping, self.held = False, True, b""
            chunk = self._chunk()
            if not chunk:
                break
            self.held += chunk
        if self.held and not skipping:
            yield _plain(self.held, is_first=is_first)

    def whole(self) -> bytes:
        """Return all bytes.

        Raises:
            ValueError: there are more than ``LARGEST``.
        """
        data = bytearray(self.held)
        while chunk := self._chunk():
            data += chunk
            if len(data) > LARGEST:
                raise ValueError(f"more than {LARGEST:,} bytes; split it")
        return bytes(data)

    def idle(self) -> bool:
        """Return whether the next line has not arrived yet."""
        if self.lines_held or not hasattr(select, "select"):
            return False
        try:
            return not select.select([self.file], [], [], 0)[0]
        except (OSError, ValueError):  # not a file that can be waited for
            return False

    def close(self) -> None:
        """Close the file, unless it is standard input."""
        if sys.stdin is None or self.file is not sys.stdin.buffer:
            self.file.close()

    def _chunk(self) -> bytes:
        """Return the next bytes, empty ones at the end."""
        chunk = self._read()
        if self.decode is None:
            return chunk
        found = self.decode(chunk)
        while chunk and not found:  # a part of a character
            chunk = self._read()
            found = self.decode(chunk)
        return found

    def _read(self) -> bytes:
        if isinstance(self.file, io.BufferedReader):
            return self.file.read1(CHUNK)
        return self.file.read(CHUNK) or b""


def _plain(line: bytes, *, is_first: bool) -> bytes:
    if is_first:
        line = line.removeprefix(b"\xef\xbb\xbf")
    return line.removesuffix(b"\r")
