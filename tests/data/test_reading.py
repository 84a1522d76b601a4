"""Prepared data as they are read: the arrays that safetensors wrote, the rows that pandas finds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from assay.data import reading

ARRAYS = {
    "images": np.arange(24, dtype=np.uint8).reshape(4, 1, 2, 3),
    "labels": np.array([3, -1, 2, 0], np.int64),
    "numbers": np.array([0.5, -1.25], np.float32),
    "wide": np.array([[1e300]], np.float64),
    "ids": np.array([-7, 9], np.int32),
    "short": np.array([-7, 9, 1], np.int16),
    "flags": np.array([True, False, True]),
    "none": np.zeros((0, 5), np.float32),
}


def test_arrays_are_those_that_safetensors_wrote_and_are_read_only(tmp_path: Path) -> None:
    save_file(ARRAYS, tmp_path / "arrays.safetensors", metadata={"note": "not an array"})
    found = reading.arrays(tmp_path)
    assert set(found) == set(ARRAYS)
    for name, expected in ARRAYS.items():
        assert found[name].dtype == expected.dtype
        np.testing.assert_array_equal(found[name], expected)
        assert not found[name].flags.writeable


@pytest.mark.parametrize("kept", [4, 40, -1])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "arrays.safetensors"
    save_file(ARRAYS, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SafetensorError):
        reading.arrays(tmp_path)


@pytest.mark.parametrize("row_group", [3, 100])
def test_rows_are_those_that_pandas_finds_in_row_groups_of_any_size(tmp_path: Path, row_group: int) -> None:
    split = [("train", "test", "validation")[number % 5 % 3] for number in range(50)]
    texts = [f"text {number}" for number in range(50)]
    table = pa.table({"item": [7 * number for number in range(50)], "split": split, "text": texts})
    pq.write_table(table, tmp_path / "items.parquet", row_group_size=row_group)
    expected = pd.read_parquet(tmp_path / "items.parquet")
    found = reading.split_rows(tmp_path, ("train", "test", "absent"), ["text"])
    for name in ("train", "test", "absent"):
        rows = np.flatnonzero(expected["split"] == name)
        assert found[name].rows.tolist() == rows.tolist()
        assert found[name].items.tolist() == expected["item"][rows].tolist()
        assert found[name].columns["text"].tolist() == expected["text"][rows].tolist()
    assert found["absent"].rows.dtype == found["absent"].items.dtype == np.int64


def test_a_split_that_is_withheld_cannot_be_read(tmp_path: Path) -> None:
    table = pa.table({"item": [0, 1, 2], "split": ["train", "test", "train"]})
    pq.write_table(table, tmp_path / "items.parquet")
    with reading.withheld("test"):
        assert list(reading.split_rows(tmp_path, ("train",))["train"].items) == [0, 2]
        with pytest.raises(ValueError, match="the items of test are withheld from this job"):
            reading.split_rows(tmp_path, ("train", "test"))
    assert list(reading.split_rows(tmp_path, ("test",))["test"].items) == [1]
