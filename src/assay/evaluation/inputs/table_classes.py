# SPDX-License-Identifier: Apache-2.0
"""A user's table rows to classify."""

from __future__ import annotations

from pathlib import Path

from assay.data.declarations import Dataset
from assay.data.splits import Split
from assay.evaluation.inputs import class_table, table_rows
from assay.files import read_json

rows = class_table.rows

SIGNATURE = "table -> class"


def read(path: Path, prepared: Path, dataset: Dataset) -> Split:
    """Return the rows of a file as model inputs.

    Raises:
        ValueError: it is not a table with the dataset's columns.
    """
    del dataset
    facts = read_json(prepared / "prepared.json")
    return class_table.split(table_rows.read(path, prepared), facts)
