"""Metrics come from the task, each split is predicted once, and sizes are those of the file."""

import zlib

import numpy as np
import pytest
import torch

from assay.data.splits import Split
from assay.evaluation import scoring
from assay.tasks.image_classification import TASK


class Fixed:
    """A predictor whose logits are the first row of its inputs."""

    format = "skops"
    parameters = 0

    def __init__(self):
        self.batches = []

    def outputs(self, inputs, *, batch_size=256):
        self.batches.append((inputs.shape, batch_size))
        return inputs[:, 0, 0, :]


def split(rows, targets, first_item=0):
    inputs = torch.tensor(rows, dtype=torch.float32)[:, None, None, :]
    return Split(inputs, torch.tensor(targets), np.arange(len(targets)) + first_item)


VALIDATION = ([[5.0, 0.0], [0.0, 5.0]], [0, 1])
TEST = ([[3.0, 0.0], [0.0, 3.0], [2.0, 0.0], [0.0, 1.0]], [0, 1, 1, 1])


def test_each_split_has_its_metrics():
    predictor = Fixed()
    validation, test = split(*VALIDATION), split(*TEST, first_item=10)
    metrics, predictions = scoring.evaluate(predictor, TASK, validation, test)
    assert metrics["validation"]["accuracy"] == 1.0
    assert metrics["test"]["accuracy"] == 0.75
    assert metrics["test"] == TASK.compute_metrics(torch.tensor(TEST[0]), test)
    assert metrics["confusion"] == [[1, 0], [1, 2]]
    assert predictions["item"].tolist() == [10, 11, 12, 13]
    assert predictions["prediction"].tolist() == [0, 1, 0, 1]
    assert [shape[0] for shape, _ in predictor.batches] == [2, 4]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_logit_that_is_not_finite_names_its_split_and_item(value):
    broken = split([[0.0, 1.0], [value, 0.0], [1.0, value]], [0, 1, 0], first_item=40)
    with pytest.raises(
        ValueError, match="test: 2 of 3 items have outputs that are not finite, first item 41"
    ):
        scoring.evaluate(Fixed(), TASK, split(*VALIDATION), broken)


def test_size_is_of_the_file_as_it_is_and_compressed(tmp_path):
    data = b"weights" * 1000
    (tmp_path / "model.onnx").write_bytes(data)
    found = scoring.size(tmp_path, {"format": "onnx"})
    assert found == {"size_bytes": 7000, "compressed_bytes": len(zlib.compress(data, level=6))}
