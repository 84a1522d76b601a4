# SPDX-License-Identifier: Apache-2.0
"""Classification of rows into two classes: which of them has a row of a table?

The primary metric is AUROC: the probability that a row of the second class has a higher score than a row of the first.
The control that should lose is the majority class, whose AUROC is 0.5.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from assay.data.splits import Split
from assay.files import read_json
from assay.tasks.protocol import Task
from assay.tasks.table_multiclass import TableMulticlass


class TableClassification(TableMulticlass):
    """Maps rows (N, F) to one of two classes; the second is the positive class."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Split]:
        """Read the named splits of a prepared table.

        Raises:
            ValueError: it does not have two classes; one line.
        """
        count = len(read_json(prepared / "prepared.json")["classes"])
        if count != 2:
            raise ValueError(f"{prepared}: {count} classes; AUROC needs two: use table_multiclass")
        return super().load(prepared, splits)


TASK: Task[Split, Tensor] = TableClassification(
    signature="table -> class",
    provides=("shape", "num_classes"),
    controls=("majority",),
    metrics=(
        "auroc",
        "accuracy",
        "balanced_accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "calibration_error",
        "cross_entropy",
    ),
)
