# SPDX-License-Identifier: Apache-2.0
"""A user's table rows for regression."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from assay.data.declarations import Dataset
from assay.evaluation.inputs import class_table, table_rows
from assay.files import read_json
from assay.tasks.table_regression import Numbers

SIGNATURE = "table -> number"


def read(path: Path, prepared: Path, dataset: Dataset) -> Numbers:
    """Return the rows of a file as model inputs.

    Raises:
        ValueError: it is not a table with the dataset's columns.
    """
    del dataset
    facts = read_json(prepared / "prepared.json")
    inputs = table_rows.read(path, prepared)
    nothing, items = torch.zeros(len(inputs), 1), class_table.numbers(len(inputs))
    return Numbers(inputs, nothing, items, mean=facts["target_mean"], deviation=facts["target_std"])


def rows(answers: Tensor, split: Numbers) -> pd.DataFrame:
    """Return one row per item: its row in the file, and the prediction in the target's unit."""
    return pd.DataFrame({"row": split.items, "prediction": split.in_unit(answers)})
