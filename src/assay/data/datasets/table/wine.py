# SPDX-License-Identifier: Apache-2.0
"""Wine: thirteen measurements of 178 wines of three growers in one region of Italy.

Source: Forina et al., "PARVUS", 1988; UCI's "Wine", https://archive.ics.uci.edu/dataset/109,
https://doi.org/10.24432/C5PC7J; the data are bundled with scikit-learn.
"""

from __future__ import annotations

from assay.data.declarations import Dataset, Source
from assay.data.families.bundled import bundled_file
from assay.data.families.bundled_tables import BundledTable
from assay.data.families.table_columns import Number

_CLASSES = ("class_0", "class_1", "class_2")

DATASET: Dataset = BundledTable(
    source=Source(
        name="wine",
        files=(
            bundled_file(
                "wine",
                "wine_data.csv",
                11_157,
                "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
            ),
        ),
        licence="Creative Commons Attribution 4.0 (UCI Machine Learning Repository)",
        citation="Aeberhard, Forina (1991). Wine. UCI Machine Learning Repository.",
        published="1991",
        homepage="https://archive.ics.uci.edu/dataset/109/wine",
        quirks=(
            "178 wines: intervals are wide, and most models make no error on many splits. The classes are growers,"
            " whom upstream does not name. No upstream split: test is drawn here."
        ),
    ),
    classes=_CLASSES,
    upstream_classes=_CLASSES,
    columns={
        "alcohol": Number(10, 16),
        "malic_acid": Number(0.5, 7),
        "ash": Number(1, 4),
        "alcalinity_of_ash": Number(8, 35),
        "magnesium": Number(60, 180),
        "total_phenols": Number(0.5, 5),
        "flavanoids": Number(0.1, 6),
        "nonflavanoid_phenols": Number(0.05, 1),
        "proanthocyanins": Number(0.2, 5),
        "color_intensity": Number(0.5, 15),
        "hue": Number(0.3, 2),
        "od280_od315": Number(1, 5),
        "proline": Number(200, 2000),
    },
    class_share=(0.2, 0.5),
    test_fraction=0.3,
    twin_items=480,
)
