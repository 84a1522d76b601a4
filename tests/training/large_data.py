"""A prepared dataset of images of any size, written block by block, and a job that trains on it.

Run as a program: python -m tests.training.large_data FOLDER LIMIT_BYTES
It trains one epoch and scores the model with no more data than the limit, and prints its largest anonymous memory.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from assay.data.splits import Split

SHAPE = (1, 28, 28)
CLASSES = 10
BLOCK = 4096
EVERY = 50
"""One of this many items is in validation and one in test."""


def write(folder: Path, num_bytes: int) -> int:
    """Write a prepared dataset with about this many bytes of pixels; return the number of its items.

    The brightest of ten rows of pixels is the class, so that there is something to learn.
    """
    pixels = int(np.prod(SHAPE))
    count = num_bytes // pixels
    labels = np.arange(count) % CLASSES
    rng = np.random.default_rng(0)
    block = rng.integers(0, 200, (BLOCK - BLOCK % CLASSES, *SHAPE), dtype=np.uint8)
    block[np.arange(len(block)), 0, labels[: len(block)]] += 55
    header = {
        "labels": {"dtype": "I64", "shape": [count], "data_offsets": [0, 8 * count]},
        "images": {
            "dtype": "U8",
            "shape": [count, *SHAPE],
            "data_offsets": [8 * count, (8 + pixels) * count],
        },
    }
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "arrays.safetensors").open("wb") as file:
        file.write(len(words).to_bytes(8, "little") + words)
        file.write(labels.astype(np.int64).tobytes())
        for first in range(0, count, len(block)):
            file.write(block[: count - first].tobytes())
    split = np.full(count, "train", object)
    split[::EVERY], split[1::EVERY] = "validation", "test"
    table = pa.table({"item": np.arange(count), "split": split, "label": labels})
    pq.write_table(table, folder / "items.parquet", row_group_size=2**16)
    facts = {
        "dataset": "mnist",
        "classes": [str(label) for label in range(CLASSES)],
        "shape": list(SHAPE),
        "mean": 0.42,
        "std": 0.23,
    }
    (folder / "prepared.json").write_text(json.dumps(facts))
    return count


def learn(prepared: Path, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Train a small network for an epoch; return it, and its scores on validation and test."""
    import torch
    from torch import nn

    from assay.artifacts.predictors import ModulePredictor
    from assay.evaluation import scoring
    from assay.tasks import loading

    task = loading.load("image_classification")
    splits = task.load(prepared, ("train", "validation", "test"))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(SHAPE)), CLASSES))
    train_an_epoch(model, splits, folder)
    artifact = {"format": "safetensors", "parameters": 0, "arguments": {}}
    metrics, _ = scoring.evaluate(
        ModulePredictor(model, artifact), task, splits["validation"], splits["test"]
    )
    return model, metrics


def train_an_epoch(model: nn.Module, splits: Mapping[str, Split], folder: Path) -> None:
    """Train a network in place for one epoch of the training items, validation included."""
    from assay.tasks import loading
    from assay.training import supervised
    from tests.training.learning import CPU
    from tests.training.plain_training import PARAMS

    supervised.train(
        model,
        loading.load("image_classification"),
        splits["train"],
        splits["validation"],
        params=PARAMS.model_copy(update={"epochs": 1, "batch_size": 256}),
        trainer=CPU,
        seed=0,
        threads=1,
        augment=None,
        folder=folder,
    )


def anonymous_bytes() -> int:
    """Return this process's anonymous resident memory: the memory that is not backed by a file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def main(folder: Path, limit: int) -> None:
    """Train under a limit; print the largest anonymous memory, and the accuracy on test, as JSON."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    peak = 0

    def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, anonymous_bytes())
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()
    _, metrics = learn(folder, folder)
    print(json.dumps({"peak": peak, "accuracy": metrics["test"]["accuracy"]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
