# SPDX-License-Identifier: Apache-2.0
"""Digits: 1,797 scans of handwritten digits, 8 x 8, 10 classes; bundled with scikit-learn.

Source: Alpaydin, Kaynak, "Cascading Classifiers", Kybernetika 34(4), 1998; the test set of UCI's "Optical
Recognition of Handwritten Digits", https://archive.ics.uci.edu/dataset/80.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np

from assay.data.declarations import Augmentation, Dataset, Source
from assay.data.families.bundled import Bundled, bundled_file
from assay.data.families.images import Images
from assay.data.preparation import images, text
from assay.data.synthetic import images as synthetic_images
from assay.data.tar_reader import gunzip
from assay.files import replacing

_TWIN_ITEMS = 35  # of each class
_FILE = bundled_file(
    "digits",
    "digits.csv.gz",
    57_523,
    "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
)


class Digits(Bundled, Images):
    """A gzipped CSV file with 64 pixels and a label per line."""

    def make_twin(self, raw: Path, seed: int) -> None:
        pixels, labels = synthetic_images.draw_images(
            np.random.default_rng(seed),
            side=self.shape[-1],
            num_classes=len(self.classes),
            per_class=_TWIN_ITEMS,
        )
        levels = np.rint(pixels * self.levels).astype(np.int64).reshape(len(labels), -1)
        table = io.BytesIO()
        np.savetxt(table, np.column_stack([levels, labels]), fmt="%d", delimiter=",")
        with replacing(self.file(raw)) as aside:
            aside.write_bytes(gzip.compress(table.getvalue(), mtime=0))

    def read(self, raw: Path) -> images.ImageSet:
        """Return upstream's scans, 0 to 16, as bytes, 0 to 255."""
        path, side = self.file(raw), self.shape[-1]
        lines = text.require_text(path, 1, text.decode(path, "ascii", gunzip(path))).splitlines()
        try:
            table = np.loadtxt(lines, delimiter=",", dtype=np.int64, ndmin=2)
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"{path}: not a gzipped table of numbers ({error}); delete the file and run again"
            ) from None
        if table.shape[1] != side**2 + 1:
            raise ValueError(
                f"{path}: {table.shape[1]} columns, expected 64 pixels and a label; delete the file and run again"
            )
        levels, labels = table[:, :-1], table[:, -1]
        if levels.min() < 0 or levels.max() > self.levels:
            raise ValueError(
                f"{path}: pixels from {levels.min()} to {levels.max()}, allowed are 0 to {self.levels};"
                " delete the file and run again"
            )
        pixels = images.as_bytes(levels, self.levels).reshape(-1, 1, side, side)
        return images.ImageSet(pixels, labels, np.full(len(labels), ""), self.classes)


DATASET: Dataset = Digits(
    source=Source(
        name="digits",
        files=(_FILE,),
        licence="Creative Commons Attribution 4.0 (UCI Machine Learning Repository)",
        citation="Alpaydin, Kaynak (1998). Cascading Classifiers. Kybernetika 34(4), 369-374.",
        published="1998",
        homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        quirks=(
            "Only upstream's test set (13 writers), so it has no split: test is drawn here, and its"
            " writers are also in train. No exact-duplicate images. Nearly balanced (174 to 183 per class)."
        ),
    ),
    augmentation=Augmentation(shift=1, rotation=0.0, erase=0.0, flip=False),
    classes=tuple("0123456789"),
    shape=(1, 8, 8),
    levels=16,
    test_fraction=0.2,
    class_share=(0.08, 0.12),
    dimmest_maximum=150,
    mean=(20, 150),
)
