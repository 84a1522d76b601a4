# SPDX-License-Identifier: Apache-2.0
"""Loss, metrics and table of predictions of the classification tasks. The predictions are logits (N, K).

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


def correct(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether each prediction is correct, and ones: (N, 2)."""
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
"""How the report shows each metric: its label and unit, in order; shares with the unit % are multiplied by 100.

``{}`` is a placeholder for a part that depends on the dataset, such as the name of a class."""
ACCURACY = SummedMetric("accuracy", "maximise", ("target", "prediction"), correct, ratio, highest=1)
CALIBRATION_BINS = 15


class ClassificationObjective(SmoothsLabels):
    """Minimises cross-entropy and watches accuracy; the outputs are logits (N, K), the targets classes (N,)."""

    primary: PrimaryMetric = ACCURACY
    watched = ACCURACY

    def smoothed_loss(self, logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats."""
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)

    def metric_state(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (3,) over items: cross-entropy in nats, correct predictions, items."""
        nats = F.cross_entropy(logits, targets, reduction="sum").double()
        correct = (logits.argmax(1) == targets).sum().double()
        return torch.stack([nats, correct, torch.full_like(correct, len(targets))])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean cross-entropy in nats and the accuracy from the sums (3,)."""
        nats, correct, items = sums.tolist()
        return nats / items, correct / items


class Classification(ClassificationObjective, WeighsItems):
    """One class per item; each task defines its inputs in ``load``."""

    def limit(self, split: Split, count: int) -> Split:
        """Return about ``count`` items, the first of each class in proportion to the class; all if there are fewer."""
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
        """Return all metrics of (N, K) logits; None for a metric that is undefined on the split."""
        targets, num_classes = split.targets, logits.shape[1]
        logits = logits.double()
        probabilities = logits.softmax(1)
        predicted = logits.argmax(1)
        macro_averages: dict[str, Callable[..., Tensor]] = {
            "precision_macro": metrics.multiclass_precision,
            "recall_macro": metrics.multiclass_recall,
            "f1_macro": metrics.multiclass_f1_score,
        }
        values = {"accuracy": (predicted == targets).double().mean().item()}
        for name, metric in macro_averages.items():
            values[name] = metric(predicted, targets, num_classes, average="macro").item()
        values["auroc"] = _auroc(probabilities, targets)
        values["calibration_error"] = metrics.multiclass_calibration_error(
            probabilities, targets, num_classes, n_bins=CALIBRATION_BINS, norm="l1"
        ).item()
        values["cross_entropy"] = F.cross_entropy(logits, targets).item()
        return {name: value if math.isfinite(value) else None for name, value in values.items()}

    def predictions(self, logits: Tensor, split: Split) -> pd.DataFrame:
        """Return one row per item: its number, its class, the predicted class and its probability."""
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
        """Return the confusion matrix: true classes in rows, predicted classes in columns."""
        counts = metrics.multiclass_confusion_matrix(logits.argmax(1), split.targets, logits.shape[1])
        return [ConfusionMatrix([[int(count) for count in row] for row in counts])]


def _auroc(probabilities: Tensor, targets: Tensor) -> float:
    """Return the area under the ROC curve of each class against the rest, averaged over the classes in
    these targets; nan if there are fewer than two."""
    present = targets.bincount(minlength=probabilities.shape[1]) > 0
    if present.sum() < 2:
        return math.nan
    areas = [
        metrics.binary_auroc(probabilities[:, number], (targets == number).long())
        for number in present.nonzero().flatten().tolist()
    ]
    return torch.stack(areas).mean().item()
