# SPDX-License-Identifier: Apache-2.0
"""Breast cancer: thirty measurements of the cell nuclei in 569 images of tumours, malignant or benign.

Source: Street, Wolberg and Mangasarian, "Nuclear feature extraction for breast tumor diagnosis", SPIE 1905, 1993,
https://doi.org/10.1117/12.148698; UCI's "Breast Cancer Wisconsin (Diagnostic)",
https://archive.ics.uci.edu/dataset/17; the data are bundled with scikit-learn.
"""

from __future__ import annotations

from assay.data.declarations import Dataset, Source
from assay.data.families.bundled import bundled_file
from assay.data.families.bundled_tables import BundledTable
from assay.data.families.table_columns import Number

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


DATASET: Dataset = BundledTable(
    source=Source(
        name="breast_cancer",
        files=(_FILE,),
        licence="Creative Commons Attribution 4.0 (UCI Machine Learning Repository)",
        citation=(
            "Street, Wolberg, Mangasarian (1993). Nuclear feature extraction for breast tumor diagnosis. SPIE 1905,"
            " 861-870."
        ),
        published="1993",
        homepage="https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
        quirks=(
            "569 tumours, 37% malignant. Each of ten measurements has three columns: its mean over the nuclei,"
            " its standard error and the mean of the three largest. No upstream split: test is drawn here."
        ),
    ),
    classes=("benign", "malignant"),
    upstream_classes=("malignant", "benign"),
    columns={
        f"{kind}_{name}": Number(*limits)
        for kind, ranges in (("mean", _MEAN), ("error", _ERROR), ("worst", _WORST))
        for name, limits in zip(_MEASURED, ranges, strict=True)
    },
    class_share=(0.3, 0.7),
    test_fraction=0.3,
)
