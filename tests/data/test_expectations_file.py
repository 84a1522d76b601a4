"""Expectations in a file: what is inferred holds of the items and fails of others; what is no expectation is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.expectations_file import infer, read
from assay.data.validation import validate

# Great Expectations imports them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)
COUNT = 200
ITEMS = pd.DataFrame(
    {
        "item": np.arange(COUNT),
        "split": ["train"] * 150 + ["validation"] * 25 + ["test"] * 25,
        "label": np.arange(COUNT) % 3,
        "price": np.linspace(10.0, 20.0, COUNT),
        "age": np.where(np.arange(COUNT) % 10 == 0, np.nan, 30.0),
        "town": np.array(["Ulm", "Köln", "no", "12:30"])[np.arange(COUNT) % 4],
        "note": [f"note number {number}" for number in range(COUNT)],
        "sha256": [f"{number:064x}" for number in range(COUNT)],
    }
)


def failed(items: pd.DataFrame, path: Path) -> set[str]:
    """Return the columns whose expectations do not hold."""
    found = validate(items, read(path), dataset="own", file=str(path), docs=None)
    return {each["column"] for each in found["expectations"] if not each["success"]}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(infer(ITEMS, "own"))
    return path


def test_what_is_inferred_holds_of_the_items(path):
    assert failed(ITEMS, path) == set()
    columns = {rule.column for rule in read(path)}
    assert columns == {"label", "price", "age", "town", "note"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("label", 3),
        ("price", 26.0),
        ("price", 4.9),
        ("price", None),
        ("age", 46.0),
        ("town", "Bonn"),
        ("note", "x" * 99),
    ],
)
def test_it_fails_of_other_values(path, column, value):
    items = ITEMS.astype({column: object})
    items.loc[:4, column] = value  # more than one in a hundred
    assert failed(items.infer_objects(), path) == {column}


def test_more_missing_values_than_before_fail_and_as_many_do_not(path):
    items = ITEMS.copy()
    items.loc[:15, "age"] = np.nan  # 34 of 200, three in twenty more than none
    assert failed(items, path) == set()
    items.loc[:60, "age"] = np.nan
    assert failed(items, path) == {"age"}


def test_an_edited_file_is_the_gate(path):
    rule = "- type: expect_column_values_to_be_unique\n  kwargs: {column: town}\n  fix: name each town once\n"
    path.write_text(path.read_text() + rule)
    found = validate(ITEMS, read(path), dataset="own", file=str(path), docs=None)
    assert found["status"] == "failed"
    assert found["reason"].endswith("name each town once")
    assert f"expectations in {path} failed" in found["reason"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("expectations: 3", r"expectations: Input should be a valid list"),
        ("other: []", r"expectations: Field required"),
        (
            "expectations: [{type: drop_table, kwargs: {}}]",
            r"expectations\.0\.type: String should match pattern",
        ),
        ("expectations: [{type: expect_nothing_at_all, kwargs: {}}]", r"entry 1, expect_nothing_at_all: "),
        (
            "expectations: [{type: expect_column_values_to_be_between, kwargs: {columns: age}}]",
            r"entry 1, expect_column_values_to_be_between: ",
        ),
        (
            "expectations: [{type: expect_column_values_to_be_unique, kwargs: {column: age, row_condition: '@pd'}}]",
            r"expectations\.0\.kwargs: .*row_condition is not allowed",
        ),
        ("a: [", r"line 1: not YAML"),
        ("", r"empty"),
    ],
)
def test_what_is_no_expectation_is_one_line(tmp_path, text, message):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
