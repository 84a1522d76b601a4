# SPDX-License-Identifier: Apache-2.0
"""The contract of a task: what training, compression, evaluation and the report call.

Each file of a task defines one class and ends with its one object, ``TASK``, by which mypy checks the class.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import pandas as pd
import torch
from torch import Tensor

from assay.artifacts.predictors import Predictor
from assay.data.splits import AnySplit
from assay.tasks.exhibits import Exhibit
from assay.tasks.metric import Metric, PrimaryMetric

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""Returns the inputs (N, ...) of a batch, varied by draws from the generator."""

Answers = TypeVar("Answers")


class Objective(Protocol):
    """The part of a task that training and compression need: a loss, and a metric that they watch."""

    @property
    def watched(self) -> Metric:
        """The metric by which validation chooses the epoch."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch, a scalar that training lowers.

        Args:
            outputs: (N, ...) float32, as the network returns them.
            targets: (N, ...), as in the split.
        """

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return sums over a batch, (S,) float64, given as to ``loss``; those of several batches are added."""

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean loss, without label smoothing, and the watched metric from the sums (S,)."""


@runtime_checkable
class SmoothsLabels(Protocol):
    """An objective whose targets are classes, over which its loss can spread a share of the probability."""

    @abstractmethod
    def smoothed_loss(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean loss of a batch in nats, a scalar, given as to ``loss``.

        Args:
            label_smoothing: share of the probability that is spread evenly over the classes, in [0, 1).
        """

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch in nats, a scalar."""
        return self.smoothed_loss(outputs, targets, 0.0)


@runtime_checkable
class WeighsItems(Protocol):
    """An objective whose loss is a mean over items, of which some can count for more than others."""

    @abstractmethod
    def item_losses(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the loss of each item, (N,), whose mean is the loss of the batch; given as to ``loss``.

        Args:
            label_smoothing: as for ``smoothed_loss``; 0 where targets are no classes.
        """


def weighted_loss(task: Objective, label_smoothing: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return what training lowers where items have weights: from outputs, targets and weights (N,) to a scalar.

    Raises:
        ValueError: the task's loss is no mean over items.
    """
    if not isinstance(task, WeighsItems):
        raise ValueError(f"{type(task).__name__}: its loss takes no weights of items, and the data have them")
    items = task
    return lambda outputs, targets, weights: (
        (items.item_losses(outputs, targets, label_smoothing) * weights).sum() / weights.sum()
    )


def training_loss(task: Objective, label_smoothing: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what training lowers: from outputs (N, ...) and targets (N, ...) to a scalar.

    Raises:
        ValueError: labels are to be smoothed, and the task has none.
    """
    if not label_smoothing:
        return task.loss
    if not isinstance(task, SmoothsLabels):
        raise ValueError(
            f"training.label_smoothing = {label_smoothing}: 0 alone is allowed where the targets are no classes"
        )
    return partial(task.smoothed_loss, label_smoothing=label_smoothing)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What the registry must know of a task before it is imported: literals, where ``TASK`` is made."""

    signature: str
    """What the task maps to what, such as ``image -> class``; decides which models fit."""
    provides: tuple[str, ...]
    """Arguments of models that the data decide: the keys of ``model_arguments``."""
    controls: tuple[str, ...]
    """Model families of which every such task needs at least one row."""


class Task(Objective, Protocol[AnySplit, Answers]):
    """A question asked of a dataset: what is loaded and learned, how a model answers, what the answers are worth."""

    @property
    def signature(self) -> str:
        """What the task maps to what, such as ``image -> class``; decides which models fit."""

    @property
    def provides(self) -> tuple[str, ...]:
        """Arguments of models that the data decide: the keys of ``model_arguments``."""

    @property
    def controls(self) -> tuple[str, ...]:
        """Model families of which every such task needs at least one row."""

    @property
    def primary(self) -> PrimaryMetric:
        """The metric of the report's table, computed from the columns of ``predictions``."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, AnySplit]:
        """Return the named splits of the prepared dataset in this folder."""

    def limit(self, split: AnySplit, count: int) -> AnySplit:
        """Return about ``count`` items of a split, always the same ones; all if there are fewer."""

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the arguments that the data decide, by name, such as ``shape`` and ``num_classes``.

        A model is given those that its signature names.
        """

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return how training batches are varied; None if they are not."""

    def predict(self, predictor: Predictor, split: AnySplit) -> Answers:
        """Return a model's answers to all items of a split.

        Raises:
            ValueError: a logit is not finite.
        """

    def compute_metrics(self, answers: Answers, split: AnySplit) -> dict[str, float | None]:
        """Return every metric by name; None where the split's targets do not define it."""

    def predictions(self, answers: Answers, split: AnySplit) -> pd.DataFrame:
        """Return one row an item: ``item``, its number in items.parquet, and columns of the task's own."""

    def exhibits(self, answers: Answers, split: AnySplit) -> list[Exhibit]:
        """Return what the report shows beside numbers, at most one of a type."""
