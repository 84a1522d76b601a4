# SPDX-License-Identifier: Apache-2.0
"""Regression: which number belongs to a row of a table?

The primary metric is the root mean square error, in the target's own unit. The control that should lose is the mean of
the training targets. Models are trained on, and predict, targets standardised with the training targets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from assay.artifacts.predictors import Predictor, finite_outputs
from assay.data.splits import Split, first_items
from assay.files import read_json
from assay.tasks import table_features
from assay.tasks.exhibits import Exhibit
from assay.tasks.metric import ITEM, Metric, PrimaryMetric, SummedMetric, ratio, scores
from assay.tasks.protocol import Augment, Declaration, ScoresValidation, Task, WeighsItems

METRICS = {
    "rmse": ("RMSE", ""),
    "standardised_rmse": ("RMSE in standard deviations", ""),
    "mae": ("mean absolute error", ""),
    "r2": ("R\N{SUPERSCRIPT TWO}", ""),
}


@dataclass(frozen=True)
class Numbers(Split):
    """Items whose targets (N, 1) float32 are standardised numbers."""

    mean: float = 0.0
    """The mean of the training targets, in the target's unit."""
    deviation: float = 1.0
    """The standard deviation of the training targets, in the target's unit."""
    units: NDArray[Any] | None = None
    """(N,) the unit of independence of each item, such as a patient; None if each item is one."""

    def take(self, rows: Tensor) -> Self:
        """Return the items of these rows (M,), in their order."""
        units = None if self.units is None else self.units[rows.numpy()]
        return replace(super().take(rows), units=units)

    def in_unit(self, numbers: Tensor) -> NDArray[np.float64]:
        """Return numbers (N, 1) in the target's unit, (N,)."""
        values: NDArray[np.float64] = (numbers[:, 0].double() * self.deviation + self.mean).numpy()
        return values


def squares(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the squared error of each prediction, and ones: (N, 2)."""
    errors = _errors(table)
    return np.stack([errors**2, np.ones(len(errors))], axis=1)


def distances(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the absolute error of each prediction, and ones: (N, 2)."""
    errors = _errors(table)
    return np.stack([np.abs(errors), np.ones(len(errors))], axis=1)


def variances(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the squared error of each prediction, the target less the mean of all, its square, and ones: (N, 4)."""
    targets = table["target"].to_numpy(float)
    targets = targets - targets.mean()  # which changes no variance, and keeps the digits of large numbers
    return np.stack([_errors(table) ** 2, targets, targets**2, np.ones(len(targets))], axis=1)


def explained(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return R squared (...), the explained share of the targets' variance, from sums (..., 4) of ``variances``; nan if
    all targets are the same."""
    errors, total, squared, items = np.moveaxis(sums, -1, 0)
    spread = squared - total**2 / items
    return np.where(spread > 0, 1 - errors / np.where(spread > 0, spread, 1), np.nan)


def _errors(table: pd.DataFrame) -> NDArray[np.float64]:
    errors: NDArray[np.float64] = (table["prediction"] - table["target"]).to_numpy(float)
    return errors


def root(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root of the mean (...) from sums (..., 2)."""
    return np.sqrt(ratio(sums))


@dataclass(frozen=True, kw_only=True)
class TableRegression(Declaration, WeighsItems, ScoresValidation):
    """Maps rows (N, F) to numbers; the outputs are (N, 1)."""

    unit: str = ITEM
    """The unit of independence; if it is not the item, units are the groups of the dataset."""

    watched = Metric("standardised_rmse", "minimise")

    @property
    def primary_metrics(self) -> tuple[PrimaryMetric, ...]:
        """The root mean square error, the mean absolute error and R squared, with the task's unit of independence."""
        columns = ("target", "prediction")
        return (
            SummedMetric("rmse", "minimise", columns, squares, root, unit=self.unit),
            SummedMetric("mae", "minimise", columns, distances, ratio, unit=self.unit),
            SummedMetric("r2", "maximise", columns, variances, explained, unit=self.unit),
        )

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Numbers]:
        """Read the named splits of a prepared table.

        Raises:
            ValueError: the task's unit is not the item, and the dataset has no groups.
        """
        facts = read_json(prepared / "prepared.json")
        groups = None if self.unit == ITEM else _groups(prepared, self.unit)
        mean, deviation = facts["target_mean"], facts["target_std"]
        return {
            name: Numbers(
                rows.inputs,
                ((rows.targets.double() - mean) / deviation).float()[:, None],
                rows.items,
                mean=mean,
                deviation=deviation,
                units=None if groups is None else groups.reindex(rows.items).to_numpy(),
                weights=rows.weights,
            )
            for name, rows in table_features.read(prepared, facts, splits)
        }

    def limit(self, split: Numbers, count: int) -> Numbers:
        """Return the first ``count`` items; all if there are fewer."""
        return first_items(split, count)

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        return {"shape": tuple(read_json(prepared / "prepared.json")["shape"])}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return None: no dataset of tables declares an augmentation."""
        del prepared
        return None

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error of standardised numbers (N, 1)."""
        return F.mse_loss(outputs, targets)

    def item_losses(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the squared error of each standardised number, (N,)."""
        del label_smoothing
        return F.mse_loss(outputs, targets, reduction="none")[:, 0]

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (2,) over items: squared errors, items."""
        squared = (outputs - targets).double().square().sum()
        return torch.stack([squared, torch.full_like(squared, len(targets))])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean squared error and its root, of standardised numbers, from the sums (2,)."""
        mean = (sums[0] / sums[1]).item()
        return mean, mean**0.5

    def predict(self, predictor: Predictor, split: Numbers) -> Tensor:
        """Return a model's standardised numbers (N, 1) for all items of a split."""
        return finite_outputs(predictor, split.inputs, split.items)

    def compute_metrics(self, answers: Tensor, split: Numbers) -> dict[str, float | None]:
        """Return RMSE, mean absolute error and the share of the variance that is explained (R squared)."""
        return scores(self.primary_metrics, self.predictions(answers, split))

    def predictions(self, answers: Tensor, split: Numbers) -> pd.DataFrame:
        """Return one row per item: its number, its unit if that is not the item, its target and the prediction, both in
        the target's unit of measurement."""
        return pd.DataFrame(
            {
                "item": split.items,
                **({} if split.units is None else {self.unit: split.units}),
                "target": split.in_unit(split.targets),
                "prediction": split.in_unit(answers),
            }
        )

    def exhibits(self, answers: Tensor, split: Numbers) -> list[Exhibit]:
        """Return no exhibits."""
        del answers, split
        return []


def _groups(prepared: Path, unit: str) -> pd.Series:
    """Return the group of each item, by its number."""
    path = prepared / "items.parquet"
    if "group" not in pq.read_schema(path).names:
        raise ValueError(f"{path}: no column group, but the task's unit is {unit}; use a dataset with groups")
    return pd.read_parquet(path, columns=["item", "group"]).set_index("item")["group"]


TASK: Task[Numbers, Tensor] = TableRegression(
    signature="table -> number",
    provides=("shape",),
    controls=("mean",),
    metrics=("rmse", "mae", "r2"),
)
