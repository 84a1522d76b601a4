"""Each metric of classes equals scikit-learn's or a value worked out by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from assay.tasks import classification_metrics as ours

RNG = np.random.default_rng(0)
TARGET, PREDICTION = RNG.integers(0, 4, 200), RNG.integers(0, 4, 200)
SCORE = RNG.normal(size=(200, 4)).round(1)  # with ties


@pytest.mark.parametrize(
    ("name", "expected", "options"),
    [
        ("balanced_accuracy", reference.balanced_accuracy_score, {}),
        ("macro_precision", reference.precision_score, {"average": "macro", "zero_division": 0}),
        ("macro_recall", reference.recall_score, {"average": "macro"}),
        ("macro_f1", reference.f1_score, {"average": "macro"}),
    ],
)
@pytest.mark.parametrize("absent", [None, 3])
def test_averages_over_classes_equal_scikit_learns(name, expected, options, absent):
    prediction = np.where(absent == PREDICTION, 0, PREDICTION)
    value = getattr(ours, name)(TARGET, prediction)
    assert value == pytest.approx(expected(TARGET, prediction, **options))


def test_a_class_that_is_only_predicted_counts_in_macro_recall_but_not_in_balanced_accuracy():
    target, prediction = np.array([0, 0, 1]), np.array([0, 2, 1])
    assert ours.balanced_accuracy(target, prediction) == (0.5 + 1) / 2
    assert ours.macro_recall(target, prediction) == (0.5 + 1 + 0) / 3
    assert ours.macro_precision(target, prediction) == (1 + 1 + 0) / 3


def test_the_area_of_two_classes_equals_scikit_learns():
    target = (TARGET > 1).astype(np.int64)
    assert ours.auroc(target, SCORE[:, 0]) == pytest.approx(reference.roc_auc_score(target, SCORE[:, 0]))


def test_the_area_of_more_classes_is_the_mean_over_those_present():
    score = np.empty(200, object)
    score[:] = list(SCORE)
    for target in (TARGET, np.where(TARGET == 2, 0, TARGET)):
        areas = [reference.roc_auc_score(target == each, SCORE[:, each]) for each in np.unique(target)]
        assert ours.auroc(target, score) == pytest.approx(np.mean(areas))


def test_the_area_of_one_class_is_undefined():
    assert math.isnan(ours.auroc(np.zeros(3, np.int64), np.arange(3.0)))


def test_the_calibration_error_by_hand():
    confidence = np.array([0.81, 0.81, 0.81, 0.81, 1.0])
    target, prediction = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 1])
    assert ours.calibration_error(target, prediction, confidence) == pytest.approx(4 / 5 * 0.06)
