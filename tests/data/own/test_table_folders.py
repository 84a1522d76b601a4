"""Several files of one table in a folder: their names say the parts, or the user says how they belong together."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.own.describe import describe
from assay.data.own.found import Options
from assay.data.own.look import look
from tests.data.own.test_delimited import fault


def rows(count: int, start: int = 0) -> pd.DataFrame:
    number = np.arange(start, start + count)
    return pd.DataFrame(
        {
            "size": number / 8,
            "town": [f" t{i % 5}" for i in number],
            "sold": np.where(number % 3, "yes", "no"),
        }
    )


def saved(folder: Path, **tables: pd.DataFrame) -> Path:
    folder.mkdir()
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_names_say_the_parts(tmp_path):
    path = saved(tmp_path / "data", train=rows(90), test=rows(30, 90))
    found = look(path, Options(target="sold"))
    assert found.rows == 120
    assert (found.split.strategy, found.split.column) == ("column", "file")
    assert "file" in found.best.left_out
    assert found.best.inputs == ("size", "town")
    table, _ = found.known
    # test.csv comes first: its header is line 1, its last row line 31, and the first row of train.csv line 31 + 2
    assert table.lines.tolist() == [*range(2, 32), *range(33, 123)]
    assert table.place(29) == "line 31 of test.csv"
    assert table.place(30) == "line 2 of train.csv"
    padded = fault(found, "blanks around")
    assert padded.count == 120
    assert "line 2 of test.csv, line 3 of test.csv" in describe(found)


def test_shards_and_columns_in_another_order_are_one_table(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    rows(60).to_parquet(path / "train-00000-of-00002.parquet")
    rows(60, 60)[["sold", "town", "size"]].to_parquet(path / "train-00001-of-00002.parquet")
    rows(30, 120).to_parquet(path / "test-00000-of-00001.parquet")
    found = look(path, Options(target="sold"))
    assert found.rows == 150
    table, study = found.known
    assert table.place(149) == "row 60 of train-00001-of-00002.parquet"
    assert study.get("size").row_numbers()[-1] == 119 / 8


def test_equal_rows_of_two_files_are_found(tmp_path):
    path = saved(tmp_path / "data", train=rows(90), test=rows(30, 80))
    assert look(path, Options(target="sold")).duplicates.count == 0  # the files differ
    assert look(path, Options(target="sold", split="0.2")).split.strategy == "random"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"train": rows(90), "test": rows(30).drop(columns="sold")},
            r"compared with test\.csv, train\.csv has sold in addition; which file is meant\? Answer with one of:"
            r" assay add .*/test\.csv, assay add .*/train\.csv$",
        ),
        (
            {"a": rows(90), "b": rows(30).rename(columns={"town": "place"})},
            r"b\.csv lacks town and has place in addition",
        ),
        ({"y2023": rows(90), "y2024": rows(30)}, r"2 files with the same columns.* with --split 0\.2"),
        (
            {"y2022": rows(20), "y2023": rows(90), "y2024": rows(30)},
            r"3 files with the same columns.* with --split group:file .* or --split 0\.2",
        ),
        ({"train": rows(90).assign(file=1), "test": rows(30).assign(file=1)}, "rename it"),
    ],
)
def test_what_is_not_clear_is_asked_with_the_choices(tmp_path, tables, message):
    with pytest.raises(ValueError, match=message) as caught:
        look(saved(tmp_path / "data", **tables))
    assert "\n" not in str(caught.value)


def test_the_answers_to_the_question_are_accepted(tmp_path):
    path = saved(tmp_path / "data", a=rows(90), b=rows(30, 90), c=rows(30, 120))
    with pytest.raises(ValueError, match="same columns") as caught:
        look(path)
    (file, *_) = re.findall(r"assay add (\S+?\.csv)", str(caught.value))
    assert look(Path(file), Options(target="sold")).rows == 90
    assert look(path, Options(target="sold", split="group:file")).split.column == "file"
    assert look(path, Options(target="sold", split="0.2")).rows == 150


def test_files_whose_names_say_no_part_are_left_out(tmp_path):
    path = saved(tmp_path / "data", train=rows(90), test=rows(30, 90), sample_submission=rows(30)[["sold"]])
    assert "sample_submission.csv" in fault(look(path, Options(target="sold")), "file left out").message
