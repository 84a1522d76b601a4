"""``assay add`` with a Croissant description of several record sets: which one is a question that the user answers."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from assay.cli import app
from tests.data.own.test_croissant import column, described, file, of_file
from tests.pipeline.adding.test_add import everything, project, table

__all__ = ["project"]

SETS = ("flats", "sold flats")


@pytest.fixture
def description(tmp_path: Path) -> Path:
    """A description of two record sets of the same table, and of its splits, which are no rows."""
    path = tmp_path / "table.csv"
    table().to_csv(path, index=False)
    fields = [column(name, of_file(name)) for name in ("age", "town", "price")]
    made = described(tmp_path, [file(path)], fields)
    whole = json.loads(made.read_text())
    [rows] = whole["recordSet"]
    whole["recordSet"] = [{**rows, "@id": name, "name": name} for name in SETS] + [
        {"@id": "s", "dataType": "cr:Split"}
    ]
    made.write_text(json.dumps(whole))
    return made


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            (),
            "which record set is to be added: flats, sold flats? Answer with --record-set NAME",
        ),
        (
            ("--record-set", "rented flats"),
            "--record-set rented flats: no such record set; there are flats, sold flats",
        ),
        (("--record-set", "s"), "--record-set s: no such record set; there are flats, sold flats"),
    ],
)
def test_the_record_sets_are_named_and_nothing_is_written(words, error, dry_run, description, project):
    before, beside = everything(project), everything(description.parent)
    ran = CliRunner().invoke(app, ["add", str(description), "--target", "price", *words, *dry_run])
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", f"{error}\n")
    assert everything(project) == before
    assert everything(description.parent) == beside


def test_the_answer_is_added_under_the_name_of_both(description, project):
    ran = CliRunner().invoke(
        app, ["add", str(description), "--target", "price", "--record-set", "sold flats", "--link"]
    )
    assert ran.exit_code == 2  # the rows of a description have no place of their own
    ran = CliRunner().invoke(
        app, ["add", str(description), "--target", "price", "--record-set", "sold flats"]
    )
    assert ran.exit_code == 0, ran.stderr
    assert [path.name for path in (project / "data/own").iterdir()] == ["some_rows_sold_flats"]
    [copied] = (project / "data/own/some_rows_sold_flats").iterdir()
    assert list(pd.read_parquet(copied)) == ["age", "town", "price"]
