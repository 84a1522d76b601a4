"""croissant.json, read by mlcroissant: it is valid, and its records are the rows of items.parquet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from absl import logging

from assay.config import registry
from assay.data.preparation import croissant
from assay.files import sha256
from assay.pipeline.stages import ingest, prepare

# mlcroissant calls what rdflib and pandas have deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning",
    "ignore:The inplace keyword in DataFrame.reset_index:DeprecationWarning",
)

SPLIT = {"split_seed": 0, "validation_fraction": 0.2, "split_strategy": "declared"}


def made(folder: Path, dataset: str, spec: dict[str, Any]) -> Path:
    """Ingest and prepare a dataset; return the folder of the prepared files."""
    source = folder / "raw" / dataset / "source.json"
    out = folder / "prepared" / dataset / "prepared.json"
    common = [dataset, "--code", "c0de"]
    asked = [*common, "--spec", json.dumps(spec), "--out", str(source), "--log", str(folder / "log")]
    assert ingest.main(asked) == 0
    asked = [*common, "--spec", json.dumps({**spec, **SPLIT}), "--source", str(source), "--out", str(out)]
    assert prepare.main(asked) == 0
    record = json.loads(out.read_text())
    assert record["status"] == "ok", record["reason"]
    return out.parent


def issues(prepared: Path) -> tuple[Any, list[str]]:
    """Return what mlcroissant reads, and its errors and warnings."""
    import mlcroissant

    logged: list[str] = []

    class Log(logging.PythonHandler):
        def emit(self, record: Any) -> None:
            logged.append(record.getMessage())

    handler = Log()
    logging.get_absl_logger().addHandler(handler)
    try:
        found = mlcroissant.Dataset(jsonld=prepared / croissant.NAME)
    finally:
        logging.get_absl_logger().removeHandler(handler)
    known = found.metadata.ctx.issues
    return found, [*logged, *known.errors, *known.warnings]


def plain(value: Any) -> Any:
    value = value.decode() if isinstance(value, bytes) else value
    return None if pd.isna(value) else value


@pytest.mark.parametrize("name", sorted(registry.DATASETS))
def test_mlcroissant_accepts_the_file_and_reads_the_rows_of_items_parquet(name: str, tmp_path: Path) -> None:
    prepared = made(tmp_path, name + registry.TWIN, {"family": name, "knobs": {}})
    found, wrong = issues(prepared)
    assert wrong == []
    items = pd.read_parquet(prepared / croissant.ITEMS)
    [fields] = [each.fields for each in found.metadata.record_sets if each.id == "items"]
    assert [each.name for each in fields] == list(items.columns)
    records = [{each.name: plain(record[each.id]) for each in fields} for record in found.records("items")]
    assert records == [{key: plain(value) for key, value in row.items()} for row in items.to_dict("records")]


def test_every_registered_dataset_is_tested() -> None:
    assert {"digits", "wine", "multi30k", "wnut17"} <= set(registry.DATASETS)
    assert len(registry.DATASETS) >= 19


def test_the_file_is_in_the_record_and_names_every_other_file_with_its_digest(tmp_path: Path) -> None:
    prepared = made(tmp_path, "digits_twin", {"family": "digits", "knobs": {}})
    record = json.loads((prepared / "prepared.json").read_text())
    assert record["files"][croissant.NAME] == sha256(prepared / croissant.NAME)
    described = json.loads((prepared / croissant.NAME).read_text())
    files = {(prepared / each["contentUrl"]).resolve(): each["sha256"] for each in described["distribution"]}
    there = {path.resolve() for path in [*prepared.iterdir(), *(tmp_path / "raw" / "digits_twin").iterdir()]}
    ours = {each for each in there if each.name in ("prepared.json", "source.json", croissant.NAME)}
    assert files == {path: sha256(path) for path in there - ours}
    assert described["citeAs"].startswith("Alpaydin")
    assert described["datePublished"] == "1998"
    assert described["description"].startswith("A synthetic twin")


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (
        made(tmp_path / each, "wine_twin", {"family": "wine", "knobs": {}}) / croissant.NAME for each in "ab"
    )
    assert first.read_bytes() == second.read_bytes()


def test_own_data_are_described_without_their_values_or_their_place(tmp_path: Path) -> None:
    table = tmp_path / "secret place" / "patients.csv"
    table.parent.mkdir()
    rows = [f"Jane Doe {n},{n},{'well' if n % 2 else 'ill'}" for n in range(60)]
    table.write_text("\n".join(["full name,blood count,state", *rows]))
    knobs = {
        "path": str(table), "digest": sha256(table), "encoding": None, "header": True, "day_first": None,
        "target": "state", "as_classes": True, "ignore": ["full name"], "kinds": {}, "split": "stratified",
        "test_fraction": 0.2, "min_per_class": 5,
    }  # fmt: skip
    prepared = made(tmp_path, "patients", {"family": "own_table", "knobs": knobs})
    text = (prepared / croissant.NAME).read_text()
    for private in ("Jane", "secret place", "well", str(tmp_path)):
        assert private not in text
    _, wrong = issues(prepared)
    assert {each.rpartition("] ")[2] for each in wrong if not each.startswith("Found")} == {
        'Property "http://mlcommons.org/croissant/citeAs" is recommended, but does not exist.',
        'Property "https://schema.org/datePublished" is recommended, but does not exist.',
    }
    about = {"licence": "CC0-1.0", "citation": "Doe (2020). Blood.", "published": "2020"}
    prepared = made(tmp_path / "b", "patients", {"family": "own_table", "knobs": knobs, "about": about})
    found, wrong = issues(prepared)
    assert wrong == []
    assert found.metadata.license == ["CC0-1.0"]
    assert [plain(each["items/blood_count"]) for each in found.records("items")][:2] == [
        plain(value) for value in pd.read_parquet(prepared / croissant.ITEMS)["blood count"][:2]
    ]


def test_columns_whose_names_are_no_identifiers_have_keys_of_their_own(tmp_path: Path) -> None:
    schema = pa.schema([("item", pa.int64()), ("a b", pa.string()), ("a/b", pa.bool_()), ("ä", pa.float32()),
                        ("day", pa.date32()), ("tags", pa.list_(pa.string()))])  # fmt: skip
    pq.write_table(schema.empty_table(), tmp_path / croissant.ITEMS)
    source = {
        "files": {},
        "twin": False,
        "quirks": "",
        "licence": "",
        "citation": "",
        "published": "",
        "homepage": "",
    }
    prepared = {"dataset": "x", "files": {}, "counts": {"train": 1, "validation": 1, "test": 1}}
    [_, items] = croissant.describe(tmp_path, tmp_path, source, prepared)["recordSet"]
    found = [(each["@id"], each["name"], each["dataType"]) for each in items["field"]]
    assert found == [
        ("items/item", "item", "sc:Integer"), ("items/a_b", "a b", "sc:Text"), ("items/a_b-2", "a/b", "sc:Boolean"),
        ("items/_", "ä", "sc:Float"), ("items/day", "day", "sc:DateTime"), ("items/tags", "tags", "sc:Text"),
    ]  # fmt: skip
    assert items["field"][-1]["repeated"] is True


def test_thousands_of_raw_files_are_described_by_their_list(tmp_path: Path) -> None:
    (tmp_path / "source.json").write_text("{}")
    files = {f"{number}.png": {"url": "x", "size": 1, "sha256": "0"} for number in range(1001)}
    [file] = croissant._raw_files(tmp_path, tmp_path / "out", files)
    assert file["contentUrl"] == "../source.json"
    assert file["sha256"] == sha256(tmp_path / "source.json")


def test_preparing_does_not_import_mlcroissant() -> None:
    code = "import sys, assay.pipeline.stages.prepare; sys.exit('mlcroissant' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
