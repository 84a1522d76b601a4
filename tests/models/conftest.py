"""The models by name, and real scans for them to learn."""

import importlib
import inspect

import numpy as np
import pytest
from sklearn.datasets import load_digits

from assay.config import registry


@pytest.fixture
def model_class():
    """Return the one class of a model's file that makes the model: the last that it defines."""

    def find(name):
        module = importlib.import_module(registry.MODELS[name].target.partition(":")[0])
        own = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
        return max(own, key=lambda c: inspect.getsourcelines(c)[1])

    return find


@pytest.fixture(scope="session")
def digits():
    """1,797 scans (N, 1, 8, 8) float32 with mean 0 and deviation 1, and their digits (N,) int64."""
    pixels, targets = load_digits(return_X_y=True)
    pixels = (pixels - pixels.mean()) / pixels.std()
    return pixels.reshape(-1, 1, 8, 8).astype(np.float32), targets.astype(np.int64)


@pytest.fixture(scope="session")
def texts():
    """300 texts (N, 20) of 60 ids, 0 after their ends, and targets (N,): a class's words are likelier in it."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, 300)
    common, typical = rng.integers(1, 60, (300, 20)), 2 + 5 * targets[:, None] + rng.integers(0, 5, (300, 20))
    ids = np.where(rng.random((300, 20)) < 0.5, common, typical)
    ids[np.arange(20) >= rng.integers(6, 21, (300, 1))] = 0
    return ids, targets
