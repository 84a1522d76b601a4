"""A user's rows go through the encoder of the prepared dataset, from CSV or from values of other formats."""

from __future__ import annotations

import csv
import json
import runpy

import numpy as np
import pandas as pd
import pytest

from assay.data.preparation import cells, tables
from assay.evaluation.export import EXAMPLES
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
    rows.to_json(tmp_path / "rows.json", orient="records", double_precision=15)
    rows.assign(more=[[1]] * len(rows)).to_parquet(tmp_path / "rows.parquet")
    for name in ("rows.jsonl", "rows.json", "rows.parquet"):
        np.testing.assert_allclose(
            reader(prepared).inputs(items(prepared, tmp_path / name)), expected, rtol=1e-6
        )


def test_a_name_that_an_object_lacks_is_missing_and_one_that_all_lack_is_an_error(prepared, rows, tmp_path):
    path = tmp_path / "rows.json"
    whole = json.loads(rows.head(3).to_json(orient="records"))
    without = [whole[0], {name: value for name, value in whole[1].items() if name != "age"}, whole[2]]
    path.write_text(json.dumps(without))
    found = items(prepared, path)
    assert found[1].value == {**found[1].value, "age": None}
    assert not reader(prepared)._bad(found)
    path.write_text("".join(json.dumps({"age": row["age"]}) + "\n" for row in whole))
    with pytest.raises(ValueError, match=r"rows\.json: the columns town, plan, since, note are missing"):
        items(prepared, path)


def test_nested_cells_and_what_is_no_object_are_named_with_their_row(prepared, rows, tmp_path):
    path = tmp_path / "rows.json"
    whole = json.loads(rows.head(5).to_json(orient="records"))
    whole[1]["town"] = {"name": "town 1"}
    whole[2] = ["town 1"]
    whole[3]["age"] = [50]
    path.write_text(json.dumps(whole))
    found = items(prepared, path)
    assert str(found.pop(2)) == f'{path}: row 3: ["town 1"]; an object with the columns is expected'
    assert reader(prepared)._bad(found) == {
        1: "town = {'name': 'town 1'}; a name is expected",
        2: "age = ['50']; a number is expected",
    }


def test_an_export_computes_the_same_features_bit_for_bit(prepared, rows, tmp_path):
    program = runpy.run_path(str(EXAMPLES / "features.py"))
    of_rows = reader(prepared)
    labels = json.loads(json.dumps(of_rows.labels()))
    assert {column["form"] for column in labels["columns"]} == set(program["FORMS"])
    for marker in ("", "NA"):
        rows.to_csv(tmp_path / "rows.csv", index=False, na_rep=marker)
        read = list(csv.DictReader((tmp_path / "rows.csv").read_text().splitlines()))
        columns = {name: [row[name] for row in read] for name in of_rows.encoder.names}
        expected = of_rows.encoder.encode(of_rows.encoder.read(columns))
        found = program["features"](read, labels)
        assert found.dtype == expected.dtype
        assert (found == expected).all()


@pytest.mark.parametrize("day_first", [False, True])
@pytest.mark.parametrize(
    "text",
    ["2026-03-02", "2026-03-02 10:30", "2026-03-02T10:30:15", "20260302", "2026/3/2", "02/03/2026", "2.3.68"],
)
def test_an_export_reads_dates_as_they_are_read_here(text, day_first):
    program = runpy.run_path(str(EXAMPLES / "features.py"))
    values, bad = cells.read("date", [text], cells.CellFormat(day_first=day_first))
    assert not len(bad)
    assert program["day"](text, day_first) == cells.days(values)[0]
    with pytest.raises(ValueError, match="'soon' is not a date"):
        program["day"]("soon", day_first)


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
