# SPDX-License-Identifier: Apache-2.0
"""Breast cancer: thirty measurements of the cell nuclei in 569 images of tumours, malignant or benign.

Source: Street, Wolberg and Mangasarian, "Nuclear feature extraction for breast tumor diagnosis", SPIE 1905, 1993,
https://doi.org/10.1117/12.148698; UCI's "Breast Cancer Wisconsin (Diagnostic)",
https://archive.ics.uci.edu/dataset/17; the data are bundled with scikit-learn.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source
from assay.data.families.bundled import Bundled, bundled_file
from assay.data.families.table_columns import Number
from assay.data.families.tables import Tables
from assay.data.preparation.tables import TableSet, read_numbers
from assay.files import replacing

_FILE = bundled_file(
    "breast_cancer",
    "breast_cancer.csv",
    119_913,
    "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
)
_MEASURED = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave_points", "symmetry",
    "fractal_dimension",
)  # fmt: skip
_MEAN = (
    (6, 29),
    (9, 40),
    (43, 190),
    (140, 2510),
    (0.05, 0.17),
    (0.01, 0.35),
    (0, 0.43),
    (0, 0.21),
    (0.1, 0.31),
    (0.04, 0.1),
)
_ERROR = (
    (0.1, 2.9),
    (0.3, 5),
    (0.7, 22),
    (6, 545),
    (0.001, 0.032),
    (0.002, 0.14),
    (0, 0.4),
    (0, 0.053),
    (0.007, 0.08),
    (0.0008, 0.03),
)
_WORST = (
    (7, 37),
    (12, 50),
    (50, 252),
    (185, 4260),
    (0.07, 0.23),
    (0.02, 1.06),
    (0, 1.26),
    (0, 0.3),
    (0.15, 0.67),
    (0.05, 0.21),
)


class BreastCancer(Bundled, Tables):
    """A file of comma-separated numbers, the class last; the first line has the number of rows and the classes."""

    def read(self, raw: Path) -> TableSet:
        """Return upstream's rows: class 0 is benign, 1 malignant (the reverse of upstream's numbers)."""
        path = self.file(raw)
        head, _, rows = path.read_bytes().partition(b"\n")
        numbers = read_numbers(path, rows, columns=len(self.columns) + 1, delimiter=",")
        if head.split(b",")[0].strip() != str(len(numbers)).encode():
            raise ValueError(
                f"{path}: {len(numbers)} rows, but the first line has another number; delete the file and run again"
            )
        labels = numbers[:, -1]
        if not np.isin(labels, (0, 1)).all():
            raise ValueError(f"{path}: the last column must be 0 or 1; delete the file and run again")
        return TableSet.of_numbers(
            numbers[:, :-1], 1 - labels.astype(np.int64), tuple(self.columns), self.classes
        )

    def write(self, raw: Path, table: TableSet) -> None:
        lines = io.BytesIO()
        lines.write(f"{len(table)},{len(self.columns)},malignant,benign\n".encode())
        formats = ["%.5f"] * len(self.columns) + ["%d"]
        np.savetxt(lines, np.column_stack([table.features, 1 - table.targets]), fmt=formats, delimiter=",")
        with replacing(self.file(raw)) as aside:
            aside.write_bytes(lines.getvalue())


DATASET: Dataset = BreastCancer(
    source=Source(
        name="breast_cancer",
        files=(_FILE,),
        licence="Creative Commons Attribution 4.0 (UCI Machine Learning Repository)",
        citation=(
            "Street, Wolberg, Mangasarian (1993). Nuclear feature extraction for breast tumor diagnosis. SPIE 1905,"
            " 861-870."
        ),
        homepage="https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
        quirks=(
            "569 tumours, 37% malignant. Each of ten measurements has three columns: its mean over the nuclei,"
            " its standard error and the mean of the three largest. No upstream split: test is drawn here."
        ),
    ),
    classes=("benign", "malignant"),
    columns={
        f"{kind}_{name}": Number(*limits)
        for kind, ranges in (("mean", _MEAN), ("error", _ERROR), ("worst", _WORST))
        for name, limits in zip(_MEASURED, ranges, strict=True)
    },
    class_share=(0.3, 0.7),
    test_fraction=0.3,
)
