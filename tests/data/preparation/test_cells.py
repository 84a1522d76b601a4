"""Cells are read as values of their column's kind, missing, or neither."""

from __future__ import annotations

import numpy as np
import pytest

from assay.data.own.json_values import Written
from assay.data.preparation import cells
from assay.data.preparation.cells import CellFormat

GERMAN = CellFormat(decimal=",", day_first=True)


@pytest.mark.parametrize(
    ("cell", "form", "number"),
    [
        ("1.5", CellFormat(), 1.5),
        (" 1e3 ", CellFormat(), 1000.0),
        ("1,234.5", CellFormat(), 1234.5),
        ("12%", CellFormat(), 12.0),
        ("1,5", GERMAN, 1.5),
        ("1.234", GERMAN, 1234.0),
        (7, CellFormat(), 7.0),
        (0.1, CellFormat(), 0.1),
        (1.234, GERMAN, 1.234),
        (Written("1.234"), GERMAN, 1.234),
    ],
)
def test_a_number_is_read_as_the_file_writes_it(cell, form, number):
    values, bad = cells.read("number", [cell], form)
    assert (values.tolist(), bad.tolist()) == ([number], [])


@pytest.mark.parametrize("kind", ["number", "category", "date", "text"])
@pytest.mark.parametrize("cell", [None, float("nan"), "", "  ", "NA", "?"])
def test_a_marker_is_a_missing_value_of_every_kind(kind, cell):
    values, bad = cells.read(kind, [cell], CellFormat())
    assert values[0] is None or np.isnan(values[0])
    assert not len(bad)


def test_other_markers_replace_these():
    values, bad = cells.read("number", ["-", "NA"], CellFormat(missing=("-",)))
    assert np.isnan(values).all()
    assert bad.tolist() == [1]


@pytest.mark.parametrize(
    ("kind", "cell"), [("number", "many"), ("number", "inf"), ("date", "soon"), ("date", "2026-02-30")]
)
def test_what_is_no_value_of_the_kind_is_named(kind, cell):
    assert cells.read(kind, ["", cell], CellFormat())[1].tolist() == [1]


@pytest.mark.parametrize("kind", ["number", "category", "date", "text"])
@pytest.mark.parametrize("cell", [["a"], {"a": 1}, [], b"a"])
def test_lists_objects_and_bytes_are_values_of_no_kind(kind, cell):
    assert cells.read(kind, ["", cell], CellFormat())[1].tolist() == [1]


@pytest.mark.parametrize(
    ("cell", "form", "date"),
    [
        ("2026-01-31", CellFormat(), "2026-01-31"),
        ("2026-01-31 12:30", CellFormat(), "2026-01-31T12:30:00"),
        ("20260131", CellFormat(), "2026-01-31"),
        ("02/03/2026", CellFormat(), "2026-02-03"),
        ("02/03/2026", GERMAN, "2026-03-02"),
        ("3 March 2026", CellFormat(), "2026-03-03"),
    ],
)
def test_a_date_becomes_iso_8601(cell, form, date):
    assert cells.read("date", [cell], form)[0].tolist() == [date]


def test_a_category_is_the_same_in_csv_json_and_parquet():
    assert cells.read("category", ["3", 3, 3.0, " 3 "], CellFormat())[0].tolist() == ["3"] * 4


def test_days_are_counted_from_1970():
    dates = np.array(["1970-01-02", None, "1969-12-31T12:00:00"], dtype=object)
    np.testing.assert_array_equal(cells.days(dates), [1, np.nan, -0.5])
