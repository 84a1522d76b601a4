"""CSV in which nobody's text is a formula."""

import csv
import io

import pandas as pd
import pytest

from assay.report.formatting.spreadsheets import csv_text, defused
from assay.report.results import tables


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "=", "--1", "-1-", "+1e", "-inf"],
)
def test_text_that_would_be_a_formula_gets_an_apostrophe(text):
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", ["", "a=1", "'=1", "-1", "+3.5", "-2e-3", "-.5", " =1", -1, -1.5, True, None, "\N{MINUS SIGN}1"]
)
def test_numbers_and_other_text_stay(value):
    assert defused(value) is value


def read(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_texts_of_a_table_are_defused_and_its_numbers_stay():
    table = pd.DataFrame(
        {"row": [1, 2], "prediction": ['=HYPERLINK("http://a,b")', "fine"], "confidence": [-0.5, 1.0]}
    )
    assert read(csv_text(table)) == [
        {"row": "1", "prediction": '\'=HYPERLINK("http://a,b")', "confidence": "-0.5"},
        {"row": "2", "prediction": "fine", "confidence": "1.0"},
    ]
    assert table["prediction"][0].startswith("=")


def test_the_reports_tables_are_defused_and_keep_their_columns():
    row = {"task": "digits", "model": "mlp", "phase": "train", "reason": "=1+1", "more": "not a column"}
    columns = tables.TABLES["failures"]
    [found] = read(tables.to_csv([row], columns))
    expected = {"task": "digits", "model": "mlp", "phase": "train", "reason": "'=1+1"}
    assert found == dict.fromkeys(columns, "") | expected
