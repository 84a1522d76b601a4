# SPDX-License-Identifier: Apache-2.0
"""The metrics of classification, each computed from the table of predictions. Classes are numbers from 0 to K - 1."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from assay.tasks.metric import PrimaryMetric, RecomputedMetric, SummedMetric, averaged, ratio

METRICS = {
    "accuracy": ("accuracy", "%"),
    "balanced_accuracy": ("balanced accuracy", "%"),
    "macro_precision": ("precision (macro)", "%"),
    "macro_recall": ("recall (macro)", "%"),
    "macro_f1": ("F1 (macro)", "%"),
    "auroc": ("AUROC", "%"),
    "calibration_error": ("calibration error", "%"),
    "cross_entropy": ("cross-entropy", ""),
}
"""How the report shows each metric: its label and unit, in order; shares with the unit % are multiplied by 100.

``{}`` is a placeholder for a part that depends on the dataset, such as the name of a class."""
CALIBRATION_BINS = 15
Classes = NDArray[np.int64]


def correct(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether each prediction is correct, and ones: (N, 2)."""
    return np.stack([table["target"] == table["prediction"], np.ones(len(table), bool)], axis=1)


def balanced_accuracy(target: Classes, prediction: Classes) -> float:
    """Return the recall averaged over the classes in ``target``."""
    found, true, _ = _counts(target, prediction)
    return float((found / np.maximum(true, 1))[true > 0].mean())


def macro_precision(target: Classes, prediction: Classes) -> float:
    """Return the precision averaged over the classes that are true or predicted; 0 for one that is not predicted."""
    found, true, predicted = _counts(target, prediction)
    return float((found / np.maximum(predicted, 1))[true + predicted > 0].mean())


def macro_recall(target: Classes, prediction: Classes) -> float:
    """Return the recall averaged over the classes that are true or predicted; 0 for one that is not true."""
    found, true, predicted = _counts(target, prediction)
    return float((found / np.maximum(true, 1))[true + predicted > 0].mean())


def macro_f1(target: Classes, prediction: Classes) -> float:
    """Return the F1 averaged over the classes that are true or predicted."""
    found, true, predicted = _counts(target, prediction)
    return float((2 * found / np.maximum(true + predicted, 1))[true + predicted > 0].mean())


def auroc(target: Classes, score: NDArray[np.float64] | NDArray[np.object_]) -> float:
    """Return the area under the ROC curve; nan if fewer than two classes are present.

    Args:
        score: (N,) of class 1 against class 0; or for more classes (N,) arrays (K,), each class against the rest. Their
            areas are averaged over the classes in ``target``.
    """
    if len(present := np.unique(target)) < 2:
        return math.nan
    if score.dtype == object:
        of_class, classes = np.stack(list(score))[:, present], present  # (N, C), (C,)
    else:
        of_class, classes = score[:, None], np.ones(1, np.int64)
    positive: NDArray[np.bool_] = target[:, None] == classes
    number = positive.sum(axis=0)
    above = (rankdata(of_class, axis=0) * positive).sum(axis=0) - number * (number + 1) / 2
    return float((above / (number * (len(target) - number))).mean())


def calibration_error(target: Classes, prediction: Classes, confidence: NDArray[np.float64]) -> float:
    """Return the expected calibration error: |accuracy - mean confidence| of bins of equal width, weighted by items.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599.
    """
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return float(np.abs(np.bincount(bins, (target == prediction) - confidence)).sum() / len(target))


def _counts(target: Classes, prediction: Classes) -> tuple[Classes, Classes, Classes]:
    """Return how often each class is found, true and predicted, (K,) each."""
    size = 1 + max(target.max(), prediction.max())
    found, true, predicted = (
        np.bincount(each, minlength=size) for each in (target[target == prediction], target, prediction)
    )
    return found, true, predicted


_CLASSES = ("target", "prediction")
ACCURACY = SummedMetric("accuracy", "maximise", _CLASSES, correct, ratio, highest=1)
OF_CLASSES: tuple[PrimaryMetric, ...] = (
    ACCURACY,
    RecomputedMetric("balanced_accuracy", "maximise", _CLASSES, balanced_accuracy, highest=1),
    RecomputedMetric("macro_precision", "maximise", _CLASSES, macro_precision, highest=1),
    RecomputedMetric("macro_recall", "maximise", _CLASSES, macro_recall, highest=1),
    RecomputedMetric("macro_f1", "maximise", _CLASSES, macro_f1, highest=1),
)
"""Those computed from the true and the predicted classes alone."""
OF_PROBABILITIES: tuple[PrimaryMetric, ...] = (
    RecomputedMetric("auroc", "maximise", ("target", "score"), auroc, highest=1),
    RecomputedMetric(
        "calibration_error", "minimise", (*_CLASSES, "confidence"), calibration_error, highest=1
    ),
    SummedMetric("cross_entropy", "minimise", ("cross_entropy",), averaged("cross_entropy"), ratio),
)
"""Those that read further columns."""
