# SPDX-License-Identifier: Apache-2.0
"""A file's bytes as text: encodings are recognised by a mark or as UTF-8, and otherwise offered, never assumed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from charset_normalizer import from_bytes

from assay.data.own.found import Ambiguity, Fault, Options

LARGEST_BYTES = 1 << 30
"""Most bytes of a file that is read whole."""
OFFERED = (
    "windows-1252", "mac-roman", "windows-1250", "windows-1251", "gb18030", "shift_jis", "big5", "euc_kr", "iso-8859-1",
)  # fmt: skip
"""Encodings that are tried where a file is not UTF-8; of those that read alike, the first."""
ENCODINGS = ("utf-8", "utf-16", *OFFERED)
"""What ``--encoding`` may be."""
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SAMPLE = 1 << 16
"""Bytes or characters that are looked at to order the encodings on offer, and to tell text from other files."""
_LOOKED_AT = 1 << 20
"""Bytes that an encoding on offer must read."""


@dataclass(frozen=True)
class Text:
    text: str
    encoding: str
    bom: bool
    faults: tuple[Fault, ...] = ()
    questions: tuple[Ambiguity, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The lines without their ends; a character such as U+2028 ends none."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @property
    def line_ends(self) -> str | None:
        crlf = self.text.count("\r\n")
        counts = {"CRLF": crlf, "LF": self.text.count("\n") - crlf, "CR": self.text.count("\r") - crlf}
        there = {name: count for name, count in counts.items() if count}
        if len(there) < 2:
            return next(iter(there), None)
        return "mixed: " + ", ".join(f"{count} {name}" for name, count in there.items())


def contents(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        ValueError: it is no file, is empty, too large or cannot be read; one line.
    """
    try:
        if not path.is_file():
            raise ValueError(f"{path}: is no file; a file is expected")
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ValueError(f"{path}: {size:,} bytes; allowed are {LARGEST_BYTES:,}: split the file")
        data = path.read_bytes()
    except OSError as fault:
        raise ValueError(f"{path}: cannot be read: {fault.strerror}") from None
    if not data.strip():
        raise ValueError(f"{path}: is empty; rows are expected")
    return data


def is_blank(path: Path) -> bool:
    """Return whether a file is empty or holds a few blanks only.

    Raises:
        ValueError: it cannot be read; one line.
    """
    try:
        return path.stat().st_size < _SAMPLE and not path.read_bytes().strip()
    except OSError as fault:
        raise ValueError(f"{path}: cannot be read: {fault.strerror}") from None


def read(path: Path, options: Options) -> Text:
    """Return a file's text.

    A file that is neither marked nor UTF-8 is read in the likeliest encoding, with a question that must be answered.

    Raises:
        ValueError: it cannot be read, is no text, or not in the encoding that the options name; one line.
    """
    data = contents(path)
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _marked(path, data, encoding)
    if options.encoding:
        return Text(_in(path, data, options.encoding), options.encoding, bom=False)
    try:
        return Text(_checked(path, data.decode("utf-8")), "utf-8", bom=False)
    except UnicodeDecodeError as broken:
        return _offered(path, data, broken)


def read_all(files: Sequence[Path], options: Options) -> list[Text]:
    """Return the texts of several files: an encoding that the options name is that of the files that are not UTF-8.

    Raises:
        ValueError: as :func:`read`.
    """
    if len(files) == 1:
        return [read(files[0], options)]
    return [_located(file, read(file, options_of(file, options))) for file in files]


def options_of(file: Path, options: Options) -> Options:
    """Return the options for one of several files: without an encoding if it is UTF-8.

    Raises:
        ValueError: it cannot be read; one line.
    """
    if options.encoding is None:
        return options
    try:
        contents(file).decode("utf-8")
    except UnicodeDecodeError:
        return options
    return replace(options, encoding=None)


def _located(file: Path, text: Text) -> Text:
    """Return a text whose questions and faults name its file."""
    questions = tuple(replace(each, question=f"{file.name}: {each.question}") for each in text.questions)
    faults = tuple(replace(each, message=f"{file.name}: {each.message}", lines=()) for each in text.faults)
    return replace(text, questions=questions, faults=faults)


