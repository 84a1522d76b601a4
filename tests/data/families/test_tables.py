"""Tables that are split by group or by time pass their gate, twins included, and each expectation is seen to fail."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from assay.data.datasets.table import diabetes
from assay.data.declarations import Dataset
from assay.data.families.table_columns import Category, Date, Number, Text
from assay.data.families.tables import Tables
from assay.data.preparation.tables import TableSet
from assay.data.validation import validate

pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)


@dataclass(frozen=True, kw_only=True)
class Kept(Tables):
    """A table in one Parquet file."""

    def read(self, raw: Path) -> TableSet:
        found = pd.read_parquet(raw / "table.parquet")
        columns = {name: found[name].to_numpy() for name in self.columns}  # with NaN for a missing text
        kinds = {name: column.kind for name, column in self.columns.items()}
        origins = {f"{name}s": found[name].to_numpy() for name in self.origins}
        return TableSet(columns, kinds, found["target"].to_numpy(), self.classes, **origins)

    def write(self, raw: Path, table: TableSet) -> None:
        pd.DataFrame({**table.columns, **table.origins, "target": table.targets}).to_parquet(
            raw / "table.parquet"
        )


BOTH = Kept(
    source=replace(diabetes.DATASET.source, name="diabetes"),
    columns={"dose": Number(0, 40), "age": Number(20, 80)},
    target=(0, 10),
    test_fraction=0.25,
    origins=("group", "time"),
    split_strategy="group",
)


MIXED = replace(
    BOTH,
    columns={
        "dose": Number(0, 40, missing=0.4),
        "town": Category(("north", "south", "east"), missing=0.4),
        "plan": Category(("basic", "full"), mostly=0.9),
        "since": Date("2020-01-01", "2022-12-31", missing=0.4),
        "note": Text(5, 40, missing=0.4),
    },
    origins=(),
    split_strategy=None,
)


def prepared(dataset: Dataset, folder: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    raw = folder / "raw"
    raw.mkdir()
    dataset.make_twin(raw, 0)
    facts = dataset.prepare(raw, folder / "diabetes", seed=0, validation_fraction=0.2)
    return pd.read_parquet(folder / "diabetes" / "items.parquet"), facts["counts"]


def _each_is_seen_to_fail(dataset: Dataset, items: pd.DataFrame, counts: dict[str, int]) -> None:
    for place, check in enumerate(dataset.checks(counts)):
        expectation = dataset.expectations(counts)[place]
        bad = validate(check.spoil(items), [expectation], dataset="diabetes", file="diabetes.py", docs=None)
        assert bad["status"] == "failed", expectation


@pytest.mark.parametrize(
    ("strategy", "column"), [("group", "splits_with_group"), ("time", "held_out_before"), ("random", None)]
)
def test_a_twin_is_split_as_declared_and_the_gate_holds_it(
    strategy: str, column: str | None, tmp_path: Path
) -> None:
    dataset = replace(BOTH, split_strategy=strategy)
    items, counts = prepared(dataset, tmp_path)
    found = validate(items, dataset.expectations(counts), dataset="diabetes", file="diabetes.py", docs=None)
    assert found["reason"] == ""
    of_splits = {"splits_with_group", "held_out_before"} & {each["column"] for each in found["expectations"]}
    assert of_splits == ({column} if column else set())
    _each_is_seen_to_fail(dataset, items, counts)


@pytest.mark.parametrize("classes", [(), ("no", "yes")])
def test_a_twin_of_every_kind_of_column_passes_the_gate(classes: tuple[str, ...], tmp_path: Path) -> None:
    dataset = replace(MIXED, classes=classes, class_share=(0.3, 0.7))
    items, counts = prepared(dataset, tmp_path)
    missing = items[[*MIXED.columns]].isna().mean()
    assert missing.drop("plan").between(0.1, 0.3).all()
    assert missing["plan"] == 0
    found = validate(items, dataset.expectations(counts), dataset="diabetes", file="diabetes.py", docs=None)
    assert found["reason"] == ""
    _each_is_seen_to_fail(dataset, items, counts)


def test_a_few_other_categories_pass_where_most_are_known(tmp_path: Path) -> None:
    items, counts = prepared(MIXED, tmp_path)
    other = items.assign(plan=items["plan"].mask(items.index % 20 == 0, "new"))
    assert (
        validate(other, MIXED.expectations(counts), dataset="diabetes", file="diabetes.py", docs=None)[
            "status"
        ]
        == "ok"
    )


@pytest.mark.parametrize(("given", "strategy"), [("time", "group"), ("group", "time")])
def test_another_split_does_not_pass_the_gate(given: str, strategy: str, tmp_path: Path) -> None:
    items, counts = prepared(replace(BOTH, split_strategy=given), tmp_path)
    expectations = replace(BOTH, split_strategy=strategy).expectations(counts)
    found = validate(items, expectations, dataset="diabetes", file="diabetes.py", docs=None)
    [bad] = [each for each in found["expectations"] if not each["success"]]
    assert bad["column"] == {"group": "splits_with_group", "time": "held_out_before"}[strategy]
    assert re.search(r"check split_strategy and what read\(\) returns in the dataset's file", found["reason"])
    assert bad["first_bad"][0].keys() == {"item", bad["column"]}
