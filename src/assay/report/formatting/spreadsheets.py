# SPDX-License-Identifier: Apache-2.0
"""CSV that a spreadsheet opens without running formulas in untrusted text.

A spreadsheet reads a cell that begins with one of ``=+-@``, a tab or a carriage return as a formula, which can run
programs and fetch URLs: https://owasp.org/www-community/attacks/CSV_Injection. Such text gets an apostrophe in front;
numbers are left unchanged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

STARTS = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def defused(value: Any) -> Any:
    """Return text that would be read as a formula with an apostrophe in front, any other value unchanged."""
    is_formula = isinstance(value, str) and value.startswith(STARTS) and not NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV with a header, its text defused."""
    safe = table.copy()
    for name in table.select_dtypes(exclude="number"):
        safe[name] = table[name].map(defused)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    return text
