# SPDX-License-Identifier: Apache-2.0
"""Answers as CSV or JSON lines, one per item, written as they come."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TextIO

from assay.evaluation.predict import Answered

JSON_LINES = (".jsonl", ".ndjson")
"""The suffixes of files of JSON lines; all others are CSV."""


class Writer(Protocol):
    """Writes answers."""

    def write(self, answers: Sequence[Answered]) -> None:
        """Write one line per answer."""


class AsCsv:
    """CSV with the names of the columns in its first line.

    Args:
        safe: returns a value as a spreadsheet may open it.
        with_files: whether the first column is the name of the item's file.
    """

    def __init__(
        self, stream: TextIO, columns: Sequence[str], safe: Callable[[Any], Any], *, with_files: bool
    ) -> None:
        self.rows = csv.writer(stream, lineterminator="\n")
        self.safe, self.with_files = safe, with_files
        self.rows.writerow([*(["file"] if with_files else []), "row", *columns])

    def write(self, answers: Sequence[Answered]) -> None:
        """Write one line per answer."""
        self.rows.writerows(self._rows(answers))

    def _rows(self, answers: Sequence[Answered]) -> Iterator[list[Any]]:
        for each in answers:
            file = [self.safe(each.item.source)] if self.with_files else []
            yield [*file, each.item.row, *map(self.safe, each.values)]


class AsJsonLines:
    """One JSON object per line; a number that is not finite is null."""

    def __init__(self, stream: TextIO, columns: Sequence[str], *, with_files: bool) -> None:
        self.stream, self.columns, self.with_files = stream, columns, with_files

    def write(self, answers: Sequence[Answered]) -> None:
        """Write one line per answer."""
        for each in answers:
            facts: dict[str, Any] = {"file": each.item.source} if self.with_files else {}
            facts["row"] = each.item.row
            facts |= {name: _finite(value) for name, value in zip(self.columns, each.values, strict=True)}
            self.stream.write(json.dumps(facts, ensure_ascii=False) + "\n")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
