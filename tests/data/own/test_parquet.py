"""Parquet, each fault by hand."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.data.own.look import look
from tests.data.own.test_delimited import fault

ROWS = {
    "a": [i / 3 if i % 9 else None for i in range(90)],
    "n": [i % 5 for i in range(90)],
    "flag": [i % 3 == 0 for i in range(90)],
    "day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=i) for i in range(90)],
    "label": ["yes" if i % 2 else "no" for i in range(90)],
}


def write(tmp_path, columns):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_reads_types_and_missing_values(tmp_path):
    found = look(write(tmp_path, ROWS))
    assert [each.kind for each in found.columns] == ["number", "number", "category", "date", "category"]
    assert found.column("a").missing == 10
    assert fault(found, "missing").lines[:2] == (1, 10)
    assert (found.rows, found.best.target, found.split.strategy) == (90, "label", "time")


def test_a_dictionary_is_its_values_and_lists_are_not_read(tmp_path):
    columns = ROWS | {"label": pa.array(ROWS["label"]).dictionary_encode(), "many": [[1, 2]] * 90}
    found = look(write(tmp_path, columns))
    assert dict(found.column("label").classes) == {"no": 45, "yes": 45}
    assert found.column("many").kind == "nested"


def test_a_damaged_file_is_refused_in_one_line(tmp_path):
    path = write(tmp_path, ROWS)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a whole Parquet file") as caught:
        look(path)
    assert "\n" not in str(caught.value)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path, {"a": ["x" * 100] * 100_000, "b": list(range(100_000))})
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr("assay.data.own.parquet.LARGEST_UNPACKED", 5_000_000)
    with pytest.raises(ValueError, match=r"more than 5,000,000 bytes unpacked: split the file"):
        look(path)
