"""The rows of a user's own table get the inputs that they have as items, in every format that ``assay add`` reads."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from assay.data.datasets.own.own_table import own_table
from assay.data.families.own_files import digest_of
from assay.evaluation.inputs import table_rows
from assay.evaluation.inputs.parsing.sources import Source
from assay.evaluation.inputs.reader import Prepared

COUNT = 80
CODES = [1.0, 2.0, 10.0]


def german(rows):
    return [{**row, "size": f"{row['size']:.2f}".replace(".", ",")} for row in rows]


def written(path, rows):
    """Write rows in the format of the file's suffix; in JSON some numbers have a decimal comma and some keys lack."""
    if path.suffix == ".parquet":
        table = pd.DataFrame(rows).drop(columns="tags")
        table["town"] = table["town"].astype("category")
        table["day"] = pd.to_datetime(table["day"])
        table.assign(tags=[["a"]] * len(table)).to_parquet(path)
    elif path.suffix == ".csv":
        pd.DataFrame(rows).drop(columns="tags").to_csv(path, index=False)
    else:
        some = [{key: value for key, value in row.items() if value is not None} for row in german(rows)]
        lines = "".join(f"{json.dumps(row)}\n" for row in some)
        path.write_text(json.dumps(some) if path.suffix == ".json" else lines)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet"])
def test_rows_get_the_inputs_that_they_have_as_items(suffix, tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {
            "size": round(rng.normal(50, 20), 2),
            "rate": round(rng.normal(1.2, 0.1), 3) if place % 9 else None,
            "code": CODES[place % 3],
            "town": f"town {place % 4}" if place % 7 else None,
            "day": f"2026-{1 + place % 12:02}-{1 + place % 28:02}",
            "is_new": bool(place % 2),
            "tags": ["a", "b"],
            "label": "yes" if place % 5 < 2 else "no",
        }
        for place in range(COUNT)
    ]
    path = tmp_path / f"rows{suffix}"
    written(path, rows)
    dataset = own_table(
        path=str(path), digest=digest_of(path), encoding=None, header=None, day_first=None, target="label",
        as_classes=True, ignore=[], kinds={"code": "category"}, split="random", test_fraction=0.2, min_per_class=5,
    )  # fmt: skip
    dataset.fetch(tmp_path / "raw", mirror=None)
    facts = dataset.prepare(tmp_path / "raw", tmp_path / "own", seed=0, validation_fraction=0.2)
    reader = table_rows.Rows(Prepared(tmp_path / "own", "table_classification", facts))
    assert {"size", "rate", "code", "town", "day", "is_new"} == set(reader.encoder.names)
    source = Source(str(path), path=path)
    stream = source.open()
    found = reader.inputs([*reader.items(source, stream, None)])
    stream.close()
    kept = load_file(tmp_path / "own" / "arrays.safetensors")["features"]
    expected = (kept - np.array(reader.encoder.mean)) / np.array(reader.encoder.std)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    [rate] = [place for place, name in enumerate(facts["features"]) if name == "rate"]
    assert 0.5 < kept[:, rate].min() < kept[:, rate].max() < 2
