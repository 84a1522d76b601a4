# SPDX-License-Identifier: Apache-2.0
"""Classification of rows into two classes: which of them has a row of a table?

The primary metric is AUROC: the probability that a row of the second class has a higher score than a row of the first.
The control that should lose is the majority class, whose AUROC is 0.5.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor

from assay.data.splits import Split
from assay.files import read_json
from assay.tasks.metric import RecomputedMetric
from assay.tasks.protocol import Task
from assay.tasks.table_multiclass import TableMulticlass


def auroc(target: NDArray[np.int64], score: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve of scores (N,) for class 1 against 0; nan if a class is missing."""
    return float(roc_auc_score(target, score)) if len(np.unique(target)) == 2 else float("nan")


class TableClassification(TableMulticlass):
    """Maps rows (N, F) to one of two classes; the second is the positive class."""

    primary = RecomputedMetric("auroc", "maximise", ("target", "score"), auroc, highest=1)

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Split]:
        """Read the named splits of a prepared table.

        Raises:
            ValueError: it does not have two classes; one line.
        """
        count = len(read_json(prepared / "prepared.json")["classes"])
        if count != 2:
            raise ValueError(f"{prepared}: {count} classes; AUROC needs two: use table_multiclass")
        return super().load(prepared, splits)

    def compute_metrics(self, logits: Tensor, split: Split) -> dict[str, float | None]:
        """Return all metrics of (N, 2) logits; None for a metric that is undefined on the split."""
        area = auroc(split.targets.numpy(), margins(logits))
        return super().compute_metrics(logits, split) | {"auroc": area if math.isfinite(area) else None}

    def predictions(self, logits: Tensor, split: Split) -> pd.DataFrame:
        """Return one row per item; ``score`` is the log-odds of the second class, in nats."""
        return super().predictions(logits, split).assign(score=margins(logits))


def margins(logits: Tensor) -> NDArray[np.float64]:
    """Return the difference of the second and the first logit (N, 2) of each item: (N,)."""
    differences: NDArray[np.float64] = (logits[:, 1].double() - logits[:, 0].double()).numpy()
    return differences


TASK: Task[Split, Tensor] = TableClassification(
    signature="table -> class",
    provides=("shape", "num_classes"),
    controls=("majority",),
)
