"""Datasets by name: each file of datasets/ that is one ends with its object."""

from __future__ import annotations

import ast
from pathlib import Path

import pandas as pd
import pytest

from assay import data
from assay.config import registry
from assay.data import loading
from assay.data.declarations import Dataset, Files

FOLDER = Path(data.__path__[0]) / "datasets"


def named(path: Path) -> dict[str, ast.stmt]:
    """Return the statements at a file's top level that give something a name."""
    found = {}
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = statement
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found[statement.targets[0].id] = statement
    return found


DECLARED = {path.stem: named(path) for path in FOLDER.rglob("*.py") if "DATASET" in named(path)}


def test_the_files_that_declare_a_dataset_are_those_of_the_catalogue() -> None:
    assert sorted(DECLARED) == sorted(registry.DATASETS)


@pytest.mark.parametrize("name", sorted(registry.DATASETS))
def test_a_file_ends_with_its_dataset_which_has_its_name(name: str) -> None:
    [path] = FOLDER.rglob(f"{name}.py")
    last = ast.parse(path.read_text(encoding="utf-8")).body[-1]
    assert isinstance(last, ast.AnnAssign)
    assert ast.unparse(last).startswith("DATASET: Dataset = ")
    dataset = loading.load(name)
    assert isinstance(dataset, Dataset)
    assert dataset.source.name == name


@pytest.mark.parametrize("name", sorted(registry.DATASETS))
def test_a_twin_is_loaded_by_its_name_too(name: str) -> None:
    assert loading.load(f"{name}{registry.TWIN}") is loading.load(name)


@pytest.mark.parametrize("name", sorted(registry.DATASETS))
def test_the_parts_of_a_dataset_can_be_read_without_importing_it(name: str) -> None:
    parts = DECLARED[name].get("PARTS")
    keys = []
    if parts:
        assert isinstance(parts, ast.Assign)
        assert isinstance(parts.value, ast.Dict)
        keys = [ast.literal_eval(key) for key in parts.value.keys if key]
    assert keys == list(loading.load(name).parts) == list(registry.DATASETS[name].parts)
    assert all(isinstance(part, Files) for part in loading.load(name).parts.values())


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        loading.load("nowhere")


def test_a_row_may_request_another_split_strategy(tmp_path: Path) -> None:
    dataset = loading.load("clinic_visits", split_strategy="random")
    assert loading.load("clinic_visits").split_strategy == "group"
    assert dataset.split_strategy == "random"
    dataset.make_twin(tmp_path / "raw", 0)
    out = tmp_path / "clinic_visits_twin"
    facts = dataset.prepare(tmp_path / "raw", out, seed=0, validation_fraction=0.2)
    assert facts["split"]["strategy"] == "random"
    items = pd.read_parquet(out / "items.parquet")
    assert items.groupby("group")["split"].nunique().max() > 1


def test_a_strategy_that_the_data_cannot_serve_is_one_line(tmp_path: Path) -> None:
    dataset = loading.load("digits", split_strategy="time")
    dataset.make_twin(tmp_path / "raw", 0)
    with pytest.raises(ValueError, match=r"^digits_twin: [^\n]*time[^\n]*$"):
        dataset.prepare(tmp_path / "raw", tmp_path / "digits_twin", seed=0, validation_fraction=0.2)


def test_a_dataset_with_its_own_split_takes_no_strategy() -> None:
    with pytest.raises(ValueError, match=r"^dates: split_strategy = group: only declared is allowed"):
        loading.load("dates", split_strategy="group")
