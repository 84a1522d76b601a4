"""Two tasks at once: each item is scored among its own task's classes."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from torch.nn import functional as F

from assay.tasks.multi_task_classification import TASK

BOUNDS = torch.tensor([[0, 0, 2], [1, 0, 2], [2, 2, 6], [5, 2, 6]])  # targets of the items below
LOGITS = torch.tensor([[1.0, 0, 9, 9, 9, 9], [0, 2, 9, 9, 9, 9], [9, 9, 0, 3, 0, 0], [9, 9, 0, 0, 0, 1]])


@pytest.fixture
def prepared(tmp_path):
    tokens = np.array([[3, 4, 0], [4, 0, 0], [5, 6, 7], [5, 5, 0]], dtype=np.int32)
    save_file({"tokens": tokens, "labels": np.array([0, 1, 2, 5])}, tmp_path / "arrays.safetensors")
    pd.DataFrame({"item": [0, 1, 2, 4], "split": ["test"] * 4}).to_parquet(tmp_path / "items.parquet")
    facts = {"dataset": "reviews_and_news_twin", "classes": list("abcdef"), "shape": [3], "vocabulary": 8}
    (tmp_path / "prepared.json").write_text(json.dumps(facts))
    return tmp_path


def test_targets_hold_the_class_and_the_bounds_of_its_task(prepared):
    split = TASK.load(prepared, ("test",))["test"]
    assert torch.equal(split.targets, BOUNDS)
    assert split.groups == (("movie_reviews", 0, 2), ("ag_news", 2, 6))
    assert TASK.model_arguments(prepared)["num_classes"] == 6


def test_the_loss_is_that_of_each_separate_task():
    alone = [
        F.cross_entropy(LOGITS[:2, :2], BOUNDS[:2, 0]),
        F.cross_entropy(LOGITS[2:, 2:], BOUNDS[2:, 0] - 2),
    ]
    torch.testing.assert_close(TASK.loss(LOGITS, BOUNDS), sum(alone) / 2)
    loss, accuracy = TASK.compute_watched(TASK.metric_state(LOGITS, BOUNDS))
    assert loss == pytest.approx((sum(alone) / 2).item())
    assert accuracy == 0.75


def test_no_gradient_reaches_the_other_tasks_classes():
    logits = LOGITS.clone().requires_grad_()
    TASK.loss(logits, BOUNDS).backward()
    assert not logits.grad[:2, 2:].any()
    assert not logits.grad[2:, :2].any()


def test_accuracy_is_computed_per_task(prepared):
    class Says:
        def outputs(self, inputs):
            assert len(inputs) == 4
            return LOGITS.numpy()

    split = TASK.load(prepared, ("test",))["test"]
    answer = TASK.predict(Says(), split)
    scores = TASK.compute_metrics(answer, split)
    assert (scores["accuracy"], scores["accuracy_movie_reviews"], scores["accuracy_ag_news"]) == (
        0.75,
        1.0,
        0.5,
    )
    assert TASK.predictions(answer, split)["prediction"].tolist() == [0, 1, 3, 5]
    assert np.sum(TASK.exhibits(answer, split)[0].counts) == 4


def test_a_part_of_the_items_keeps_every_class(prepared):
    split = TASK.load(prepared, ("test",))["test"]
    assert sorted(TASK.limit(split, 4).targets[:, 0].tolist()) == [0, 1, 2, 5]
    assert TASK.limit(split, 4).groups == split.groups


def test_smoothed_labels_are_refused():
    with pytest.raises(ValueError, match=r"label_smoothing = 0\.1: only 0 is allowed"):
        TASK.smoothed_loss(LOGITS, BOUNDS, 0.1)
