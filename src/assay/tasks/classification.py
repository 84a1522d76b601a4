# SPDX-License-Identifier: Apache-2.0
"""What tasks of classification share: loss, metrics, table of predictions. The answers are logits (N, K).

The primary metric is accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional import classification as metrics

from assay.artifacts.predictors import Predictor, finite_outputs
from assay.data.splits import Split
from assay.tasks.exhibits import ConfusionMatrix, Exhibit
from assay.tasks.metric import PrimaryMetric, SummedMetric, ratio
from assay.tasks.protocol import SmoothsLabels, WeighsItems


def right(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return of each prediction whether it is right, and that it is one: (N, 2)."""
    return np.stack([table["target"] == table["prediction"], np.ones(len(table), bool)], axis=1)


METRICS = {
    "accuracy": ("accuracy", "%"),
    "precision_macro": ("precision (macro)", "%"),
    "recall_macro": ("recall (macro)", "%"),
    "f1_macro": ("F1 (macro)", "%"),
    "auroc": ("AUROC", "%"),
    "calibration_error": ("calibration error", "%"),
    "cross_entropy": ("cross-entropy", ""),
}
"""How the report shows each metric: its label and unit, in reading order; shares with the unit % are shown times 100.

``{}`` stands for what differs between datasets, such as the name of a class."""
ACCURACY = SummedMetric("accuracy", "maximise", ("target", "prediction"), right, ratio, highest=1)
CALIBRATION_BINS = 15


class ClassificationObjective(SmoothsLabels):
    """Cross-entropy is lowered and accuracy is watched; the outputs are logits (N, K), the targets classes (N,)."""

    primary: PrimaryMetric = ACCURACY
    watched = ACCURACY

    def smoothed_loss(self, logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats."""
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)

    def metric_state(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (3,) over items: cross-entropy in nats, right answers, items."""
        surprise = F.cross_entropy(logits, targets, reduction="sum").double()
        right = (logits.argmax(1) == targets).sum().double()
        return torch.stack([surprise, right, torch.full_like(right, len(targets))])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean cross-entropy in nats and the accuracy from the sums (3,)."""
        surprise, right, items = sums.tolist()
        return surprise / items, right / items


class Classification(ClassificationObjective, WeighsItems):
    """One class an item; what the inputs are, each task says by ``load``."""

    def limit(self, split: Split, count: int) -> Split:
        """Return about ``count`` items, the first of each class in the class's proportion; all if there are fewer."""
        share = min(1.0, count / len(split.targets))
        rows = [
            torch.nonzero(split.targets == int(label)).flatten() for label in np.unique(split.targets.numpy())
        ]
        kept = (
            torch.cat([of_class[: max(1, round(share * len(of_class)))] for of_class in rows]).sort().values
        )
        return split.take(kept)

    def item_losses(self, logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the cross-entropy of each item in nats, (N,)."""
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none")

    def predict(self, predictor: Predictor, split: Split) -> Tensor:
        """Return a model's logits (N, K) for all items of a split."""
        return finite_outputs(predictor, split.inputs, split.items)

    def compute_metrics(self, logits: Tensor, split: Split) -> dict[str, float | None]:
        """Return every metric of (N, K) logits; None where the split's targets do not define one."""
        targets, num_classes = split.targets, logits.shape[1]
        logits = logits.double()
        probabilities = logits.softmax(1)
        predicted = logits.argmax(1)
        of_classes: dict[str, Callable[..., Tensor]] = {
            "precision_macro": metrics.multiclass_precision,
            "recall_macro": metrics.multiclass_recall,
            "f1_macro": metrics.multiclass_f1_score,
        }
        values = {"accuracy": (predicted == targets).double().mean().item()}
        for name, metric in of_classes.items():
            values[name] = metric(predicted, targets, num_classes, average="macro").item()
        values["auroc"] = _auroc(probabilities, targets)
        values["calibration_error"] = metrics.multiclass_calibration_error(
            probabilities, targets, num_classes, n_bins=CALIBRATION_BINS, norm="l1"
        ).item()
        values["cross_entropy"] = F.cross_entropy(logits, targets).item()
        return {name: value if math.isfinite(value) else None for name, value in values.items()}

    def predictions(self, logits: Tensor, split: Split) -> pd.DataFrame:
        """Return one row an item: its number, its class, the class predicted and that class's probability."""
        confidence, predicted = logits.double().softmax(1).max(1)
        return pd.DataFrame(
            {
                "item": split.items,
                "target": split.targets.numpy(),
                "prediction": predicted.numpy(),
                "confidence": confidence.numpy(),
            }
        )

    def exhibits(self, logits: Tensor, split: Split) -> list[Exhibit]:
        """Return what the report shows beside numbers: how often each true class (row) was taken for each (column)."""
        counts = metrics.multiclass_confusion_matrix(logits.argmax(1), split.targets, logits.shape[1])
        return [ConfusionMatrix([[int(count) for count in row] for row in counts])]


def _auroc(probabilities: Tensor, targets: Tensor) -> float:
    """Return the area under the ROC curve of each class against the rest, averaged over the classes that
    these targets hold; nan if they hold fewer than two."""
    present = targets.bincount(minlength=probabilities.shape[1]) > 0
    if present.sum() < 2:
        return math.nan
    areas = [
        metrics.binary_auroc(probabilities[:, number], (targets == number).long())
        for number in present.nonzero().flatten().tolist()
    ]
    return torch.stack(areas).mean().item()
