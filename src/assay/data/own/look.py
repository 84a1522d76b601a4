# SPDX-License-Identifier: Apache-2.0
"""Look at a user's file or folder: what it is, what is wrong with it, and what can be learned from it.

Nothing is written, unpickled or unpacked, and no link is followed out of a folder.
"""

from __future__ import annotations

from pathlib import Path

from assay.data.own import delimited, json_rows, parquet, readings
from assay.data.own.found import Found, Options

READS = "CSV, TSV, Parquet, JSON lines, a folder of images by class, text, CoNLL columns"
TABLES = (".csv", ".tsv", ".tab", ".psv")
JSON = (".json", ".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")


def look(path: Path, options: Options | None = None) -> Found:
    """Return what a file or folder holds.

    Raises:
        ValueError: it cannot be read, is of a kind that is not read, or an option does not fit; one line.
    """
    options = options or Options()
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return readings.find(path, parquet.read(path, options))
    if suffix in JSON:
        return readings.find(path, json_rows.read(path, options))
    if suffix in TABLES or suffix == ".txt":
        return readings.find(path, delimited.read(path, options))
    raise ValueError(f"{path}: {suffix or 'such a file'} is not read; {READS} are")
