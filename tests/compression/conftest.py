"""What methods are given: scikit-learn's scans, texts, and networks that have learned them for a moment."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from assay.artifacts import store
from assay.artifacts.formats import FORMATS
from assay.compression.context import CompressedModel, CompressionContext
from assay.config import registry
from assay.data.splits import Split
from assay.files import sha256, write_json
from assay.tasks.image_classification import TASK

TRAINING = {
    "optimizer": "adamw",
    "learning_rate": 3e-3,
    "momentum": 0.0,
    "weight_decay": 0.0,
    "schedule": "one_cycle",
    "warmup": 0.3,
    "batch_size": 50,
    "epochs": 10,
    "max_steps": 0,
    "label_smoothing": 0.0,
    "gradient_clip": 0.0,
    "augment": False,
    "patience": 0,
}
LIGHTNING = {
    "accelerator": "cpu",
    "devices": 1,
    "num_nodes": 1,
    "strategy": "auto",
    "precision": "32-true",
}


def context(
    model,
    inputs,
    targets=None,
    *,
    validation=None,
    task=TASK,
    folder=Path(),
    max_relative_drop=0.01,
    **record,
):
    """Return a model with training items and validation items (the same ones, if none are given)."""

    def split(inputs, targets):
        targets = torch.zeros(len(inputs), dtype=torch.int64) if targets is None else targets
        return Split(torch.as_tensor(inputs), targets, np.arange(len(inputs)))

    splits = {
        "train": split(inputs, targets),
        "validation": split(*(validation or (inputs, targets))),
    }
    record = {"format": "safetensors", "target": "", "arguments": {}, "parameters": 1, **record}
    cell = {"training": TRAINING, "lightning": LIGHTNING, "seed": 0}
    return CompressionContext(model, record, cell, task, splits, None, folder, max_relative_drop)


def written(made: CompressedModel, folder: Path, of: CompressionContext):
    """Write what a method left, and return it as it is read back."""
    form = FORMATS[made.format]
    form.write(folder / form.file, made.model)
    write_json(folder / "status.json", {"files": {form.file: sha256(folder / form.file)}})
    record = {**of.record, "format": made.format, "parameters": made.parameters, **made.facts}
    return store.load(folder, record)


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
    return registry.load(registry.MODELS[name].target)(vocabulary=400, num_classes=4, **knobs).eval()


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
