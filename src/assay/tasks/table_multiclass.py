# SPDX-License-Identifier: Apache-2.0
"""Classification of rows into any number of classes: which of K classes has a row of a table?

The primary metric is accuracy. The control that should lose is the majority class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from assay.data.splits import Split
from assay.files import read_json
from assay.tasks import table_features
from assay.tasks.classification import Classification
from assay.tasks.protocol import Augment, Task


class TableMulticlass(Classification):
    """Maps rows (N, F) to one of K classes."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Split]:
        """Read the named splits of a prepared table.

        Raises:
            ValueError: it has no classes; one line.
        """
        facts = read_json(prepared / "prepared.json")
        if not facts["classes"]:
            raise ValueError(f"{prepared}: its targets are numbers; use table_regression")
        return {
            name: Split(rows.inputs, rows.targets, rows.items, weights=rows.weights)
            for name, rows in table_features.read(prepared, facts, splits)
        }

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        facts = read_json(prepared / "prepared.json")
        return {"shape": tuple(facts["shape"]), "num_classes": len(facts["classes"])}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return None: no dataset of tables declares an augmentation."""
        del prepared
        return None


TASK: Task[Split, Tensor] = TableMulticlass(
    signature="table -> class",
    provides=("shape", "num_classes"),
    controls=("majority",),
    metrics=(
        "accuracy",
        "balanced_accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "auroc",
        "calibration_error",
        "cross_entropy",
    ),
)
