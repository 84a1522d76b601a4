"""Fitting classical models."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from assay.data.splits import Split
from assay.training.estimator import fit

TRAIN = Split(torch.arange(12.0).reshape(3, 1, 2, 2), torch.tensor([0, 1, 1]), np.arange(3))
WEIGHTED = replace(TRAIN, weights=torch.tensor([1.0, 2.0, 3.0]))


class Mean:
    def fit(self, images, targets):
        self.mean = images.mean()
        self.seen = (images.shape, images.dtype, targets.tolist(), targets.dtype)
        self.threads = {pool["num_threads"] for pool in threadpool_info()}


class Stepwise(Mean):
    def fit(self, images, targets):
        super().fit(images, targets)
        self.history = [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.25}]


def test_gives_numpy_arrays_and_one_thread():
    model = Mean()
    result = fit(model, TRAIN, threads=1)
    assert model.mean == 5.5
    assert model.seen == ((3, 1, 2, 2), np.float32, [0, 1, 1], np.int64)
    assert model.threads == {1}
    assert (result.history, result.best_epoch, result.epochs_run) == ([], 0, 0)
    assert result.seconds >= 0


def test_keeps_the_learning_curve_that_the_model_recorded():
    result = fit(Stepwise(), TRAIN, threads=1)
    assert [row["train_loss"] for row in result.history] == [0.5, 0.25]
    assert result.epochs_run == 2


class Weighted(Mean):
    def fit_weighted(self, images, targets, weights):
        self.fit(images, targets)
        self.weights = weights


def test_weights_are_passed_to_a_model_that_supports_them():
    model = Weighted()
    fit(model, WEIGHTED, threads=1)
    assert model.weights.tolist() == [1, 2, 3]
    fit(model, TRAIN, threads=1)
    assert model.mean == 5.5


def test_weights_are_refused_by_a_model_that_does_not():
    with pytest.raises(ValueError, match="Mean does not support item weights, but the data have them"):
        fit(Mean(), WEIGHTED, threads=1)
