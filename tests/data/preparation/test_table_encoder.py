"""An encoder is fitted to training rows only, is kept as JSON, and encodes any row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from sklearn.preprocessing import StandardScaler

from assay.data.preparation import tables
from assay.data.preparation.table_encoder import FILE, BadCellError, TableEncoder
from assay.data.preparation.tables import TableSet
from assay.files import read_json, write_json
from assay.tasks import loading

KINDS = {"age": "number", "town": "category", "plan": "category", "since": "date", "note": "text"}
MISSING = {"age": np.nan, "town": None, "plan": None, "since": None, "note": None}
WORDS = ("slow", "quick", "broken", "new", "old", "loud")


def objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def mixed(count=600, seed=0):
    """Return a table of all kinds of columns, a fifth of the cells missing, with a class that depends on them."""
    rng = np.random.default_rng(seed)
    columns = {
        "age": rng.normal(50, 10, count).round(1),
        "town": objects([f"town {place}" for place in rng.integers(60, size=count)]),
        "plan": objects(rng.choice(["basic", "full", "trial"], count, p=[0.6, 0.395, 0.005])),
        "since": objects([*(np.datetime64("2020-01-01") + rng.integers(900, size=count)).astype(str)]),
        "note": objects([" ".join(rng.choice(WORDS, 4)) for _ in range(count)]),
    }
    labels = ((columns["age"] > 50) ^ (columns["plan"] == "full")).astype(np.int64)
    for name, values in columns.items():
        values[rng.random(count) < 0.2] = MISSING[name]
    return TableSet(columns, KINDS, labels, ("stays", "leaves"))


def prepare(table, out, **changed):
    options = {"dataset": "made", "seed": 0, "validation_fraction": 0.25, "test_fraction": 0.2, **changed}
    facts = tables.prepare(table, out, **options)
    return facts, pd.read_parquet(out / "items.parquet"), load_file(out / "arrays.safetensors")


def test_every_kind_of_column_is_kept_raw_and_encoded(tmp_path):
    facts, items, arrays = prepare(mixed(), tmp_path)
    assert items.columns.tolist() == ["item", "split", "label", *KINDS, "sha256"]
    assert items[[*KINDS]].isna().mean().between(0.1, 0.3).all()
    assert facts["columns"] == [*KINDS]
    assert facts["shape"] == [len(facts["features"])] == [arrays["features"].shape[1]]
    assert facts["files"].keys() == {"arrays.safetensors", "items.parquet", FILE}
    assert np.isfinite(arrays["features"]).all()
    assert {
        "age is missing",
        "mean target of town",
        "plan = basic",
        "plan is rare",
        "since: sine of the year",
    } < {*facts["features"]}


def test_features_are_scaled_as_by_standard_scaler_but_for_categories(tmp_path):
    facts, items, _ = prepare(mixed(), tmp_path)
    train = loading.load("table_classification").load(tmp_path, ("train",))["train"].inputs.numpy()
    ages = items["age"].where(items["split"] == "train").dropna()
    filled = items.loc[items["split"] == "train", ["age"]].fillna(ages.median()).to_numpy()
    expected = StandardScaler().fit_transform(filled)
    np.testing.assert_allclose(train[:, [facts["features"].index("age")]], expected, atol=1e-5)
    ones = [name for name in facts["features"] if name.startswith("plan")]
    assert len(ones) == 4
    assert {*np.unique(train[:, [facts["features"].index(name) for name in ones]])} == {0, 1}
    scaled = [place for place, name in enumerate(facts["features"]) if name not in ones]
    np.testing.assert_allclose(train[:, scaled].std(axis=0), 1, atol=1e-3)


def test_a_changed_test_row_changes_nothing_that_was_learned(tmp_path):
    table = mixed()
    _, items, arrays = prepare(table, tmp_path / "a")
    held = items.loc[items["split"] != "train", "item"].to_numpy()
    changed = {name: values.copy() for name, values in table.columns.items()}
    changed["age"][held] *= 3
    for name, kind in KINDS.items():
        if kind in ("category", "text"):
            changed[name][held] = objects([f"unseen {item}" for item in held])
    changed["since"][held] = "1999-09-09"
    labels = np.where(np.isin(np.arange(len(table)), held), 1 - table.targets, table.targets)
    split = items.set_index("item")["split"].reindex(np.arange(len(table))).fillna("").to_numpy(str)
    for name, columns, targets in (("b", table.columns, table.targets), ("c", changed, labels)):
        prepare(replace(table, columns=columns, targets=targets, split=split), tmp_path / name)
    learned = (items["split"] == "train").to_numpy()
    for name in "bc":
        assert (tmp_path / name / FILE).read_bytes() == (tmp_path / "a" / FILE).read_bytes()
        features = load_file(tmp_path / name / "arrays.safetensors")["features"]
        np.testing.assert_array_equal(features[learned], arrays["features"][learned])
    assert (features[~learned] != arrays["features"][~learned]).any(axis=0).sum() >= 20


def test_the_kept_encoder_gives_held_out_rows_the_features_they_have(tmp_path):
    table = mixed()
    _, items, arrays = prepare(table, tmp_path)
    encoder = TableEncoder.load(tmp_path)
    held = items[items["split"] != "train"]
    cells = {name: held[name].tolist() for name in KINDS}
    as_text = {
        name: ["" if pd.isna(cell) else str(cell) for cell in column] for name, column in cells.items()
    }
    for given in (cells, as_text, {**as_text, "more": as_text["age"]}):
        np.testing.assert_array_equal(encoder.encode(encoder.read(given)), arrays["features"][held.index])
    assert TableEncoder.model_validate(read_json(tmp_path / FILE)) == encoder
    assert encoder.features == read_json(tmp_path / "prepared.json")["features"]


def test_any_missing_or_unseen_cell_is_encoded(tmp_path):
    prepare(mixed(), tmp_path)
    encoder = TableEncoder.load(tmp_path)
    rows = {name: [None, ""] for name in KINDS}
    unseen = {
        "age": ["-1e9"],
        "town": ["?!"],
        "plan": ["gold"],
        "since": ["3000-01-01"],
        "note": ["\u00e9t\u00e9"],
    }
    for given in (rows, unseen, {name: [] for name in KINDS}):
        features = encoder.encode(encoder.read(given))
        assert features.shape == (len(given["age"]), len(encoder.features))
        assert np.isfinite(features).all()


def test_a_cell_that_is_no_number_names_its_row_and_column(tmp_path):
    prepare(mixed(), tmp_path)
    encoder = TableEncoder.load(tmp_path)
    with pytest.raises(BadCellError, match=r"^age = 'old'; a number is expected$") as error:
        encoder.read({name: ["", "old"] for name in KINDS})
    assert error.value.row == 1


def test_training_rows_of_one_group_are_in_one_fold(tmp_path):
    """A category of each group alone would else be known by its other rows' targets."""
    rng = np.random.default_rng(0)
    persons = np.arange(800) // 8
    targets = rng.normal(size=100)[persons] + 0.1 * rng.normal(size=800)
    columns = {"person": objects([f"person {person}" for person in persons]), "x": rng.normal(size=800)}
    table = TableSet(columns, {"person": "category", "x": "number"}, targets)
    correlations = {}
    for name, groups in (("items", None), ("groups", persons)):
        facts, items, arrays = prepare(
            replace(table, groups=groups), tmp_path / name, split_strategy="random"
        )
        train = (items["split"] == "train").to_numpy()
        feature = arrays["features"][train, facts["features"].index("mean target of person")]
        correlations[name] = np.corrcoef(feature, items.loc[train, "target"])[0, 1] if feature.std() else 0
    assert correlations["items"] > 0.8
    assert abs(correlations["groups"]) < 0.2


