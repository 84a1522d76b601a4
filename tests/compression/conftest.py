"""Scikit-learn's scans, and networks that have learned them for a moment; texts, and networks that read them."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from assay import catalogue

TEXT_ROWS = {
    "bag_of_embeddings": ("bag_of_embeddings", {"width": 16}),
    "text_cnn": ("text_cnn", {"width": 16, "kernels": [2, 3], "filters": 16, "vectors": "tuned"}),
    **{
        cell: (
            "text_recurrent",
            {
                "width": 16,
                "cell": cell,
                "bidirectional": cell != "gru",
                "hidden": 12,
                "layers": 1,
                "length": 10,
                "vectors": "tuned",
            },
        )
        for cell in ("tanh", "gru", "lstm")
    },
    "text_transformer": ("text_transformer", {"width": 16, "depth": 1, "heads": 2, "length": 10}),
}


def make_text(row, **changed):
    """Return a network that reads texts (N, 12) of 400 ids in 4 classes."""
    torch.manual_seed(0)
    name, knobs = TEXT_ROWS[row]
    knobs = {"words": 400, "dropout": 0.0, **knobs, **changed}
    return catalogue.load(catalogue.MODELS[name].target)(vocabulary=400, num_classes=4, **knobs).eval()


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


@pytest.fixture(scope="session")
def texts():
    """1,000 texts (N, 12) of 400 ids, 0 after their ends, and targets (N,): one word, twice, names the class."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 4, (1000,), generator=generator)
    ids = torch.randint(1, 400, (1000, 12), generator=generator)
    ids = ids * (torch.arange(12) < torch.randint(6, 13, (1000, 1), generator=generator))
    for first in (0, 3):
        ids[torch.arange(1000), first + torch.randint(0, 3, (1000,), generator=generator)] = 10 + targets
    return ids, targets
