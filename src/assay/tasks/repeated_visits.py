# SPDX-License-Identifier: Apache-2.0
"""Regression on repeated visits: which number belongs to a row of a table with several rows per patient?

It differs from regression only in the unit of independence: the report resamples patients, each with all visits. The
patients are the groups of the dataset.
"""

from __future__ import annotations

from torch import Tensor

from assay.tasks.protocol import Task
from assay.tasks.table_regression import Numbers, TableRegression

TASK: Task[Numbers, Tensor] = TableRegression(
    signature="table -> number",
    provides=("shape",),
    controls=("mean",),
    metrics=("rmse", "mae", "r2"),
    unit="patient",
)
