"""The bundled table is read as scikit-learn itself reads it, but that class 1 is the malignant one."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from assay.data.datasets.table.breast_cancer import DATASET


def test_rows_are_those_of_scikit_learn(tmp_path):
    DATASET.fetch(tmp_path, mirror=None)
    table, bundled = DATASET.read(tmp_path), load_breast_cancer()
    np.testing.assert_array_equal(table.features, bundled.data)
    np.testing.assert_array_equal(table.targets, 1 - bundled.target)
    assert [*table.classes] == [*reversed(bundled.target_names)]
    for ours, theirs in zip(table.columns, bundled.feature_names, strict=True):
        assert {*ours.split("_")} == {*theirs.split()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.replace(b"240,", b"241,", 1), "240 rows, but the first line has another number"),
        (lambda data: data[:-2] + b"2\n", "the last column must be 0 or 1"),
    ],
)
def test_a_file_in_another_format_is_an_error(change, words, tmp_path):
    DATASET.make_twin(tmp_path, 0)
    path = tmp_path / "breast_cancer.csv"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=words):
        DATASET.read(tmp_path)
