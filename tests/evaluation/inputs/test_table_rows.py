"""A user's rows go through the encoder of the prepared dataset, from CSV or from values of other formats."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from assay.data.preparation import tables
from assay.data.preparation.table_encoder import TableEncoder
from assay.evaluation.inputs import table_rows
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


def test_rows_get_the_inputs_that_they_have_as_test_items(prepared, rows, tmp_path):
    expected = loading.load("table_classification").load(prepared, ("test",))["test"].inputs
    for marker in ("", "NA", "?"):
        rows.assign(more=1).to_csv(tmp_path / "rows.csv", index=False, na_rep=marker)
        assert torch.equal(table_rows.read(tmp_path / "rows.csv", prepared), expected)
    columns = {name: [None if pd.isna(cell) else cell for cell in rows[name]] for name in KINDS}
    encoder = TableEncoder.load(prepared)
    assert torch.equal(table_rows.inputs(Path("rows.jsonl"), columns, encoder), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda rows: rows.drop(columns="age"),
            "the column age is missing; needed are age, town, plan, since, note",
        ),
        (lambda rows: rows[["note"]], "the columns age, town, plan, since are missing; needed are"),
        (lambda rows: rows.assign(age="old"), "row 2: age = 'old'; a number is expected"),
        (
            lambda rows: rows.assign(since=["soon", *rows["since"][1:]]),
            "row 2: since = 'soon'; a date is expected",
        ),
    ],
)
def test_what_cannot_be_encoded_is_one_line(change, words, prepared, rows, tmp_path):
    change(rows.assign(note="a note")).to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(ValueError, match=words) as error:
        table_rows.read(tmp_path / "rows.csv", prepared)
    assert str(error.value).startswith(str(tmp_path / "rows.csv"))
    assert "\n" not in str(error.value)
