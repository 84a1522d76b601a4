# SPDX-License-Identifier: Apache-2.0
"""Diabetes: ten measurements of 442 patients, and the progression of the disease a year later.

Source: Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", Annals of Statistics 32(2), 2004,
https://doi.org/10.1214/009053604000000067; the data are bundled with scikit-learn.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source
from assay.data.families.bundled import Bundled, bundled_file
from assay.data.families.table_columns import Number
from assay.data.families.tables import Tables
from assay.data.preparation.tables import TableSet, read_numbers
from assay.data.tar_reader import gunzip
from assay.files import replacing

_FEATURES = bundled_file(
    "diabetes",
    "diabetes_data_raw.csv.gz",
    7_073,
    "7fc0ded571454b1982210d3bb43f0aca44eae01a0b8654a3b24022bdb6b38009",
)
_TARGETS = bundled_file(
    "diabetes",
    "diabetes_target.csv.gz",
    1_050,
    "8e53f65eb811df43c206f3534bb3af0e5fed213bc37ed6ba36310157d6023803",
)


class Diabetes(Bundled, Tables):
    """Two gzipped files: the measurements, and the targets."""

    def read(self, raw: Path) -> TableSet:
        """Return upstream's rows."""
        path, predicted = raw / _FEATURES.name, raw / _TARGETS.name
        features = read_numbers(path, gunzip(path), columns=len(self.columns))
        targets = read_numbers(predicted, gunzip(predicted), columns=1)[:, 0]
        if len(features) != len(targets):
            raise ValueError(
                f"{predicted}: {len(targets)} rows, but {path.name} has {len(features)}; delete both and run again"
            )
        return TableSet.of_numbers(features, targets, tuple(self.columns))

    def write(self, raw: Path, table: TableSet) -> None:
        for file, numbers in ((_FEATURES, table.features), (_TARGETS, table.targets)):
            lines = io.BytesIO()
            np.savetxt(lines, numbers, fmt="%.5f")
            with replacing(raw / file.name) as aside:
                aside.write_bytes(gzip.compress(lines.getvalue(), mtime=0))


DATASET: Dataset = Diabetes(
    source=Source(
        name="diabetes",
        files=(_FEATURES, _TARGETS),
        licence="published with the article for any use; bundled with scikit-learn (BSD 3-Clause)",
        citation="Efron, Hastie, Johnstone, Tibshirani (2004). Least Angle Regression. Annals of Statistics 32(2).",
        published="2004",
        homepage="https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        quirks=(
            "442 patients, one row each: intervals are wide. No upstream split: test is drawn here. sex is"
            " coded 1 and 2; the other columns are in their medical units, not scaled as in load_diabetes()."
        ),
    ),
    columns={
        "age": Number(18, 80),
        "sex": Number(1, 2),
        "bmi": Number(17, 43),
        "bp": Number(60, 135),
        "s1": Number(95, 305),
        "s2": Number(40, 245),
        "s3": Number(20, 100),
        "s4": Number(1.9, 9.2),
        "s5": Number(3.2, 6.2),
        "s6": Number(57, 125),
    },
    target=(25, 346),
    test_fraction=0.25,
)
