# SPDX-License-Identifier: Apache-2.0
"""Multi-task text classification: two tasks learned by one network, which is told which of them is asked.

The logits of all tasks' classes stand side by side, a head each over one encoder; those of the tasks that are not
asked are set aside before loss and metrics. The primary metric is accuracy over all items; the report gives it task
by task, to be compared with networks that learned one task alone. The control that should lose is the majority class.
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
from assay.tasks.exhibits import Exhibit
from assay.tasks.protocol import Augment, Declaration, Task

METRICS = {"accuracy_{}": ("accuracy on {}", "%")}
TEXTS = text_classification.TASK
"""What loads the texts, and judges each item by its class alone."""
NEVER = -1e4
"""Logit of a class of another task: far below all others, and finite."""


@dataclass(frozen=True)
class Grouped(Split):
    """Targets (N, 3): the class, the first class of its task, and the one after the last of it."""

    groups: tuple[tuple[str, int, int], ...] = ()
    """Each task's name, its first class, and the one after its last."""

    @property
    def labels(self) -> Split:
        """The same items with the classes alone as targets."""
        return Split(self.inputs, self.targets[:, 0], self.items)


class MultiTaskClassification(Declaration, ClassificationObjective):
    """Token ids (N, T) to the classes of the task that each text belongs to."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Grouped]:
        """Read the named splits of a prepared dataset: token ids (N, T) int64, 0 after a text's end."""
        dataset = loading.load(read_json(prepared / "prepared.json")["dataset"])
        if not isinstance(dataset, HasGroups):
            raise ValueError(
                f"{prepared}: not a dataset of several tasks; its file names no groups of classes"
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
        """Return about ``count`` items, the first of each class in the class's proportion; all if there are fewer."""
        numbered = replace(split.labels, inputs=torch.arange(len(split.targets)))
        return split.take(in_memory(TEXTS.limit(numbered, count).inputs))

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the arguments that the data decide: shape, vocabulary, number of classes of all tasks together."""
        return TEXTS.model_arguments(prepared)

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return how training batches are varied, as declared beside the dataset; None if they are not."""
        return TEXTS.augmenter(prepared)

    def smoothed_loss(self, logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats among the classes of the task that is asked.

        Raises:
            ValueError: labels are to be smoothed, which would spread probability over the classes of other tasks.
        """
        if label_smoothing:
            raise ValueError(
                f"training.label_smoothing = {label_smoothing}: 0 alone is allowed with several tasks"
            )
        return super().smoothed_loss(asked(logits, targets), targets[:, 0], 0.0)

    def metric_state(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (3,) over items: cross-entropy in nats, right answers, items."""
        return super().metric_state(asked(logits, targets), targets[:, 0])

    def predict(self, predictor: Predictor, split: Grouped) -> Tensor:
        """Return a model's logits (N, K) for all items of a split, those of other tasks at ``NEVER``."""
        return asked(finite_outputs(predictor, split.inputs, split.items), split.targets)

    def compute_metrics(self, logits: Tensor, split: Grouped) -> dict[str, float | None]:
        """Return every metric over all items, and the accuracy of each task."""
        right = (logits.argmax(dim=1) == split.targets[:, 0]).double()
        of_tasks: dict[str, float | None] = {
            f"accuracy_{name}": right[split.targets[:, 1] == first].mean().item()
            for name, first, _ in split.groups
        }
        return TEXTS.compute_metrics(logits, split.labels) | of_tasks

    def predictions(self, logits: Tensor, split: Grouped) -> pd.DataFrame:
        """Return one row an item: its number, its class, the class predicted and that class's probability."""
        return TEXTS.predictions(logits, split.labels)

    def exhibits(self, logits: Tensor, split: Grouped) -> list[Exhibit]:
        """Return what the report shows beside numbers: how often each true class was taken for each."""
        return TEXTS.exhibits(logits, split.labels)


def asked(logits: Tensor, targets: Tensor) -> Tensor:
    """Return logits (N, K) in which the classes of tasks that are not asked are never the answer."""
    number = torch.arange(logits.shape[1], device=logits.device)
    inside = (number >= targets[:, 1:2]) & (number < targets[:, 2:3])
    return logits.masked_fill(~inside, NEVER)


TASK: Task[Grouped, Tensor] = MultiTaskClassification(
    signature="texts of several tasks -> classes",
    provides=("shape", "vocabulary", "num_classes"),
    controls=("majority",),
)
