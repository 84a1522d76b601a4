"""Tables that are split by group or by time pass their gate, twins included, and each expectation is seen to fail."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.datasets.table import diabetes
from assay.data.declarations import Dataset
from assay.data.families.table_columns import Number
from assay.data.families.tables import Tables
from assay.data.preparation.tables import TableSet
from assay.data.validation import validate

pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)


@dataclass(frozen=True, kw_only=True)
class Kept(Tables):
    """A table in one file of arrays."""

    def read(self, raw: Path) -> TableSet:
        found = np.load(raw / "table.npz")
        origins = {name: found[name] for name in ("groups", "times") if name in found}
        return TableSet.of_numbers(found["features"], found["targets"], tuple(self.columns), **origins)

    def write(self, raw: Path, table: TableSet) -> None:
        origins = {"groups": table.groups, "times": table.times}
        kept = {name: values for name, values in origins.items() if values is not None}
        np.savez(raw / "table.npz", features=table.features, targets=table.targets, **kept)


BOTH = Kept(
    source=replace(diabetes.DATASET.source, name="diabetes"),
    columns={"dose": Number(0, 40), "age": Number(20, 80)},
    target=(0, 10),
    test_fraction=0.25,
    origins=("group", "time"),
    split_strategy="group",
)


def prepared(dataset: Dataset, folder: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    raw = folder / "raw"
    raw.mkdir()
    dataset.make_twin(raw, 0)
    facts = dataset.prepare(raw, folder / "diabetes", seed=0, validation_fraction=0.2)
    return pd.read_parquet(folder / "diabetes" / "items.parquet"), facts["counts"]


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
    for place, check in enumerate(dataset.checks(counts)):
        bad = validate(
            check.spoil(items),
            [dataset.expectations(counts)[place]],
            dataset="diabetes",
            file="diabetes.py",
            docs=None,
        )
        assert bad["status"] == "failed", found["expectations"][place]


@pytest.mark.parametrize(("given", "strategy"), [("time", "group"), ("group", "time")])
def test_another_split_does_not_pass_the_gate(given: str, strategy: str, tmp_path: Path) -> None:
    items, counts = prepared(replace(BOTH, split_strategy=given), tmp_path)
    expectations = replace(BOTH, split_strategy=strategy).expectations(counts)
    found = validate(items, expectations, dataset="diabetes", file="diabetes.py", docs=None)
    [bad] = [each for each in found["expectations"] if not each["success"]]
    assert bad["column"] == {"group": "splits_with_group", "time": "held_out_before"}[strategy]
    assert re.search(r"check split_strategy and what read\(\) returns in the dataset's file", found["reason"])
    assert bad["first_bad"][0].keys() == {"item", bad["column"]}
