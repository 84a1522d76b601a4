# SPDX-License-Identifier: Apache-2.0
"""The interface of tasks, which training, compression, evaluation and the report call.

Each file of a task defines one class and ends with its only instance, ``TASK``, through which mypy checks the class.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import pandas as pd
import torch
from torch import Tensor

from assay.artifacts.predictors import Predictor
from assay.data.splits import AnySplit
from assay.tasks.exhibits import Exhibit
from assay.tasks.metric import Metric, PrimaryMetric

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""Returns the inputs (N, ...) of a batch, randomly augmented with the generator."""

Answers = TypeVar("Answers")


class Objective(Protocol):
    """The part of a task that training and compression need: a loss, and a metric to watch."""

    @property
    def watched(self) -> Metric:
        """The metric on validation by which the best epoch is chosen."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch, a scalar that training minimises.

        Args:
            outputs: (N, ...) float32, as the network returns them.
            targets: (N, ...), as in the split.
        """

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return sums over a batch, (S,) float64, from the arguments of ``loss``; sums of several batches are added."""

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean loss, without label smoothing, and the watched metric from the sums (S,)."""


@runtime_checkable
class SmoothsLabels(Protocol):
    """An objective whose targets are classes, so that its loss supports label smoothing."""

    @abstractmethod
    def smoothed_loss(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean loss of a batch in nats, a scalar, from the arguments of ``loss``.

        Args:
            label_smoothing: share of the probability that is spread evenly over the classes, in [0, 1).
        """

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch in nats, a scalar."""
        return self.smoothed_loss(outputs, targets, 0.0)


@runtime_checkable
class WeighsItems(Protocol):
    """An objective whose loss is a mean over items, so that items can have weights."""

    @abstractmethod
    def item_losses(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the loss of each item, (N,), whose mean is the loss of the batch, from the arguments of ``loss``.

        Args:
            label_smoothing: as in ``smoothed_loss``; 0 if the targets are not classes.
        """


@runtime_checkable
class ScoresValidation(Protocol):
    """A task whose primary metric costs no more on validation items than the loss; methods of compression keep to it.
    For other tasks they keep to the watched metric."""

    @property
    def primary(self) -> PrimaryMetric:
        """As in ``Task``."""

    @abstractmethod
    def predict(self, predictor: Predictor, split: Any) -> Any:
        """As in ``Task``."""

    @abstractmethod
    def predictions(self, answers: Any, split: Any) -> pd.DataFrame:
        """As in ``Task``."""

    def score(self, predictor: Predictor, split: Any) -> float:
        """Return the primary metric on a split; nan if it is undefined."""
        table = self.predictions(self.predict(predictor, split), split)
        return self.primary.value(self.primary.arrays(table))


def weighted_loss(task: Objective, label_smoothing: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return the training loss of items with weights: a function of outputs, targets and weights (N,) to a scalar.

    Raises:
        ValueError: the task's loss is not a mean over items.
    """
    if not isinstance(task, WeighsItems):
        raise ValueError(
            f"{type(task).__name__}: its loss does not support item weights, but the data have them"
        )
    items = task
    return lambda outputs, targets, weights: (
        (items.item_losses(outputs, targets, label_smoothing) * weights).sum() / weights.sum()
    )


def training_loss(task: Objective, label_smoothing: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the training loss: a function of outputs (N, ...) and targets (N, ...) to a scalar.

    Raises:
        ValueError: label smoothing is requested, and the task has no labels.
    """
    if not label_smoothing:
        return task.loss
    if not isinstance(task, SmoothsLabels):
        raise ValueError(
            f"training.label_smoothing = {label_smoothing}: only 0 is allowed if the targets are not classes"
        )
    return partial(task.smoothed_loss, label_smoothing=label_smoothing)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What the registry reads of a task without importing it: literal arguments in the definition of ``TASK``."""

    signature: str
    """The task's input and output, such as ``image -> class``; determines which models fit."""
    provides: tuple[str, ...]
    """The model arguments that depend on the data: the keys of ``model_arguments``."""
    controls: tuple[str, ...]
    """Model families; every task of this kind needs at least one row of them."""
    metrics: tuple[str, ...]
    """The names of ``primary_metrics``; the first is the primary metric unless a row of ``tasks`` names another."""
    metric: str | None = None
    """The metric that the row names."""

    @property
    @abstractmethod
    def primary_metrics(self) -> Sequence[PrimaryMetric]:
        """The metrics that can be the primary one."""

    @property
    def primary(self) -> PrimaryMetric:
        """The metric of the report's table."""
        return next(each for each in self.primary_metrics if each.name == (self.metric or self.metrics[0]))

    def with_primary(self, metric: str) -> Self:
        """Return the same task with this primary metric, one of ``metrics``."""
        return replace(self, metric=metric)


class Task(Objective, Protocol[AnySplit, Answers]):
    """A question about a dataset: how to load it, predict with a model and score the predictions."""

    @property
    def signature(self) -> str:
        """The task's input and output, such as ``image -> class``; determines which models fit."""

    @property
    def provides(self) -> tuple[str, ...]:
        """The model arguments that depend on the data: the keys of ``model_arguments``."""

    @property
    def controls(self) -> tuple[str, ...]:
        """Model families; every task of this kind needs at least one row of them."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of ``primary_metrics``, the default first."""

    @property
    def primary_metrics(self) -> Sequence[PrimaryMetric]:
        """The metrics that can be the primary one."""

    @property
    def primary(self) -> PrimaryMetric:
        """The metric of the report's table, computed from the columns of ``predictions``."""

    def with_primary(self, metric: str) -> Self:
        """Return the same task with this primary metric, one of ``metrics``."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, AnySplit]:
        """Return the named splits of the prepared dataset in this folder."""

    def limit(self, split: AnySplit, count: int) -> AnySplit:
        """Return about ``count`` items of a split, deterministically; all if there are fewer."""

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data, by name, such as ``shape`` and ``num_classes``.

        A model gets those that are parameters of its class.
        """

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return the augmentation of training batches; None for no augmentation."""

    def predict(self, predictor: Predictor, split: AnySplit) -> Answers:
        """Return a model's predictions for all items of a split.

        Raises:
            ValueError: a logit is not finite.
        """

    def compute_metrics(self, answers: Answers, split: AnySplit) -> dict[str, float | None]:
        """Return all metrics by name; None for a metric that is undefined on the split."""

    def predictions(self, answers: Answers, split: AnySplit) -> pd.DataFrame:
        """Return one row per item: ``item``, its number in items.parquet, and the task's own columns, among them those
        that the primary metric reads."""

    def exhibits(self, answers: Answers, split: AnySplit) -> list[Exhibit]:
        """Return the exhibits that the report shows besides metrics, at most one per type."""
