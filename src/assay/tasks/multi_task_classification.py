# SPDX-License-Identifier: Apache-2.0
"""Multi-task text classification: one network for several tasks, with the task of each text as an input.

The encoder is shared and each task has a head; the logits of all heads are concatenated, and those of the tasks that a
text does not belong to are masked before loss and metrics. The primary metric is accuracy over all items; the report
also shows it per task, to compare it with networks trained on one task. The control that should lose is the majority
class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from assay.artifacts.predictors import Predictor, finite_outputs
from assay.data import loading
from assay.data.declarations import HasGroups
from assay.data.items import in_memory
from assay.data.splits import Split
from assay.files import read_json
from assay.tasks import text_classification
from assay.tasks.classification import ClassificationObjective
from assay.tasks.classification_metrics import OF_CLASSES
from assay.tasks.exhibits import Exhibit
from assay.tasks.protocol import Augment, Declaration, ScoresValidation, Task

METRICS = {"accuracy_{}": ("accuracy on {}", "%")}
TEXTS = text_classification.TASK
"""Loads the texts, and computes the metrics from each item's class."""
NEVER = -1e4
"""The logit of a class of another task: far below all others, but finite."""


@dataclass(frozen=True)
class Grouped(Split):
    """Targets (N, 3): the class, and the range of its task's classes: the first, and one past the last."""

    groups: tuple[tuple[str, int, int], ...] = ()
    """Each task's name, its first class, and one past its last class."""

    @property
    def labels(self) -> Split:
        """The same items with only the classes as targets."""
        return Split(self.inputs, self.targets[:, 0], self.items)


class MultiTaskClassification(Declaration, ClassificationObjective, ScoresValidation):
    """Maps token ids (N, T) to the classes of each text's task."""

    primary_metrics = OF_CLASSES

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Grouped]:
        """Read the named splits of a prepared dataset: token ids (N, T) int64, padded with 0."""
        dataset = loading.of_prepared(read_json(prepared / "prepared.json"))
        if not isinstance(dataset, HasGroups):
            raise ValueError(
                f"{prepared}: not a dataset of several tasks: its file declares no groups of classes"
            )
        groups = tuple((name, *bounds) for name, bounds in dataset.groups.items())
        bounds = torch.tensor([[first, end] for _, first, end in groups for _ in range(first, end)])  # (K, 2)
        return {
            name: Grouped(
                split.inputs,
                torch.cat([split.targets.unsqueeze(1), bounds[split.targets]], dim=1),
                split.items,
                split.lengths,
                groups=groups,
            )
            for name, split in TEXTS.load(prepared, splits).items()
        }

    def limit(self, split: Grouped, count: int) -> Grouped:
        """Return about ``count`` items, the first of each class in proportion to the class; all if there are fewer."""
        numbered = replace(split.labels, inputs=torch.arange(len(split.targets)))
        return split.take(in_memory(TEXTS.limit(numbered, count).inputs))

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data: shape, vocabulary, number of all tasks' classes."""
        return TEXTS.model_arguments(prepared)

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return the augmentation of training batches that the dataset declares; None for no augmentation."""
        return TEXTS.augmenter(prepared)

    def smoothed_loss(self, logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats among the classes of each text's task.

        Raises:
            ValueError: label smoothing is requested, which would spread probability over the classes of other tasks.
        """
        if label_smoothing:
            raise ValueError(
                f"training.label_smoothing = {label_smoothing}: only 0 is allowed with several tasks"
            )
        return super().smoothed_loss(mask_other_tasks(logits, targets), targets[:, 0], 0.0)

    def metric_state(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (3,) over items: cross-entropy in nats, correct predictions, items."""
        return super().metric_state(mask_other_tasks(logits, targets), targets[:, 0])

    def predict(self, predictor: Predictor, split: Grouped) -> Tensor:
        """Return a model's logits (N, K) for all items of a split, those of other tasks at ``NEVER``."""
        return mask_other_tasks(finite_outputs(predictor, split.inputs, split.items), split.targets)

    def compute_metrics(self, logits: Tensor, split: Grouped) -> dict[str, float | None]:
        """Return all metrics over all items, and the accuracy of each task."""
        correct = (logits.argmax(dim=1) == split.targets[:, 0]).double()
        by_task: dict[str, float | None] = {
            f"accuracy_{name}": correct[split.targets[:, 1] == first].mean().item()
            for name, first, _ in split.groups
        }
        return TEXTS.compute_metrics(logits, split.labels) | by_task

    def predictions(self, logits: Tensor, split: Grouped) -> pd.DataFrame:
        """Return one row per item: its number, its class, the predicted class and its probability."""
        return TEXTS.predictions(logits, split.labels)

    def exhibits(self, logits: Tensor, split: Grouped) -> list[Exhibit]:
        """Return the confusion matrix of all tasks' classes."""
        return TEXTS.exhibits(logits, split.labels)


def mask_other_tasks(logits: Tensor, targets: Tensor) -> Tensor:
    """Return logits (N, K) with ``NEVER`` for the classes outside of each text's task."""
    number = torch.arange(logits.shape[1], device=logits.device)
    inside = (number >= targets[:, 1:2]) & (number < targets[:, 2:3])
    return logits.masked_fill(~inside, NEVER)


TASK: Task[Grouped, Tensor] = MultiTaskClassification(
    signature="texts of several tasks -> classes",
    provides=("shape", "vocabulary", "num_classes"),
    controls=("majority",),
    metrics=("accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1"),
)
