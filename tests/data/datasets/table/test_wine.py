"""The bundled table is read as scikit-learn itself reads it."""

import numpy as np
import pytest
from sklearn.datasets import load_wine

from assay.data.datasets.table.wine import DATASET


def test_rows_are_those_of_scikit_learn(tmp_path):
    DATASET.fetch(tmp_path, mirror=None)
    table, bundled = DATASET.read(tmp_path), load_wine()
    np.testing.assert_array_equal(table.features, bundled.data)
    np.testing.assert_array_equal(table.targets, bundled.target)
    assert [*table.classes] == [*bundled.target_names]
    names = [name.removesuffix("_of_diluted_wines").replace("/", "_") for name in bundled.feature_names]
    assert [*table.columns] == names


def test_a_class_that_is_not_there_is_an_error(tmp_path):
    DATASET.make_twin(tmp_path, 0)
    path = tmp_path / "wine_data.csv"
    path.write_bytes(path.read_bytes()[:-2] + b"3\n")
    with pytest.raises(ValueError, match="the last column must be 0 or 1 or 2; delete the file"):
        DATASET.read(tmp_path)
