# SPDX-License-Identifier: Apache-2.0
"""Images and labels in the format of MNIST and its successors: four IDX files, train and test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.data.preparation.idx import read_idx, write_idx
from assay.data.preparation.images import ImageSet
from assay.data.synthetic.images import draw_images

_PREFIXES = {"train": "train", "test": "t10k"}
NAMES = tuple(
    f"{prefix}-{kind}-ubyte.gz" for prefix in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
_TWIN_ITEMS = {"train": 30, "test": 10}  # of each class
_SIDE = 28


def read(raw: Path, *, classes: tuple[str, ...]) -> ImageSet:
    """Return the contents of the four files: train, then test.

    Raises:
        ValueError: a file is not IDX, or the numbers of labels and images differ.
    """
    images, labels, split = [], [], []
    for name, prefix in _PREFIXES.items():
        images.append(read_idx(raw / f"{prefix}-images-idx3-ubyte.gz", dimensions=3))
        labels.append(read_idx(raw / f"{prefix}-labels-idx1-ubyte.gz", dimensions=1))
        split.append(np.full(len(images[-1]), name))
        if len(labels[-1]) != len(images[-1]):
            raise ValueError(
                f"{raw}: {len(images[-1])} {name} images and {len(labels[-1])} labels, expected the same"
                " number; delete the folder and run again"
            )
    return ImageSet(
        np.concatenate(images)[:, None],  # (N, 1, H, W)
        np.concatenate(labels).astype(np.int64),
        np.concatenate(split),
        classes,
    )


def write_twin(raw: Path, seed: int, *, dataset: str, num_classes: int) -> None:
    """Write a generated train and test set of the same shape into the four files."""
    train, test = _TWIN_ITEMS.values()
    images, labels = draw_images(
        np.random.default_rng([seed, *dataset.encode()]),
        side=_SIDE,
        num_classes=num_classes,
        per_class=train + test,
    )
    place = np.argsort(np.argsort(labels, kind="stable"), kind="stable") % (train + test)
    for name, chosen in {"train": place < train, "test": place >= train}.items():
        pixels = np.rint(images[chosen] * 255).astype(np.uint8)
        write_idx(raw / f"{_PREFIXES[name]}-images-idx3-ubyte.gz", pixels)
        write_idx(raw / f"{_PREFIXES[name]}-labels-idx1-ubyte.gz", labels[chosen].astype(np.uint8))
