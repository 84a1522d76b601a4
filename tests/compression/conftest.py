"""Scikit-learn's scans, and networks that have learned them for a moment."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn


@pytest.fixture(scope="session")
def digits():
    """Training and test halves of the scans: images (N, 1, 8, 8) float32 normalised, targets (N,) int64."""
    pixels, targets = load_digits(return_X_y=True)
    images = torch.from_numpy(((pixels - pixels.mean()) / pixels.std()).astype(np.float32)).view(-1, 1, 8, 8)
    labels = torch.from_numpy(targets.astype(np.int64))
    return (images[:900], labels[:900]), (images[900:], labels[900:])


@pytest.fixture(scope="session")
def learned(digits):
    """Return a function that trains a network on the training half, one to two seconds."""
    (images, targets), _ = digits

    def train(model):
        torch.manual_seed(0)
        optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(12):
            for batch in torch.randperm(len(images)).chunk(14):
                loss = nn.functional.cross_entropy(model.train()(images[batch]), targets[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model.eval()

    return train
