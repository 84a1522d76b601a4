# SPDX-License-Identifier: Apache-2.0
"""A user's text files as UTF-8, whatever their encoding: it is marked, named, or UTF-8, and never guessed."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

Bytes = Callable[[bytes], bytes]
UTF_8 = "utf-8"
OFFERED = "windows-1252"
"""The encoding that is offered for bytes that are not UTF-8; by far the most frequent one of other files."""
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""The marks with which files in UTF-16 begin."""
PARQUET, GZIP = b"PAR1", b"\x1f\x8b"
"""The first bytes of files that are not text."""
SHOWN = 12
"""The number of bytes on either side of one that is not UTF-8 that are shown in another encoding."""


@dataclass(frozen=True)
class Encoding:
    """The encoding of text files without a mark."""

    name: str = UTF_8
    named: bool = False
    """Whether the user has named it; otherwise it is that of the dataset's own file."""


def chosen(named: str | None, of_dataset: str | None) -> Encoding | None:
    """Return the encoding of a user's files: the one that is named, else that of the dataset's own file.

    Args:
        of_dataset: None if items are not text.

    Raises:
        ValueError: the named one is not one that ``assay add`` reads, or items are not text; one line.
    """
    if named is not None and of_dataset is None:
        raise ValueError(f"--encoding {named}: the items are not text; leave it out")
    if named is not None and named not in _allowed():
        raise ValueError(f"--encoding {named}: allowed are {', '.join(_allowed())}")
    if of_dataset is None:
        return None
    name = named or of_dataset
    return Encoding(UTF_8 if name == "utf-8-sig" else name, named is not None)


def _allowed() -> tuple[str, ...]:
    from assay.data.own.text_files import ENCODINGS  # it imports charset_normalizer

    return ENCODINGS


def decoder(source: str, encoding: Encoding) -> Bytes:
    """Return a function that maps a source's bytes, as they come, to UTF-8; empty bytes are the end.

    Bytes that begin with the mark of UTF-16 are read as such. UTF-8 and Parquet are returned as they are.

    Raises:
        ValueError: (the function) bytes are packed, not in the encoding, or could as well be UTF-8; one line.
    """
    begin = b""
    decode: Bytes | None = None

    def converted(data: bytes) -> bytes:
        nonlocal begin, decode
        if decode is None:
            begin += data
            if data and len(begin) == 1 and any(mark.startswith(begin) for mark in UTF_16):
                return b""  # half a mark
            if begin.startswith(GZIP):
                raise ValueError(f"{source}: is packed with gzip; unpack it first")
            marked = begin.startswith(UTF_16)
            name = "utf-16" if marked else UTF_8 if begin.startswith(PARQUET) else encoding.name
            is_open = not (marked or encoding.named)
            decode = _Decoder(source, name, is_open=is_open) if name != UTF_8 else _unchanged
            data, begin = begin, b""
        return decode(data)

    return converted


def _unchanged(data: bytes) -> bytes:
    return data


class _Decoder:
    """Maps bytes of an encoding to UTF-8.

    Args:
        is_open: whether text that is UTF-8 as well is refused.
    """

    def __init__(self, source: str, name: str, *, is_open: bool) -> None:
        self.source, self.name, self.is_open = source, name, is_open
        self.decoder = codecs.getincrementaldecoder(name)()
        self.lines = 1

    def __call__(self, data: bytes) -> bytes:
        if self.is_open and not data.isascii():
            self._require_one_reading(data)
        try:
            text = self.decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            line = self.lines + data.count(b"\n", 0, error.start)
            raise ValueError(
                f"{self.source}: line {line}: byte 0x{error.object[error.start]:02x} is not {self.name}; allowed"
                f" for --encoding are {', '.join(_allowed())}"
            ) from None
        self.lines += text.count("\n")
        return text.encode("utf-8", "surrogatepass")

    def _require_one_reading(self, data: bytes) -> None:
        """Check, at the first bytes that are not ASCII, that they are not UTF-8."""
        self.is_open = False
        try:
            codecs.getincrementaldecoder(UTF_8)().decode(data)
        except UnicodeDecodeError:
            return
        raise ValueError(
            f"{self.source}: reads as utf-8, and as {self.name}, the encoding of the dataset; name the right one with"
            f" --encoding"
        )


def not_utf8(text: str) -> str | None:
    """Return what is wrong with a text that was decoded with surrogates for the bytes that are not UTF-8."""
    try:
        text.encode(UTF_8)
    except UnicodeEncodeError as error:
        return _wrong(text, error.start)
    return None


def _wrong(text: str, place: int) -> str:
    if text[place] < "\udc80":
        return f"U+{ord(text[place]):04X} is not UTF-8; save the file as UTF-8"
    found = f"byte 0x{ord(text[place]) - 0xDC00:02x} is not UTF-8; save the file as UTF-8"
    piece = text[max(place - SHOWN, 0) : place + SHOWN].encode(UTF_8, "surrogateescape")
    try:
        return f"{found}, or add --encoding {OFFERED} if {piece.decode(OFFERED)!r} is right"
    except UnicodeDecodeError:
        return f"{found}, or name its encoding with --encoding"
