# SPDX-License-Identifier: Apache-2.0
"""CSV that a spreadsheet opens without running what somebody else wrote into it.

A cell that begins with one of ``=+-@``, a tab or a carriage return is taken for a formula, which can call programs and
addresses: https://owasp.org/www-community/attacks/CSV_Injection. Such text gets an apostrophe in front; numbers are
left as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

STARTS = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def defused(value: Any) -> Any:
    """Return text that would be a formula with an apostrophe in front, and whatever else as it is."""
    is_formula = isinstance(value, str) and value.startswith(STARTS) and not NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV with a header, its texts defused."""
    safe = table.copy()
    for name in table.select_dtypes(exclude="number"):
        safe[name] = table[name].map(defused)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    return text
