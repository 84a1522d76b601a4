"""Digits: 1,797 scans of handwritten digits, 8 x 8, 10 classes; they come with scikit-learn.

Source: Alpaydin, Kaynak, "Cascading Classifiers", Kybernetika 34(4), 1998; the test set of UCI's "Optical
Recognition of Handwritten Digits", https://archive.ics.uci.edu/dataset/80.
"""

from __future__ import annotations

import gzip
import io
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.declarations import Augmentation, Source
from assay.data.download import DownloadError, RemoteFile, check_bytes
from assay.data.expectations import images as image_expectations
from assay.data.preparation import images, text
from assay.data.synthetic import images as synthetic_images
from assay.data.tar_reader import gunzip
from assay.files import replacing

CLASSES = tuple("0123456789")
TEST_FRACTION = 0.2
_SIDE = 8
LEVELS = 16  # the largest value of a pixel
_TWIN_ITEMS = 35  # of each class

_FILE = RemoteFile(
    "digits",
    "digits.csv.gz",
    ("package:scikit-learn/sklearn/datasets/data/digits.csv.gz",),
    57_523,
    "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
)

SOURCE = Source(
    name="digits",
    files=(_FILE,),
    licence="Creative Commons Attribution 4.0 (UCI Machine Learning Repository)",
    citation="Alpaydin, Kaynak (1998). Cascading Classifiers. Kybernetika 34(4), 369-374.",
    homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    quirks=(
        "Upstream's test set alone (13 writers), so it has no split of its own: test is drawn here, and its"
        " writers stand in train too. No exact-duplicate images. Nearly balanced (174 to 183 per class)."
    ),
)

AUGMENTATION = Augmentation(shift=1, rotation=0.0, erase=0.0, flip=False)


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG001 (no mirror is needed)
    """Copy scikit-learn's bundled file into ``raw``; return its address, size and sha256.

    Raises:
        DownloadError: the installed scikit-learn bundles other bytes.
    """
    bundled = Path(str(distribution("scikit-learn").locate_file(f"sklearn/datasets/data/{_FILE.name}")))
    with replacing(raw / _FILE.name) as aside:
        aside.write_bytes(bundled.read_bytes())
        wrong = check_bytes(aside, _FILE)
        if wrong:
            raise DownloadError(
                f"digits/{_FILE.name}: the installed scikit-learn has other data: {wrong}, expected"
                f" {_FILE.size} bytes with sha256 {_FILE.sha256}; install the pinned version of scikit-learn"
            )
    return {_FILE.name: {"url": _FILE.urls[0], "size": _FILE.size, "sha256": _FILE.sha256}}


def make_twin(raw: Path, seed: int) -> None:
    """Write a made dataset of the same shape into ``raw``, in upstream's file."""
    pixels, labels = synthetic_images.draw_images(
        np.random.default_rng(seed), side=_SIDE, num_classes=len(CLASSES), per_class=_TWIN_ITEMS
    )
    levels = np.rint(pixels * LEVELS).astype(np.int64).reshape(len(labels), -1)
    table = io.BytesIO()
    np.savetxt(table, np.column_stack([levels, labels]), fmt="%d", delimiter=",")
    with replacing(raw / _FILE.name) as aside:
        aside.write_bytes(gzip.compress(table.getvalue(), mtime=0))


def read(raw: Path) -> images.ImageSet:
    """Return upstream's scans, 0 to 16, as bytes, 0 to 255.

    Raises:
        ValueError: the file is not a gzipped table of 64 pixels and a label a row.
    """
    path = raw / _FILE.name
    lines = text.require_text(path, 1, text.decode(path, "ascii", gunzip(path))).splitlines()
    try:
        table = np.loadtxt(lines, delimiter=",", dtype=np.int64, ndmin=2)
    except (ValueError, OverflowError) as fault:
        raise ValueError(
            f"{path}: not a gzipped table of numbers ({fault}); delete the file and run again"
        ) from None
    if table.shape[1] != _SIDE**2 + 1:
        raise ValueError(
            f"{path}: {table.shape[1]} columns, expected 64 pixels and a label; delete the file and run again"
        )
    levels, labels = table[:, :-1], table[:, -1]
    if levels.min() < 0 or levels.max() > LEVELS:
        raise ValueError(
            f"{path}: pixels from {levels.min()} to {levels.max()}, allowed are 0 to {LEVELS};"
            " delete the file and run again"
        )
    pixels = images.as_bytes(levels, LEVELS).reshape(-1, 1, _SIDE, _SIDE)
    return images.ImageSet(pixels, labels, np.full(len(labels), ""), CLASSES)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return images.prepare(
        read(raw),
        out,
        dataset=out.name,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return image_expectations.build(
        counts,
        shape=(1, 8, 8),
        num_classes=len(CLASSES),
        class_share=(0.08, 0.12),
        dimmest_maximum=150,
        mean=(20, 150),
    )
