"""The bundled table is read as scikit-learn itself reads it."""

import gzip

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from assay.data.datasets.table.diabetes import DATASET


def test_rows_are_those_of_scikit_learn(tmp_path):
    DATASET.fetch(tmp_path, mirror=None)
    table = DATASET.read(tmp_path)
    features, targets = load_diabetes(return_X_y=True, scaled=False)
    np.testing.assert_array_equal(table.features, features)
    np.testing.assert_array_equal(table.targets, targets)
    assert list(table.columns) == load_diabetes().feature_names


def test_files_of_different_lengths_are_one_line(tmp_path):
    DATASET.make_twin(tmp_path, 0)
    path = tmp_path / "diabetes_target.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).split(b"\n", 1)[1]))
    with pytest.raises(ValueError, match=r"239 rows, but diabetes_data_raw.csv.gz has 240; delete both"):
        DATASET.read(tmp_path)
