# SPDX-License-Identifier: Apache-2.0
"""Loss, metrics and table of predictions of the classification tasks. The predictions are logits (N, K).

The primary metric is accuracy.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional import classification as metrics

from assay.artifacts.predictors import Predictor, finite_outputs
from assay.data.splits import Split
from assay.tasks.classification_metrics import ACCURACY, OF_CLASSES, OF_PROBABILITIES
from assay.tasks.exhibits import ConfusionMatrix, Exhibit
from assay.tasks.metric import scores
from assay.tasks.protocol import Declaration, ScoresValidation, SmoothsLabels, WeighsItems

COLUMNS = ["item", "target", "prediction", "confidence"]
"""The columns of every table of predictions; it also has those that the primary metric reads."""


class ClassificationObjective(SmoothsLabels):
    """Minimises cross-entropy and watches accuracy; the outputs are logits (N, K), the targets classes (N,)."""

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


class Classification(Declaration, ClassificationObjective, WeighsItems, ScoresValidation):
    """One class per item; each task defines its inputs in ``load``."""

    primary_metrics = (*OF_CLASSES, *OF_PROBABILITIES)

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
        return scores(self.primary_metrics, _table(logits, split))

    def predictions(self, logits: Tensor, split: Split) -> pd.DataFrame:
        """Return one row per item: its number, its class, the predicted class and its probability, and what the primary
        metric reads."""
        return _table(logits, split)[list(dict.fromkeys([*COLUMNS, *self.primary.columns]))]

    def exhibits(self, logits: Tensor, split: Split) -> list[Exhibit]:
        """Return the confusion matrix: true classes in rows, predicted classes in columns."""
        counts = metrics.multiclass_confusion_matrix(logits.argmax(1), split.targets, logits.shape[1])
        return [ConfusionMatrix([[int(count) for count in row] for row in counts])]


def _table(logits: Tensor, split: Split) -> pd.DataFrame:
    """Return the columns of every metric: also ``cross_entropy`` and ``score`` in nats.

    ``score`` is the log-odds of the second of two classes; of more classes, the log-probability of each, (K,).
    """
    logits = logits.double()
    confidence, predicted = logits.softmax(1).max(1)
    two = logits.shape[1] == 2
    score = (logits[:, 1] - logits[:, 0]) if two else logits.log_softmax(1)
    return pd.DataFrame(
        {
            "item": split.items,
            "target": split.targets.numpy(),
            "prediction": predicted.numpy(),
            "confidence": confidence.numpy(),
            "score": score.numpy() if two else list(score.numpy()),
            "cross_entropy": F.cross_entropy(logits, split.targets, reduction="none").numpy(),
        }
    )
