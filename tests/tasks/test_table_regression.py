"""Errors are in the target's own unit, although models are trained on standardised targets."""

import numpy as np
import pytest
import torch
from sklearn import metrics

from assay.data import loading
from assay.tasks.protocol import training_loss
from assay.tasks.table_regression import TASK, Numbers

TARGETS = np.array([100.0, 150.0, 250.0, 90.0])
SAID = np.array([120.0, 140.0, 200.0, 90.0])
SPLIT = Numbers(
    torch.zeros(4, 2),
    torch.tensor((TARGETS - 150) / 70, dtype=torch.float32)[:, None],
    np.arange(4),
    mean=150.0,
    deviation=70.0,
)
ANSWERS = torch.tensor((SAID - 150) / 70, dtype=torch.float32)[:, None]


def test_metrics_equal_scikit_learns():
    found = TASK.compute_metrics(ANSWERS, SPLIT)
    assert found == pytest.approx(
        {
            "rmse": metrics.root_mean_squared_error(TARGETS, SAID),
            "mae": metrics.mean_absolute_error(TARGETS, SAID),
            "r2": metrics.r2_score(TARGETS, SAID),
        }
    )


def test_r2_of_constant_targets_is_undefined():
    same = SPLIT.take(torch.tensor([0, 0]))
    assert TASK.compute_metrics(ANSWERS[:2], same)["r2"] is None


def test_the_watched_metric_is_the_standardised_error():
    sums = TASK.metric_state(ANSWERS[:3], SPLIT.targets[:3]) + TASK.metric_state(
        ANSWERS[3:], SPLIT.targets[3:]
    )
    loss, watched = TASK.compute_watched(sums)
    assert loss == pytest.approx(TASK.loss(ANSWERS, SPLIT.targets).item())
    assert watched == pytest.approx(metrics.root_mean_squared_error(TARGETS, SAID) / 70)


def test_there_are_no_labels_to_smooth():
    assert training_loss(TASK, 0.0)(ANSWERS, SPLIT.targets) == TASK.loss(ANSWERS, SPLIT.targets)
    with pytest.raises(ValueError, match=r"training\.label_smoothing = 0\.1: only 0 is allowed"):
        training_loss(TASK, 0.1)


def test_inputs_and_targets_of_training_have_mean_0_and_deviation_1(tmp_path):
    dataset = loading.load("diabetes")
    dataset.make_twin(tmp_path / "raw", 0)
    dataset.prepare(tmp_path / "raw", tmp_path / "diabetes_twin", seed=0, validation_fraction=0.2)
    splits = TASK.load(tmp_path / "diabetes_twin", ("train", "test"))
    for part in (splits["train"].inputs, splits["train"].targets):
        torch.testing.assert_close(part.mean(dim=0), torch.zeros(part.shape[1]), atol=1e-5, rtol=0)
        torch.testing.assert_close(part.std(dim=0, correction=0), torch.ones(part.shape[1]))
    assert len(TASK.limit(splits["train"], 7).targets) == 7
    answers = splits["test"].targets
    table = TASK.predictions(answers, splits["test"])
    np.testing.assert_array_equal(table["target"], table["prediction"])
    assert table["target"].between(25, 346).all()
