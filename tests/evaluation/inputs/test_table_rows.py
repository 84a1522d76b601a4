"""A user's rows go through the encoder of the prepared dataset, from CSV or from values of other formats."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.data.preparation import tables
from assay.evaluation.inputs import table_rows
from assay.evaluation.inputs.parsing.sources import Source
from assay.evaluation.inputs.reader import Prepared
from assay.files import read_json
from assay.tasks import loading
from tests.data.preparation.test_table_encoder import KINDS, mixed


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared")
    tables.prepare(mixed(), out, dataset="made", seed=0, validation_fraction=0.25, test_fraction=0.2)
    return out


@pytest.fixture
def rows(prepared):
    items = pd.read_parquet(prepared / "items.parquet")
    return items.loc[items["split"] == "test", [*reversed(KINDS)]]


def reader(prepared):
    return table_rows.Rows(Prepared(prepared, "table_classification", read_json(prepared / "prepared.json")))


def items(prepared, path):
    source = Source(str(path), path=path)
    stream = source.open()
    try:
        return [*reader(prepared).items(source, stream, None)]
    finally:
        stream.close()


def test_rows_get_the_inputs_that_they_have_as_test_items(prepared, rows, tmp_path):
    expected = loading.load("table_classification").load(prepared, ("test",))["test"].inputs.numpy()
    for marker in ("", "NA", "?"):
        rows.assign(more=1).to_csv(tmp_path / "rows.csv", index=False, na_rep=marker)
        assert (reader(prepared).inputs(items(prepared, tmp_path / "rows.csv")) == expected).all()
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True, double_precision=15)
    np.testing.assert_allclose(
        reader(prepared).inputs(items(prepared, tmp_path / "rows.jsonl")), expected, rtol=1e-6
    )


def test_only_numbers_and_categories_are_exported(prepared):
    with pytest.raises(ValueError, match="town is a column of the form 'target'"):
        reader(prepared).labels()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda rows: rows.drop(columns="age"),
            "the column age is missing; needed are age, town, plan, since, note",
        ),
        (lambda rows: rows[["note"]], "the columns age, town, plan, since are missing; needed are"),
        (lambda rows: rows.assign(age="old"), "row 1: age = 'old'; a number is expected"),
        (
            lambda rows: rows.assign(since=["soon", *rows["since"][1:]]),
            "row 1: since = 'soon'; a date is expected",
        ),
    ],
)
def test_what_cannot_be_encoded_is_one_line(change, words, prepared, rows, tmp_path):
    change(rows.assign(note="a note")).to_csv(tmp_path / "rows.csv", index=False)
    try:
        found = items(prepared, tmp_path / "rows.csv")
        bad = reader(prepared)._bad(found)
        (fault, *_) = [str(found[number].wrong(reason)) for number, reason in bad.items()]
    except ValueError as error:
        fault = str(error)
    assert words in fault
    assert fault.startswith(str(tmp_path / "rows.csv"))
    assert "\n" not in fault
