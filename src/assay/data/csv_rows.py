# SPDX-License-Identifier: Apache-2.0
"""CSV with fields of any length: by default Python rejects fields of more than 131,072 characters."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable

csv.field_size_limit(sys.maxsize)

reader = csv.reader


def read_rows(lines: Iterable[str]) -> list[dict[str, str]]:
    """Return the rows of a table as dictionaries; the keys are the names in its first line."""
    return list(csv.DictReader(lines))
