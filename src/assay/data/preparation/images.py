# SPDX-License-Identifier: Apache-2.0
"""Preparation of labelled images: cleaning, splitting, facts per item, and the files for tasks.

Items are numbered in upstream's order, train before test, before any are dropped; this number identifies the
item in every later table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.preparation import store
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import StrategyName, TestPart, choose

_BATCH = 4096

SCHEMA = pa.schema(
    [
        ("item", pa.int64()),
        ("split", pa.string()),
        ("label", pa.int64()),
        ("channels", pa.int64()),
        ("height", pa.int64()),
        ("width", pa.int64()),
        ("minimum", pa.int64()),
        ("maximum", pa.int64()),
        ("mean", pa.float64()),
        ("sha256", pa.string()),
    ]
)


@dataclass(frozen=True)
class ImageSet:
    """A dataset in upstream's form."""

    images: NDArray[np.uint8]
    """(N, C, H, W), 0 to 255."""
    labels: NDArray[np.int64]
    """(N,), an index into ``classes``."""
    split: NDArray[np.str_]
    """(N,), upstream's split: ``train``, ``validation`` or ``test``, or ``""`` if upstream has none."""
    classes: tuple[str, ...]
    origins: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """(N,) each: the ``group`` and the ``time`` of each image, if they are known."""
    numbers: NDArray[np.int64] | None = None
    """(N,) the number of each image in upstream's file; None for its place, from 0."""

    def __len__(self) -> int:
        return len(self.labels)


def prepare(
    image_set: ImageSet,
    out: Path,
    *,
    dataset: str,
    seed: int,
    validation_fraction: float,
    test_fraction: TestPart,
    split_strategy: StrategyName = "stratified",
) -> dict[str, Any]:
    """Clean, split and describe ``image_set``; write arrays.safetensors, items.parquet and prepared.json.

    Row r of items.parquet describes image r of the arrays. Equal arguments give equal files.

    Args:
        validation_fraction: part of the items outside of test that goes to validation if upstream names no
            validation items, in (0, 1).
        test_fraction: part of all items that goes to test if upstream names no test items, in (0, 1).

    Returns:
        The contents of prepared.json.

    Raises:
        ValueError: a class has too few items for every split, or the items lack the strategy's fact.
    """
    store.begin(out)
    digests = _digest(image_set.images)
    kept, dropped = clean(
        digests, image_set.labels, image_set.split, noun="pixels", numbers=image_set.numbers
    )
    images, labels = image_set.images[kept], image_set.labels[kept]
    upstream = image_set.split[kept]
    origins = {fact: values[kept] for fact, values in image_set.origins.items()}
    strategy = choose(
        split_strategy,
        dataset=dataset,
        labels=labels,
        groups=origins.get("group"),
        times=origins.get("time"),
    )
    split = draw_split(upstream, strategy, seed, validation_fraction, test_fraction, dataset=dataset)
    store.write_arrays(out, {"images": np.ascontiguousarray(images), "labels": labels})
    store.write_items(
        out,
        store.with_origins(SCHEMA, origins),
        {
            "item": kept if image_set.numbers is None else image_set.numbers[kept],
            "split": split,
            **origins,
            "label": labels,
            **_facts(images),
            "sha256": digests[kept],
        },
    )
    mean, std = _measure(images[split == "train"])
    facts = {
        "dataset": dataset,
        "classes": list(image_set.classes),
        "shape": list(images.shape[1:]),
        "axes": ["channels", "height", "width"],
        "counts": {name: int((split == name).sum()) for name in SPLITS},
        "class_counts": {
            name: [int((labels[split == name] == label).sum()) for label in range(len(image_set.classes))]
            for name in SPLITS
        },
        "mean": mean,
        "std": std,
        "dropped": dropped,
    }
    return store.seal(out, facts, upstream=upstream, split=split, strategy=strategy.name)


def as_bytes(levels: NDArray[Any], most: int) -> NDArray[np.uint8]:
    """Return pixels, 0 to ``most``, as bytes, 0 to 255."""
    return np.rint(levels * (255 / most)).astype(np.uint8)


def _digest(images: NDArray[np.uint8]) -> NDArray[np.object_]:
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images], dtype=object)


def _measure(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and standard deviation of all pixels, scaled to [0, 1], from exact counts."""
    counts = np.zeros(256)
    for start in range(0, len(images), _BATCH):  # bincount needs eight bytes per pixel
        counts += np.bincount(images[start : start + _BATCH].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    return mean, float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))


def _facts(images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Return the facts of each image for validation."""
    sizes = dict(zip(("channels", "height", "width"), images.shape[1:], strict=True))
    flat = images.reshape(len(images), -1)
    return {
        **{name: np.full(len(images), size) for name, size in sizes.items()},
        "minimum": flat.min(axis=1).astype(np.int64),
        "maximum": flat.max(axis=1).astype(np.int64),
        "mean": flat.mean(axis=1),
    }
