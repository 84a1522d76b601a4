# SPDX-License-Identifier: Apache-2.0
"""Tables of numbers and a class in scikit-learn's own CSV files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.data.families.bundled import Bundled
from assay.data.families.tables import Tables
from assay.data.preparation.tables import TableSet, read_numbers
from assay.files import replacing


@dataclass(frozen=True, kw_only=True)
class BundledTable(Bundled, Tables):
    """A file of comma-separated numbers, the class last; the first line has the numbers of rows and columns and the
    names of the classes."""

    upstream_classes: tuple[str, ...]
    """The names of the classes in the order of upstream's numbers; ``classes`` may have another order."""

    def read(self, raw: Path) -> TableSet:
        """Return upstream's rows."""
        path = self.file(raw)
        head, _, rows = path.read_bytes().partition(b"\n")
        numbers = read_numbers(path, rows, columns=len(self.columns) + 1, delimiter=",")
        if head.split(b",")[0].strip() != str(len(numbers)).encode():
            raise ValueError(
                f"{path}: {len(numbers)} rows, but the first line has another number; delete the file and run again"
            )
        labels = numbers[:, -1]
        if not np.isin(labels, range(len(self.classes))).all():
            allowed = " or ".join(map(str, range(len(self.classes))))
            raise ValueError(f"{path}: the last column must be {allowed}; delete the file and run again")
        order = np.array([self.classes.index(name) for name in self.upstream_classes])
        return TableSet.of_numbers(
            numbers[:, :-1], order[labels.astype(np.int64)], tuple(self.columns), self.classes
        )

    def write(self, raw: Path, table: TableSet) -> None:
        lines = io.BytesIO()
        names = ",".join(self.upstream_classes)
        lines.write(f"{len(table)},{len(self.columns)},{names}\n".encode())
        order = np.array([self.upstream_classes.index(name) for name in self.classes])
        formats = ["%.5f"] * len(self.columns) + ["%d"]
        rows = np.column_stack([table.features, order[table.targets.astype(np.int64)]])
        np.savetxt(lines, rows, fmt=formats, delimiter=",")
        with replacing(self.file(raw)) as aside:
            aside.write_bytes(lines.getvalue())