def test_a_class_is_encoded_by_its_share(tmp_path):
    table = mixed()
    labels = np.arange(len(table)) % 3
    facts, _, _ = prepare(replace(table, targets=labels, classes=("a", "b", "c")), tmp_path)
    assert [name for name in facts["features"] if "town" in name] == [
        f"share of class {place} by town" for place in range(3)
    ]


@pytest.mark.parametrize("numbers", [1.7e9 + np.arange(200.0), 1e50 * np.arange(200.0)])
def test_numbers_that_float32_cannot_tell_apart_keep_their_differences(numbers, tmp_path):
    facts, items, arrays = prepare(TableSet.of_numbers(numbers[:, None], np.arange(200.0), ("at",)), tmp_path)
    assert arrays["features"].dtype == np.float64
    train = loading.load("table_regression").load(tmp_path, ("train",))["train"].inputs.numpy()
    expected = StandardScaler().fit_transform(items.loc[items["split"] == "train", ["at"]].to_numpy())
    np.testing.assert_allclose(train, expected, atol=1e-5)
    assert facts["shape"] == [1]


@pytest.mark.parametrize("number", [np.inf, 1e200])
def test_a_number_that_is_too_large_is_one_line(number, tmp_path):
    features = np.append(np.arange(199.0), number)[:, None]
    with pytest.raises(
        ValueError, match=r"^made: row 200: x = .*; allowed are numbers up to 1e\+100; fix its read\(\)$"
    ):
        prepare(TableSet.of_numbers(features, np.arange(200.0), ("x",)), tmp_path)


def test_a_damaged_file_is_one_line(tmp_path):
    prepare(mixed(), tmp_path)
    record = read_json(tmp_path / FILE)
    record["columns"][0]["encoder"]["median"] = "many"
    write_json(tmp_path / FILE, record)
    with pytest.raises(
        ValueError, match=r"encoder\.json: columns\.0\.encoder\.number\.median: .*; prepare the dataset"
    ) as error:
        TableEncoder.load(tmp_path)
    assert "\n" not in str(error.value)
