"""Classification metrics, compared with scikit-learn and with hand-worked cases."""

import json
import math

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch.nn import functional as F

from assay.data.splits import Split
from assay.tasks.exhibits import ConfusionMatrix
from assay.tasks.image_classification import TASK


def split(targets, items=()):
    """Return a split with these targets; its inputs do not matter here."""
    return Split(torch.zeros(len(targets)), targets, np.array(items or range(len(targets))))


@pytest.fixture
def some_logits():
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 4, (300,), generator=generator)
    logits = torch.randn(300, 4, generator=generator) + 1.5 * F.one_hot(targets, 4)
    return logits, targets


def test_all_metrics_equal_scikit_learns(some_logits):
    logits, targets = some_logits
    probabilities, predicted = logits.softmax(1).double().numpy(), logits.argmax(1).numpy()
    macro = {"average": "macro"}
    expected = {
        "accuracy": metrics.accuracy_score(targets, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(targets, predicted),
        "macro_precision": metrics.precision_score(targets, predicted, **macro),
        "macro_recall": metrics.recall_score(targets, predicted, **macro),
        "macro_f1": metrics.f1_score(targets, predicted, **macro),
        "cross_entropy": metrics.log_loss(targets, probabilities / probabilities.sum(1, keepdims=True)),
        "auroc": metrics.roc_auc_score(
            targets, probabilities / probabilities.sum(1, keepdims=True), multi_class="ovr", average="macro"
        ),
        "calibration_error": _calibration_error(probabilities, targets.numpy()),
    }
    assert TASK.compute_metrics(logits, split(targets)) == pytest.approx(expected, abs=1e-5)


def _calibration_error(probabilities, targets, bins=15):
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == targets
    error = 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    return error


def test_calibration_by_hand():
    logits = torch.tensor([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.8, 0.2]]).log()
    assert TASK.compute_metrics(logits, split(torch.tensor([0, 0, 0, 1])))[
        "calibration_error"
    ] == pytest.approx(0.05)


def test_logits_in_the_range_of_probabilities_are_still_logits():
    logits = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    expected = F.cross_entropy(logits, torch.tensor([0, 1])).item()
    scores = TASK.compute_metrics(logits, split(torch.tensor([0, 1])))
    assert scores["cross_entropy"] == pytest.approx(expected)
    assert scores["calibration_error"] == pytest.approx(1 - logits.softmax(1).max(1).values.mean().item())


def test_an_absent_class_does_not_count(some_logits):
    logits, targets = some_logits
    kept = targets != 2
    scores = TASK.compute_metrics(logits[kept], split(targets[kept]))
    probabilities = logits[kept].softmax(1).double()
    areas = [metrics.roc_auc_score(targets[kept] == number, probabilities[:, number]) for number in (0, 1, 3)]
    assert scores["auroc"] == pytest.approx(np.mean(areas))


def test_an_undefined_metric_is_none():
    scores = TASK.compute_metrics(torch.tensor([[0.0, -math.inf], [1.0, 0.0]]), split(torch.tensor([1, 1])))
    assert scores["auroc"] is None
    assert scores["cross_entropy"] is None
    json.dumps(scores, allow_nan=False)


def test_confusion_has_true_classes_in_rows(some_logits):
    logits, targets = some_logits
    expected = metrics.confusion_matrix(targets, logits.argmax(1)).tolist()
    assert TASK.exhibits(logits, split(targets)) == [ConfusionMatrix(expected)]


def test_predictions_have_one_row_per_item():
    logits = torch.tensor([[0.0, math.log(3)], [math.log(9), 0.0]])
    table = TASK.predictions(logits, split(torch.tensor([1, 1]), items=[7, 3]))
    assert table.to_dict("list") == {
        "item": [7, 3],
        "target": [1, 1],
        "prediction": [1, 0],
        "confidence": pytest.approx([0.75, 0.9]),
    }


def test_the_watched_metric_is_summed_over_batches(some_logits):
    logits, targets = some_logits
    sums = [TASK.metric_state(*part) for part in zip(logits.split(128), targets.split(128), strict=True)]
    loss, accuracy = TASK.compute_watched(torch.stack(sums).sum(dim=0))
    assert loss == pytest.approx(F.cross_entropy(logits, targets).item())
    assert accuracy == metrics.accuracy_score(targets, logits.argmax(1))
