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

from assay.artifacts.predictors import Predictor, finite_logits
from assay.data import loading
from assay.data.declarations import HasGroups
from assay.data.splits import Split
from assay.files import read_json
from assay.tasks import classification, text_classification
from assay.tasks.classification import PRIMARY, WATCHED, watched
from assay.tasks.text_classification import augmenter, model_arguments

__all__ = [
    "PRIMARY",
    "WATCHED",
    "answer",
    "augmenter",
    "exhibits",
    "limit",
    "load",
    "loss",
    "model_arguments",
]
__all__ += ["predictions", "score", "tally", "watched"]

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


def load(prepared: Path, splits: tuple[str, ...]) -> dict[str, Split]:
    """Read the named splits of a prepared dataset: token ids (N, T) int64, 0 after a text's end."""
    dataset = loading.load(read_json(prepared / "prepared.json")["dataset"])
    if not isinstance(dataset, HasGroups):
        raise ValueError(f"{prepared}: not a dataset of several tasks; its file names no groups of classes")
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
        for name, split in text_classification.load(prepared, splits).items()
    }


def limit(split: Grouped, count: int) -> Grouped:
    """Return about ``count`` items, the first of each class in the class's proportion; all if there are fewer."""
    numbered = replace(split.labels, inputs=torch.arange(len(split.targets)))
    return split.take(classification.limit(numbered, count).inputs)


def asked(logits: Tensor, targets: Tensor) -> Tensor:
    """Return logits (N, K) in which the classes of tasks that are not asked are never the answer."""
    number = torch.arange(logits.shape[1], device=logits.device)
    inside = (number >= targets[:, 1:2]) & (number < targets[:, 2:3])
    return logits.masked_fill(~inside, NEVER)


def loss(logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """Return the mean cross-entropy in nats among the classes of the task that is asked.

    Raises:
        ValueError: labels are to be smoothed, which would spread probability over the classes of other tasks.
    """
    if label_smoothing:
        raise ValueError(
            f"training.label_smoothing = {label_smoothing}: 0 alone is allowed with several tasks"
        )
    return classification.loss(asked(logits, targets), targets[:, 0], 0.0)


def tally(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the sums (3,) over items that ``watched`` reads."""
    return classification.tally(asked(logits, targets), targets[:, 0])


def answer(predictor: Predictor, split: Grouped) -> Tensor:
    """Return what a model says to the items of a split: logits (N, K)."""
    return asked(finite_logits(predictor, split.inputs, split.items), split.targets)


def score(logits: Tensor, split: Grouped) -> dict[str, float | None]:
    """Return every metric over all items, and the accuracy of each task."""
    right = (logits.argmax(dim=1) == split.targets[:, 0]).double()
    of_tasks: dict[str, float | None] = {
        f"accuracy_{name}": right[split.targets[:, 1] == first].mean().item()
        for name, first, _ in split.groups
    }
    return classification.score(logits, split.labels) | of_tasks


def exhibits(logits: Tensor, split: Grouped) -> dict[str, Any]:
    """Return what the report shows beside numbers: how often each true class was taken for each."""
    return classification.exhibits(logits, split.labels)


def predictions(logits: Tensor, split: Grouped) -> pd.DataFrame:
    """Return one row an item: its number, its class, the class predicted and that class's probability."""
    return classification.predictions(logits, split.labels)
