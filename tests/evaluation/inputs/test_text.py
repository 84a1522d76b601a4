"""Texts of several columns: a user's rows get the inputs that the same rows have as items of the dataset."""

from __future__ import annotations

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


@pytest.mark.parametrize("name", ["new.csv", "new.tsv", "new.jsonl"])
def test_the_columns_of_the_dataset_are_joined(name, reader, tmp_path):
    found, tokens = reader
    rows = ROWS.assign(other="a note of some words")[["other", "body", "label", "title"]]
    if name.endswith("jsonl"):
        rows.to_json(tmp_path / name, orient="records", lines=True)
    else:
        rows.to_csv(tmp_path / name, index=False, sep="," if name.endswith("csv") else "\t")
    assert np.array_equal(found.inputs(items_of(found, tmp_path / name)), tokens)


def test_a_row_without_any_text_is_named_and_lines_are_texts(reader, tmp_path):
    found, tokens = reader
    (tmp_path / "new.csv").write_text("title,body\n , \nabout 3,\n")
    blank, item = items_of(found, tmp_path / "new.csv")
    assert isinstance(blank, Bad)
    assert item.value == "about 3 | "
    (tmp_path / "new.txt").write_text("about 0 | bad words, number 0\n")
    assert np.array_equal(found.inputs(items_of(found, tmp_path / "new.txt")), tokens[:1])


def test_a_column_that_is_missing_is_one_line(reader, tmp_path):
    (tmp_path / "new.csv").write_text("title,text\na,b\n")
    with pytest.raises(ValueError, match=r"new\.csv: the column body is missing"):
        items_of(reader[0], tmp_path / "new.csv")
