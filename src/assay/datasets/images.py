"""Labelled images: cleaned, split, described item by item, and written for the tasks to read.

Items are numbered in upstream's order, train before test, before anything is dropped; that number is the
item's name in every table that follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors.numpy import save_file

from assay.files import replacing, sha256, write_json

SPLITS = ("train", "validation", "test")
_SHOWN_ITEMS = 20
_BATCH = 4096

_SCHEMA = pa.schema(
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
    """A dataset as upstream gives it."""

    images: NDArray[np.uint8]
    """(N, C, H, W), 0 to 255."""
    labels: NDArray[np.int64]
    """(N,), an index into ``classes``."""
    split: NDArray[np.str_]
    """(N,), upstream's split: ``train`` or ``test``, or all ``""`` where upstream has none."""
    classes: tuple[str, ...]


def prepare(
    image_set: ImageSet,
    out: Path,
    *,
    dataset: str,
    seed: int,
    validation_fraction: float,
    test_fraction: float,
) -> dict[str, Any]:
    """Clean, split and describe ``image_set``; write arrays.safetensors, items.parquet and prepared.json.

    Row r of the table describes image r of the arrays. Equal arguments give equal bytes.

    Args:
        validation_fraction: part of the items outside of test that goes to validation, in (0, 1).
        test_fraction: part of all items that goes to test where upstream names no test items, in (0, 1).

    Returns:
        What prepared.json holds.

    Raises:
        ValueError: a class has too few items to stand in every split.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "prepared.json").unlink(missing_ok=True)  # it vouches for the two files that are written next
    digests = _digest(image_set.images)
    kept, dropped = clean(digests, image_set.labels, image_set.split)
    images, labels = image_set.images[kept], image_set.labels[kept]
    try:
        split = draw_split(image_set.split[kept], labels, seed, validation_fraction, test_fraction)
    except ValueError as fault:
        raise ValueError(f"{dataset}: a stratified split is not possible: {fault}") from None
    _write_arrays(out / "arrays.safetensors", images, labels)
    _write_items(out / "items.parquet", kept, split, images, labels, digests[kept])
    mean, std = _measure(images[split == "train"])
    prepared = {
        "status": "ok",
        "reason": "",
        "dataset": dataset,
        "classes": list(image_set.classes),
        "shape": list(images.shape[1:]),
        "counts": {name: int((split == name).sum()) for name in SPLITS},
        "class_counts": {
            name: [int((labels[split == name] == label).sum()) for label in range(len(image_set.classes))]
            for name in SPLITS
        },
        "mean": mean,
        "std": std,
        "dropped": dropped,
        "files": {name: sha256(out / name) for name in ("arrays.safetensors", "items.parquet")},
    }
    write_json(out / "prepared.json", prepared)
    return prepared


def clean(
    digests: NDArray[np.object_], labels: NDArray[np.int64], split: NDArray[np.str_]
) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Return the items to keep, in order, and what was dropped and why.

    Of equal images inside a split the first is kept; where their labels differ none is, for nobody knows
    which label is right. An image of train that stands in test too is dropped from train, so that test
    stays upstream's.

    Args:
        digests: (N,) hash of each item's pixels.
        split: (N,) upstream's split.

    Returns:
        kept: (M,) item numbers, ascending.
        dropped: one record a reason and split: ``{reason, split, count, items: the first 20}``.
    """
    items = pd.DataFrame({"digest": digests, "label": labels, "split": split})
    alike = items.groupby(["split", "digest"], sort=False)["label"]
    conflicting = alike.transform("nunique") > 1
    repeated = items.duplicated(["split", "digest"]) & ~conflicting
    in_test = items[items["split"] == "test"].groupby("digest")["label"].agg(["min", "max"])
    leaking = (items["split"] == "train") & items["digest"].isin(in_test.index) & ~conflicting & ~repeated
    test_labels = in_test.reindex(items["digest"]).set_index(items.index)
    agreeing = (test_labels["min"] == items["label"]) & (test_labels["max"] == items["label"])
    reasons = {
        "same pixels as an earlier item of the split": repeated,
        "same pixels with different labels in the split": conflicting,
        "stands in test too": leaking & agreeing,
        "stands in test too, with another label": leaking & ~agreeing,
    }
    dropped = [
        {
            "reason": reason,
            "split": name or "all",
            "count": int((mask & (items["split"] == name)).sum()),
            "items": items.index[mask & (items["split"] == name)][:_SHOWN_ITEMS].tolist(),
        }
        for reason, mask in reasons.items()
        for name in sorted(items["split"].unique())
        if (mask & (items["split"] == name)).any()
    ]
    lost = np.logical_or.reduce([mask.to_numpy() for mask in reasons.values()])
    return np.flatnonzero(~lost), dropped


def draw_split(
    upstream: NDArray[np.str_],
    labels: NDArray[np.int64],
    seed: int,
    validation_fraction: float,
    test_fraction: float,
) -> NDArray[np.str_]:
    """Return each item's split: upstream's test (or a drawn one), the rest into train and validation.

    Every part has the classes in nearly the same proportions.

    Raises:
        ValueError: a class has fewer than two items, or a part would have fewer items than classes.
    """
    from sklearn.model_selection import train_test_split  # 1.4 s, which ingestion and validation do not need

    split = upstream.astype("<U10")
    rest = np.flatnonzero(split != "test")
    if len(rest) == len(split):
        rest, test = train_test_split(rest, test_size=test_fraction, stratify=labels[rest], random_state=seed)
        split[test] = "test"
    train, validation = train_test_split(
        rest, test_size=validation_fraction, stratify=labels[rest], random_state=seed
    )
    split[train], split[validation] = "train", "validation"
    return split


def _digest(images: NDArray[np.uint8]) -> NDArray[np.object_]:
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images], dtype=object)


def _measure(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and standard deviation of all pixels, scaled to [0, 1]; exact up to the last step."""
    counts = np.zeros(256)
    for start in range(0, len(images), _BATCH):  # bincount makes eight bytes of each pixel
        counts += np.bincount(images[start : start + _BATCH].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    return mean, float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))


def _write_arrays(path: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    with replacing(path) as aside:
        save_file({"images": np.ascontiguousarray(images), "labels": labels}, aside)


def _write_items(
    path: Path,
    items: NDArray[np.int64],
    split: NDArray[np.str_],
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    digests: NDArray[np.object_],
) -> None:
    """Write one row of facts an item; the table that validation reads."""
    _, channels, height, width = images.shape
    flat = images.reshape(len(images), -1)
    columns: dict[str, Sequence[Any] | NDArray[Any]] = {
        "item": items,
        "split": split,
        "label": labels,
        "channels": np.full(len(items), channels),
        "height": np.full(len(items), height),
        "width": np.full(len(items), width),
        "minimum": flat.min(axis=1).astype(np.int64),
        "maximum": flat.max(axis=1).astype(np.int64),
        "mean": flat.mean(axis=1),
        "sha256": digests,
    }
    with replacing(path) as aside:
        pq.write_table(pa.table(columns, schema=_SCHEMA), aside)
