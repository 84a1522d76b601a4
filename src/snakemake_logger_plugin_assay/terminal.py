# SPDX-License-Identifier: Apache-2.0
"""Text for a terminal: names and reasons are data from outside, so nothing in them may steer it."""

from __future__ import annotations

import re
import shutil
import unicodedata
from bisect import bisect_right
from itertools import accumulate
from typing import TextIO

CLEAR = "\r\x1b[K"
"""Moves to the first column and erases the line."""
ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
WIDEST = 1000
"""Columns of a line that is not shown on a terminal."""


def plain(text: str) -> str:
    """Return ``text`` on one line, without escape sequences and control characters."""
    characters = (" " if unicodedata.category(each)[0] in "CZ" else each for each in ESCAPE.sub(" ", text))
    return " ".join("".join(characters).split())


def cut(text: str, columns: int) -> str:
    """Return ``text`` shortened to ``columns``; East Asian wide characters take two."""
    ends = list(accumulate(map(_width, text)))
    if not ends or ends[-1] <= columns:
        return text
    return text[: bisect_right(ends, columns - 1)] + "\N{HORIZONTAL ELLIPSIS}"


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def columns(stream: TextIO) -> int:
    """Return the columns of a line: one less than the terminal has, so that the cursor stays on the line."""
    return shutil.get_terminal_size().columns - 1 if stream.isatty() else WIDEST
