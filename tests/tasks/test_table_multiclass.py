"""Rows of any number of classes; the metrics are those of classification."""

import numpy as np
import pytest
import torch

from assay.data.preparation import tables
from assay.data.preparation.tables import TableSet
from assay.files import write_json
from assay.tasks.table_multiclass import TASK

CLASSES = ("a", "b", "c")


def test_classes_and_features_are_those_of_the_table(tmp_path):
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(90, 2)), np.arange(90) % 3
    table = TableSet.of_numbers(features, labels, ("x", "y"), CLASSES)
    tables.prepare(table, tmp_path, dataset="made", seed=0, validation_fraction=0.2, test_fraction=0.2)
    split = TASK.load(tmp_path, ("test",))["test"]
    assert TASK.model_arguments(tmp_path) == {"shape": (2,), "num_classes": 3}
    np.testing.assert_array_equal(split.targets, labels[split.items])
    logits = torch.eye(3)[split.targets]
    logits[0] = -logits[0]
    metrics = TASK.compute_metrics(logits, split)
    assert metrics["accuracy"] == pytest.approx(1 - 1 / len(split.items))
    assert TASK.primary.name == "accuracy"


def test_numbers_to_predict_are_refused(tmp_path):
    write_json(tmp_path / "prepared.json", {"classes": []})
    with pytest.raises(ValueError, match="its targets are numbers; use table_regression"):
        TASK.load(tmp_path, ("test",))
