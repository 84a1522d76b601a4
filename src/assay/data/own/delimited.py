# SPDX-License-Identifier: Apache-2.0
"""Delimited text: the separator, quotation marks, header, and rows that do not fit are found from the rows."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from assay.data.own import separators, text_files
from assay.data.own.found import Ambiguity, Fault, Form, Options
from assay.data.own.header import has_header
from assay.data.own.separators import Dialect
from assay.data.own.table import Cells, Table

NAMES = {"\t": "tab", " ": "blanks"}
LARGEST_WIDTH = 10_000
_FOOTER_WORDS = 3
_NAMES_SEPARATOR = re.compile(r"sep=.", re.IGNORECASE)


@dataclass
class _Rows:
    """Rows and where they begin, while those that are not data are taken out."""

    rows: list[list[str]]
    lines: list[int]
    faults: list[Fault]

    def take_out(self, places: Sequence[int], kind: str, message: str) -> None:
        if places:
            self.note(places, kind, message)
            gone = set(places)
            self.rows = [row for place, row in enumerate(self.rows) if place not in gone]
            self.lines = [line for place, line in enumerate(self.lines) if place not in gone]

    def note(self, places: Sequence[int], kind: str, message: str) -> None:
        lines = tuple(self.lines[place] for place in places)
        if lines:
            self.faults.append(Fault(kind=kind, message=message, lines=lines, count=len(lines)))


def read(path: Path, options: Options) -> Table:
    """Return the rows of a delimited file.

    Raises:
        ValueError: it cannot be read as one; one line.
    """
    return parse(path, text_files.read(path, options), options)


def parse(path: Path, text: text_files.Text, options: Options) -> Table:
    comments = _comment_lines(text.text)
    dialect = separators.sniff(_after_lines(text.text, comments))
    found = _rows_of(path, text.text, dialect, comments)
    found.faults[:0] = text.faults
    questions = list(text.questions)
    _drop_titles(found, dialect.width)
    if not found.rows:
        raise ValueError(f"{path}: no rows; a header and rows, or rows, are expected")
    named, question = has_header(found.rows, options)
    questions += question
    header_line = found.lines[0] if named else None
    header = [cell.strip() for cell in found.rows.pop(0)] if named else []
    if named:
        found.lines.pop(0)
    else:
        found.faults.append(
            Fault(
                kind="no header",
                message="the first row is data: columns are numbered",
                lines=(found.lines[0],),
            )
        )
    if not found.rows:
        raise ValueError(f"{path}: a header and no rows; rows are expected")
    if named:
        _drop_trailing_blanks(found, len(header))
    names, width, question = _names(header, found, header_line)
    questions += question
    _drop_bad_rows(found, header, width)
    if not found.rows:
        raise ValueError(f"{path}: no row has the {width} cells of the header; check the separator")
    form = Form(
        kind="delimited text",
        encoding=text.encoding,
        bom=text.bom,
        separator=NAMES.get(dialect.separator, dialect.separator),
        quotes=dialect.quotes,
        line_ends=text.line_ends,
        header_line=header_line,
    )
    lines = np.array(found.lines, dtype=np.int64)
    cells = tuple(Cells.of(column) for column in zip(*found.rows, strict=True))
    return Table(form, names, cells, lines, options, tuple(found.faults), tuple(questions))


def _comment_lines(text: str) -> int:
    """Return how many lines at the top are no rows: they begin with #, or one names the separator, as Excel writes it.

    One line alone that begins with # may be a header.
    """
    stream = io.StringIO(text, newline="")
    if _NAMES_SEPARATOR.fullmatch(stream.readline().rstrip()):
        return 1
    count = 1 if text.startswith("#") else 0
    for line in stream:
        if not line.startswith("#"):
            break
        count += 1
    return count if count > 1 else 0


def _after_lines(text: str, count: int) -> str:
    if not count:
        return text
    stream = io.StringIO(text, newline="")
    for _ in range(count):
        stream.readline()
    return stream.read()


def _rows_of(path: Path, text: str, dialect: Dialect, skipped: int) -> _Rows:
    rows: list[list[str]] = []
    lines, blank, broken = [], [], []
    parsed = separators.rows_of(_after_lines(text, skipped), dialect.separator, dialect.quotes)
    begins = skipped + 1
    for row in parsed:
        if len(row) > LARGEST_WIDTH:
            raise ValueError(f"{path}: line {begins}: {len(row):,} cells; allowed are {LARGEST_WIDTH:,}")
        if row:
            if skipped + parsed.line_num > begins:
                broken.append(len(rows))
            rows.append(row)
            lines.append(begins)
        else:
            blank.append(begins)
        begins = skipped + parsed.line_num + 1
    found = _Rows(rows, lines, [])
    if skipped:
        found.faults.append(
            Fault(
                kind="comments",
                message="lines before the header are no rows",
                lines=tuple(range(1, skipped + 1)),
            )
        )
    if blank:
        found.faults.append(Fault(kind="blank line", message="blank lines are skipped", lines=tuple(blank)))
    if not dialect.quotes and '"' in text:
        places = [place for place, row in enumerate(found.rows) if any('"' in cell for cell in row)]
        found.note(
            places, "quotation marks in text", "quotation marks are part of the text, none encloses a cell"
        )
    found.note(broken, "quoted line break", "a cell in quotation marks holds a line break")
    if broken and broken[-1] == len(rows) - 1 and _after_lines(text, lines[-1] - 1).count('"') % 2:
        raise ValueError(
            f"{path}: line {lines[-1]}: a quotation mark is opened and not closed; close or double it"
        )
    return found


def _drop_titles(found: _Rows, width: int) -> None:
    """Take out what stands above the header and below the rows: blank rows, a title, a note."""
    if width < 3:
        return
    top = 0
    while top < min(len(found.rows), 20) and _num_filled(found.rows[top]) <= 1:
        top += 1
    if top < len(found.rows):
        found.take_out(
            range(top), "title above the header", "a blank row or title above the header is skipped"
        )
    bottom = len(found.rows)
    while bottom > 1 and _is_note(found.rows[bottom - 1]):
        bottom -= 1
    found.take_out(range(bottom, len(found.rows)), "note below the rows", "a note below the rows is skipped")


def _num_filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _is_note(row: Sequence[str]) -> bool:
    filled = _num_filled(row)
    return filled == 0 or (filled == 1 and len(row[0].split()) > _FOOTER_WORDS)


def _names(
    header: Sequence[str], found: _Rows, line: int | None
) -> tuple[tuple[str, ...], int, list[Ambiguity]]:
    """Return the names of the columns and how many there are.

    Names are used if some row has as many cells. Otherwise a name or a cell is missing somewhere, nobody knows where,
    and columns are numbered.
    """
    widths = Counter(map(len, found.rows))
    width = max(widths.items(), key=lambda pair: (pair[1], pair[0]))[0]
    if not header:
        return _numbered(width), width, []
    if len(header) not in widths:
        message = f"the header has {len(header)} names, the rows have {width} cells: columns are numbered"
        found.faults.append(Fault(kind="header does not fit", message=message, lines=(line or 1,)))
        question = Ambiguity(
            about="header",
            question=f"{message}; correct the header, which reads: {', '.join(header)[:200]}",
            candidates=(),
            option="a corrected file",
        )
        return _numbered(width), width, [question]
    unnamed = [place + 1 for place, name in enumerate(header) if not name]
    if unnamed:
        message = f"columns without a name are numbered: {_some(map(str, unnamed))}"
        found.faults.append(Fault(kind="column without a name", message=message, count=len(unnamed)))
    return _unique(header, found), len(header), []


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"column {place + 1}" for place in range(width))


def _unique(header: Sequence[str], found: _Rows) -> tuple[str, ...]:
    names: list[str] = []
    for place, name in enumerate(header, start=1):
        plain = name or f"column {place}"
        if plain in names:
            message = f"two columns have the name {plain}: the second is called {plain} (column {place})"
            found.faults.append(Fault(kind="name twice", message=message, column=plain, count=1))
            plain = f"{plain} (column {place})"
        names.append(plain)
    return tuple(names)


def _drop_bad_rows(found: _Rows, header: Sequence[str], width: int) -> None:
    again = [
        place
        for place, row in enumerate(found.rows)
        if header and row[0].strip() == header[0] and [cell.strip() for cell in row] == list(header)
    ]
    found.take_out(again, "header again", "the header stands again among the rows and is skipped")
    _fill_cut_rows(found, width)
    bad = [place for place, row in enumerate(found.rows) if len(row) != width]
    found.take_out(bad, "wrong number of cells", f"rows that do not have {width} cells are left out")


def _drop_trailing_blanks(found: _Rows, width: int) -> None:
    places = [
        place
        for place, row in enumerate(found.rows)
        if len(row) > width and not any(cell.strip() for cell in row[width:])
    ]
    found.note(places, "blank cells at the end", "blank cells after the last column are dropped")
    for place in places:
        del found.rows[place][width:]


def _fill_cut_rows(found: _Rows, width: int) -> None:
    """Complete rows that lack the last columns, if these are blank in all rows that have them."""
    blank = width
    whole = [row for row in found.rows if len(row) == width]
    while blank > 1 and not any(row[blank - 1].strip() for row in whole):
        blank -= 1
    cut = [place for place, row in enumerate(found.rows) if blank <= len(row) < width]
    found.note(
        cut,
        "blank last cells cut",
        f"rows have fewer than {width} cells: those cut are blank in all other rows",
    )
    for place in cut:
        found.rows[place] += [""] * (width - len(found.rows[place]))


def _some(names: Iterable[str]) -> str:
    shown = list(islice(names, 6))
    return ", ".join(shown[:5]) + (", ..." if len(shown) > 5 else "")
