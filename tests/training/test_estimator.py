"""Fitting classical models."""

from types import SimpleNamespace

import numpy as np
import torch
from threadpoolctl import threadpool_info

from assay.training.estimator import fit

TRAIN = SimpleNamespace(inputs=torch.arange(12.0).reshape(3, 1, 2, 2), targets=torch.tensor([0, 1, 1]))


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


def test_keeps_the_learning_curve_that_the_model_kept():
    result = fit(Stepwise(), TRAIN, threads=1)
    assert [row["train_loss"] for row in result.history] == [0.5, 0.25]
    assert result.epochs_run == 2
