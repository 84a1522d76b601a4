"""A task, small networks and a training run, for tests of training."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from assay.config.training import TrainerParams
from assay.data.splits import Split
from assay.tasks.metric import Metric
from assay.tasks.protocol import SmoothsLabels
from assay.training.supervised import train
from tests.training.plain_training import PARAMS

CPU = TrainerParams(accelerator="cpu", devices=1, num_nodes=1, strategy="auto", precision="32-true")
TWO = CPU.model_copy(update={"devices": 2, "strategy": "ddp_fork"})


class Classify(SmoothsLabels):
    watched = Metric("accuracy", "maximise")

    def smoothed_loss(self, logits, targets, label_smoothing):
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)

    def metric_state(self, logits, targets):
        correct = (logits.argmax(1) == targets).sum()
        return torch.stack(
            [F.cross_entropy(logits, targets, reduction="sum"), correct, correct.new_tensor(len(targets))]
        )

    def compute_watched(self, sums):
        return (sums[0] / sums[2]).item(), (sums[1] / sums[2]).item()


class Interruption(BaseException):
    """Like a kill, it is not an error that any code handles."""


class KilledAfter(Classify):
    """Raises in the validation after the given number of epochs."""

    def __init__(self, epochs):
        self.left = epochs

    def compute_watched(self, sums):
        if self.left == 0:
            raise Interruption
        self.left -= 1
        return super().compute_watched(sums)


def digits(num_train=200, num_validation=80):
    scans = load_digits()
    inputs = torch.tensor(scans.images, dtype=torch.float32)[:, None] / 8 - 1  # (N, 1, 8, 8)
    targets = torch.tensor(scans.target)
    validation = slice(num_train, num_train + num_validation)
    return (
        Split(inputs[:num_train], targets[:num_train], np.arange(num_train)),
        Split(inputs[validation], targets[validation], np.arange(num_validation)),
    )


def perceptron(dropout=0.0):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 10))


def convolutional():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(128, 10),
    )


def noise(batch, generator):
    return batch + 0.1 * torch.randn(batch.shape, generator=generator).to(batch.device)


def learn(
    folder, model, *, params=PARAMS, trainer=CPU, task=None, splits=None, augment=None, seed=1, **changes
):
    params = params.model_copy(update=changes)
    return train(
        model,
        task or Classify(),
        *(splits or digits()),
        params=params,
        trainer=trainer,
        seed=seed,
        threads=1,
        augment=augment,
        folder=folder,
    )


def assert_equal(model, other):
    for name, value in other.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
