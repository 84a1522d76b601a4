"""Texts of several columns: a user's rows get the inputs that the same rows have as items of the dataset."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from assay.data.datasets.own.own_texts import own_texts
from assay.data.families.own_files import digest_of
from assay.evaluation.inputs import text
from assay.evaluation.inputs.parsing.items import Bad
from assay.evaluation.inputs.parsing.sources import Source
from assay.evaluation.inputs.reader import Prepared

ROWS = pd.DataFrame(
    {
        "title": [f"about {number}" for number in range(60)],
        "body": [f"{'good' if number % 2 else 'bad'} words, number {number}" for number in range(60)],
        "label": ["no", "yes"] * 30,
    }
)


@pytest.fixture
def reader(tmp_path):
    """The reader of a dataset of the titles and bodies of ``ROWS``, and its inputs (N, T)."""
    path = tmp_path / "mails.csv"
    ROWS.to_csv(path, index=False)
    dataset = own_texts(
        path=str(path), digest=digest_of(path), encoding=None, header=True, text=["title", "body"],
        target="label", split="random", test_fraction=0.2, min_per_class=5, longest=32,
    )  # fmt: skip
    dataset.fetch(tmp_path / "raw", mirror=None)
    facts = dataset.prepare(tmp_path / "raw", tmp_path / "mails", seed=0, validation_fraction=0.1)
    prepared = Prepared(tmp_path / "mails", "text_classification", facts, text.declared(dataset))
    return text.reader(prepared), load_file(tmp_path / "mails" / "arrays.safetensors")["tokens"]


def items_of(reader, path):
    source = Source(path.name, path=path)
    stream = source.open()
    try:
        return list(reader.items(source, stream, None))
    finally:
        stream.close()


@pytest.mark.parametrize("name", ["new.csv", "new.tsv", "new.psv", "new.jsonl", "new.json", "new.parquet"])
def test_the_columns_of_the_dataset_are_joined(name, reader, tmp_path):
    found, tokens = reader
    rows = ROWS.assign(other="a note of some words")[["other", "body", "label", "title"]]
    if name.endswith("parquet"):
        rows.to_parquet(tmp_path / name)
    elif "json" in name:
        rows.to_json(tmp_path / name, orient="records", lines=name.endswith("l"))
    else:
        separator = {".csv": ",", ".tsv": "\t", ".psv": "|"}[name[-4:]]
        rows.to_csv(tmp_path / name, index=False, sep=separator)
    assert np.array_equal(found.inputs(items_of(found, tmp_path / name)), tokens)


def test_a_row_without_any_text_is_named_and_lines_are_texts(reader, tmp_path):
    found, tokens = reader
    (tmp_path / "new.csv").write_text("title,body\n , \nabout 3,\n")
    blank, item = items_of(found, tmp_path / "new.csv")
    assert isinstance(blank, Bad)
    assert item.value == "about 3 | "
    (tmp_path / "new.txt").write_text("about 0 | bad words, number 0\n")
    assert np.array_equal(found.inputs(items_of(found, tmp_path / "new.txt")), tokens[:1])


@pytest.mark.parametrize("name", ["new.json", "new.parquet"])
def test_null_is_a_blank_text_and_a_number_is_named(name, reader, tmp_path):
    rows = [{"title": "a", "body": None}, {"title": None, "body": None}, {"title": "a", "body": "b"}]
    if name.endswith("json"):
        rows.append({"title": "a", "body": 3})
        rows.append({"title": "a"})
        (tmp_path / name).write_text(json.dumps(rows))
    else:
        pd.DataFrame(rows).to_parquet(tmp_path / name)
    first, blank, whole, *bad = items_of(reader[0], tmp_path / name)
    assert (first.value, whole.value) == ("a | ", "a | b")
    assert str(blank) == f"{name}: row 2: blank; a text is expected"
    assert all("body is not a text; the keys are title" in str(each) for each in bad)


def test_a_column_that_is_missing_is_one_line(reader, tmp_path):
    (tmp_path / "new.csv").write_text("title,text\na,b\n")
    with pytest.raises(ValueError, match=r"new\.csv: the column body is missing"):
        items_of(reader[0], tmp_path / "new.csv")