def _marked(path: Path, data: bytes, encoding: str) -> Text:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as broken:
        raise ValueError(
            f"{path}: begins as {encoding}, but byte {broken.start:,} is not: save it again"
        ) from None
    fault = Fault(
        kind="byte-order mark", message=f"the file begins with a byte-order mark ({encoding})", lines=(1,)
    )
    return Text(_checked(path, text), encoding, bom=True, faults=(fault,))


def _in(path: Path, data: bytes, encoding: str) -> str:
    if encoding not in ENCODINGS:
        raise ValueError(f"--encoding {encoding}: allowed are {', '.join(ENCODINGS)}")
    try:
        return _checked(path, data.decode(encoding))
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        raise ValueError(
            f"{path}: line {line}: byte 0x{data[broken.start]:02x} is not {encoding};"
            f" allowed are {', '.join(ENCODINGS)}"
        ) from None


def _checked(path: Path, text: str) -> str:
    """Return a text, unless it is none: what it holds then reads as control characters."""
    if "\0" in text:
        raise ValueError(
            f"{path}: holds NUL characters: it is no text file; CSV, JSON, Parquet or text is expected"
        )
    begin = text[:_SAMPLE]
    if sum(character < " " and character not in "\t\n\r\f" for character in begin) > 0.02 * len(begin) + 2:
        raise ValueError(
            f"{path}: holds control characters: it is no text file; CSV, JSON, Parquet or text is expected"
        )
    return text


def _offered(path: Path, data: bytes, broken: UnicodeDecodeError) -> Text:
    candidates = _candidates(data)
    line = data.count(b"\n", 0, broken.start) + 1
    shown = f"byte 0x{data[broken.start]:02x} in line {line}"
    fault = Fault(kind="not UTF-8", message=f"{shown} is not UTF-8", lines=(line,))
    begin = max(data.rfind(b"\n", 0, broken.start) + 1, broken.start - 12)
    piece = data[begin : broken.start + 12].split(b"\n")[0]
    samples = "; ".join(f"{name} reads {piece.decode(name, 'replace')!r}" for name in candidates[:3])
    question = Ambiguity(
        about="encoding",
        question=f"the file is not UTF-8 ({shown}): {samples}. Which is right?",
        candidates=tuple(candidates),
        option="--encoding NAME",
    )
    for name in candidates:
        try:
            text = _checked(path, data.decode(name))
        except UnicodeDecodeError:
            continue  # it reads the sample, but not all of the file
        return Text(text, name, bom=False, faults=(fault,), questions=(question,))
    raise ValueError(f"{path}: is no text file; CSV, JSON, Parquet or text is expected")


def _candidates(data: bytes) -> list[str]:
    """Return the encodings that read the lines that are not ASCII, the likeliest first; of equal texts one is kept."""
    sample = _not_ascii(data)
    read_as: dict[str, str] = {}
    for name in OFFERED:
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        if text not in read_as.values():
            read_as[name] = text
    names = {_python_name(name): name for name in read_as}
    matches = from_bytes(sample[:_SAMPLE], cp_isolation=list(names))
    scores = {
        names[each.encoding]: (round(each.chaos, 2), -each.coherence)
        for each in matches
        if each.encoding in names
    }
    return sorted(read_as, key=lambda name: (*scores.get(name, (1.0, 0.0)), OFFERED.index(name)))


def _python_name(encoding: str) -> str:
    """Return an encoding's name as charset-normalizer writes it."""
    name = codecs.lookup(encoding).name.replace("-", "_")
    return {"iso8859_1": "latin_1"}.get(name, name)


def _not_ascii(data: bytes) -> bytes:
    """Return the first lines that are not ASCII."""
    lines, size = [], 0
    for match in re.finditer(rb"[^\n]*[\x80-\xff][^\n]*\n?", data):
        lines.append(match[0])
        size += len(match[0])
        if size > _LOOKED_AT:
            break
    return b"".join(lines)
