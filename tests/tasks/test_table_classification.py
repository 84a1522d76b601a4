"""AUROC equals scikit-learn's, and is undefined if a class is missing."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from assay.data.splits import Split
from assay.files import write_json
from assay.tasks.classification_metrics import auroc
from assay.tasks.table_classification import TASK

TARGETS = torch.tensor([0, 1, 1, 0, 1, 0])
LOGITS = torch.tensor([[2.0, 0.0], [0.5, 1.0], [1.0, 0.9], [0.0, 0.0], [0.0, 3.0], [1.0, 1.5]])
SPLIT = Split(torch.zeros(6, 2), TARGETS, np.arange(6))


def test_the_area_equals_scikit_learns():
    expected = roc_auc_score(TARGETS, LOGITS.softmax(1)[:, 1])
    assert TASK.compute_metrics(LOGITS, SPLIT)["auroc"] == pytest.approx(expected)
    table = TASK.predictions(LOGITS, SPLIT)
    assert TASK.primary.value(TASK.primary.arrays(table)) == pytest.approx(expected)


def test_the_area_of_a_single_class_is_undefined():
    only = SPLIT.take(torch.tensor([0, 3]))
    assert TASK.compute_metrics(LOGITS[[0, 3]], only)["auroc"] is None
    assert np.isnan(auroc(np.zeros(3), np.arange(3)))


def test_tables_of_more_classes_are_refused(tmp_path):
    write_json(tmp_path / "prepared.json", {"classes": ["a", "b", "c"]})
    with pytest.raises(ValueError, match="3 classes; AUROC needs two"):
        TASK.load(tmp_path, ("test",))
