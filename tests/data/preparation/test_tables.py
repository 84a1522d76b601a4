"""Tables of numbers are cleaned, split and described."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from assay.data.preparation.table_encoder import TableEncoder
from assay.data.preparation.tables import TableSet, prepare, read_numbers
from assay.tasks import loading

RNG = np.random.default_rng(0)
FEATURES = np.column_stack([RNG.normal(50, 10, 200), RNG.normal(size=200), np.full(200, 7.0)])
NAMES = ("age", "score", "constant")


def prepared(table, out, **changed):
    options = {"dataset": "made", "seed": 0, "validation_fraction": 0.25, "test_fraction": 0.2, **changed}
    return prepare(table, out, **options)


def test_means_and_deviations_are_those_of_training_rows(tmp_path):
    targets = RNG.normal(150, 70, 200)
    facts = prepared(TableSet.of_numbers(FEATURES, targets, NAMES), tmp_path)
    items, arrays = (
        pd.read_parquet(tmp_path / "items.parquet"),
        load_file(tmp_path / "arrays.safetensors"),
    )
    learned = (items["split"] == "train").to_numpy()
    assert facts["counts"] == {"train": 120, "validation": 40, "test": 40}
    encoder = TableEncoder.load(tmp_path)
    assert encoder.mean == pytest.approx(FEATURES[learned].mean(axis=0))
    assert encoder.std == pytest.approx([*FEATURES[learned, :2].std(axis=0), 1.0])
    assert facts["target_mean"] == pytest.approx(targets[learned].mean())
    assert facts["target_std"] == pytest.approx(targets[learned].std())
    assert (facts["classes"], facts["columns"], facts["shape"]) == ([], [*NAMES], [3])
    assert items.columns.tolist() == ["item", "split", "target", *NAMES, "sha256"]
    np.testing.assert_array_equal(items[[*NAMES]], FEATURES)
    np.testing.assert_array_equal(arrays["targets"], targets.astype(np.float32))


def test_classes_keep_their_proportions(tmp_path):
    labels = (np.arange(200) % 4 == 0).astype(np.int64)
    facts = prepared(TableSet.of_numbers(FEATURES, labels, NAMES, ("no", "yes")), tmp_path)
    assert facts["class_counts"] == {"train": [90, 30], "validation": [30, 10], "test": [30, 10]}
    assert load_file(tmp_path / "arrays.safetensors")["labels"].tolist() == labels.tolist()


def test_equal_rows_with_other_targets_are_dropped_and_equal_ones_kept_once(tmp_path):
    features = np.concatenate([FEATURES, FEATURES[:2]])
    targets = np.concatenate([np.arange(200.0), [0.0, 5.0]])
    facts = prepared(TableSet.of_numbers(features, targets, NAMES), tmp_path)
    assert {drop["reason"]: drop["items"] for drop in facts["dropped"]} == {
        "same features as an earlier item of the split": [200],
        "same features with different labels in the split": [1, 201],
    }


@pytest.mark.parametrize("classes", [(), ("no", "yes")])
def test_equal_rows_of_different_people_are_kept_in_one_split(classes, tmp_path):
    features = np.concatenate([FEATURES, FEATURES[:50], FEATURES[:20]])
    targets = np.arange(270) % 2 if classes else np.arange(270.0)
    table = TableSet.of_numbers(features, targets, NAMES, classes, equal_rows="keep")
    facts = prepared(table, tmp_path)
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert (facts["dropped"], len(items)) == ([], 270)
    assert items["sha256"].is_unique
    assert (items.groupby([*NAMES])["split"].nunique() == 1).all()
    assert items.drop_duplicates([*NAMES])["split"].value_counts().to_dict() == {
        "train": 120, "validation": 40, "test": 40
    }  # fmt: skip
    assert facts["split"]["strategy"] == ("stratified" if classes else "random")


def test_equal_arguments_give_equal_bytes(tmp_path):
    for name in "ab":
        prepared(TableSet.of_numbers(FEATURES, np.arange(200.0), NAMES), tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"1 2\n3 nan\n", "row 2 has a number that is not finite"),
        (b"1 2 3\n", "3 columns, expected 2"),
        (b"1 two\n", "not a table of numbers"),
        (b" \n", "row 1: the text is empty"),
    ],
)
def test_a_file_that_is_not_a_table_of_numbers_is_an_error(data, words, tmp_path):
    with pytest.raises(ValueError, match=words) as error:
        read_numbers(tmp_path / "numbers.csv", data, columns=2)
    assert str(error.value).startswith(f"{tmp_path / 'numbers.csv'}")
    assert "\n" not in str(error.value)


def test_rows_are_split_by_group_and_the_groups_are_written(tmp_path):
    groups = np.arange(200) // 5
    table = TableSet.of_numbers(FEATURES, np.arange(200.0), NAMES, groups=groups, times=np.arange(200) / 2)
    facts = prepared(table, tmp_path, split_strategy="group")
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert items.columns.tolist() == ["item", "split", "group", "time", "target", *NAMES, "sha256"]
    np.testing.assert_array_equal(items[["group", "time"]], np.column_stack([groups, np.arange(200) / 2]))
    assert (items.groupby("group")["split"].nunique() == 1).all()
    assert facts["split"]["strategy"] == "group"
    assert facts["counts"] == {"train": 120, "validation": 40, "test": 40}  # 24, 8 and 8 groups of 40


def test_groups_may_have_names_and_stay_beside_their_rows_when_others_are_dropped(tmp_path):
    features = np.concatenate([FEATURES[:3], FEATURES])
    groups = np.array(["nobody"] * 3 + [f"patient {row // 4}" for row in range(200)])
    targets = np.concatenate([np.full(3, -1.0), np.arange(200.0)])
    prepared(TableSet.of_numbers(features, targets, NAMES, groups=groups), tmp_path, split_strategy="group")
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert items["group"].tolist() == [f"patient {row // 4}" for row in range(3, 200)]


def test_the_latest_rows_are_held_out(tmp_path):
    times = np.random.default_rng(1).permutation(200)
    facts = prepared(
        TableSet.of_numbers(FEATURES, np.arange(200.0), NAMES, times=times), tmp_path, split_strategy="time"
    )
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert items.loc[items["split"] == "test", "time"].min() == 160
    assert items.loc[items["split"] == "validation", "time"].min() == 120
    assert facts["split"]["strategy"] == "time"


def test_a_strategy_without_its_fact_is_refused(tmp_path):
    table = TableSet.of_numbers(FEATURES, np.arange(200.0), NAMES)
    with pytest.raises(ValueError, match=r"^made: split_strategy = 'time': its read\(\) returns no times"):
        prepared(table, tmp_path, split_strategy="time")


def test_a_feature_may_have_the_name_of_a_fact(tmp_path):
    table = TableSet.of_numbers(
        FEATURES, np.arange(200.0), ("item", "time", "time_"), times=np.arange(200) + 1000
    )
    facts = prepared(table, tmp_path, split_strategy="time")
    assert facts["columns"] == ["item", "time", "time_"]
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert list(items) == ["item", "split", "time", "target", "item_", "time__", "time_", "sha256"]
    assert (items["time"] >= 1000).all()
    np.testing.assert_array_equal(items[["item_", "time__", "time_"]].to_numpy(), FEATURES[items["item"]])


def test_weights_go_with_their_rows_into_training(tmp_path):
    features = np.concatenate([FEATURES[:1], FEATURES])  # the second row is dropped
    targets, weights = np.append(0.0, np.arange(200.0)), np.arange(201) + 0.5
    prepared(TableSet.of_numbers(features, targets, NAMES, weights=weights), tmp_path)
    train = loading.load("table_regression").load(tmp_path, ("train",))["train"]
    assert train.weights is not None
    np.testing.assert_array_equal(train.weights, weights[train.items])
    assert 1 not in train.items
    assert len(train.batch(slice(5)).weights) == 5


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_a_weight_that_is_no_positive_number_is_one_line(tmp_path, weight):
    weights = np.append(np.ones(199), weight)
    with pytest.raises(
        ValueError, match=rf"^made: row 200 has the weight {weight:g}; allowed are numbers above 0"
    ):
        prepared(TableSet.of_numbers(FEATURES, np.arange(200.0), NAMES, weights=weights), tmp_path)


def test_the_split_that_upstream_names_is_used(tmp_path):
    split = np.array(["test"] * 50 + ["train"] * 150)
    facts = prepared(TableSet.of_numbers(FEATURES, np.arange(200.0), NAMES, split=split), tmp_path)
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert (items["split"][:50] == "test").all()
    assert set(items["split"][50:]) == {"train", "validation"}
    assert facts["split"]["test"] == "upstream"
