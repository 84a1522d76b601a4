"""The score on validation items, of what can be trained."""

import numpy as np
import torch
from torch import nn

from assay.data.splits import Split
from assay.tasks.loading import load
from assay.training.validation import validation_score

TASK = load("image_classification")
INPUTS = torch.eye(4)[:, None, None, :]
SPLIT = Split(INPUTS, torch.tensor([0, 1, 2, 2]), np.arange(4))


class Estimator:
    def outputs(self, inputs):
        return inputs.reshape(len(inputs), -1)


def test_a_network_and_an_estimator_are_scored_alike():
    assert validation_score(TASK, nn.Flatten(), SPLIT, {}) == 0.75
    assert validation_score(TASK, Estimator(), SPLIT, {}) == 0.75


def test_the_length_of_items_changes_only_their_order():
    lengths = torch.tensor([3, 1, 2, 1])
    split = Split(INPUTS, torch.tensor([0, 1, 2, 2]), np.arange(4), lengths)
    assert validation_score(TASK, nn.Flatten(), split, {}) == 0.75
