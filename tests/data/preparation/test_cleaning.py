"""Cleaning and splitting of items, on cases small enough to work out by hand; equal numbers are equal items."""

from __future__ import annotations

import numpy as np

from assay.data.preparation.cleaning import clean, draw_split
from assay.data.preparation.split_strategies import Stratified


def cleaned(
    pixels: list[int], labels: list[int], split: list[str]
) -> tuple[list[int], list[dict[str, object]]]:
    kept, dropped = clean(
        np.array([str(pixel) for pixel in pixels], dtype=object),
        np.array(labels),
        np.array(split),
        noun="pixels",
    )
    return kept.tolist(), dropped


def record(reason: str, split: str, *items: int) -> dict[str, object]:
    return {"reason": reason, "split": split, "count": len(items), "items": list(items)}


def test_keeps_everything_if_all_items_are_distinct() -> None:
    assert cleaned([1, 2, 3], [0, 1, 0], ["train", "train", "test"]) == ([0, 1, 2], [])


def test_keeps_the_first_of_equal_items_in_a_split() -> None:
    kept, dropped = cleaned([7, 8, 7, 7, 9, 9], [0, 1, 0, 0, 1, 1], ["train"] * 4 + ["test"] * 2)
    assert kept == [0, 1, 4]
    reason = "same pixels as an earlier item of the split"
    assert dropped == [record(reason, "test", 5), record(reason, "train", 2, 3)]


def test_drops_items_of_train_that_are_also_in_test() -> None:
    kept, dropped = cleaned([1, 2, 3, 2], [0, 1, 0, 1], ["train", "train", "test", "test"])
    assert kept == [0, 2, 3]
    assert dropped == [record("also in test", "train", 1)]


def test_reports_a_different_label_in_test() -> None:
    kept, dropped = cleaned([1, 2, 2], [0, 1, 0], ["train", "train", "test"])
    assert kept == [0, 2]
    assert dropped == [record("also in test, with another label", "train", 1)]


def test_drops_items_of_validation_that_are_in_test_and_of_train_that_are_in_either() -> None:
    split = ["train", "train", "train", "validation", "validation", "validation", "test"]
    kept, dropped = cleaned([1, 2, 3, 1, 2, 4, 1], [0, 1, 0, 0, 0, 1, 1], split)
    assert kept == [2, 4, 5, 6]
    assert dropped == [
        record("also in test, with another label", "train", 0),
        record("also in test, with another label", "validation", 3),
        record("also in validation, with another label", "train", 1),
    ]


def test_drops_all_equal_items_with_different_labels_in_a_split() -> None:
    kept, dropped = cleaned([5, 5, 6, 5], [0, 1, 1, 0], ["train"] * 4)
    assert kept == [2]
    assert dropped == [record("same pixels with different labels in the split", "train", 0, 1, 3)]


def test_counts_each_dropped_item_once() -> None:
    kept, dropped = cleaned([4, 4, 4], [0, 0, 0], ["train", "train", "test"])
    assert kept == [2]
    assert sum(int(str(entry["count"])) for entry in dropped) == 2


def test_cleans_a_dataset_without_splits_as_one() -> None:
    kept, dropped = cleaned([4, 4, 5], [0, 0, 1], ["", "", ""])
    assert kept == [0, 2]
    assert dropped == [record("same pixels as an earlier item of the split", "all", 1)]


def test_shows_the_first_twenty_items_and_counts_all() -> None:
    _, dropped = cleaned([1] * 31, [0] * 31, ["train"] * 31)
    assert dropped == [
        {
            "reason": "same pixels as an earlier item of the split",
            "split": "train",
            "count": 30,
            "items": list(range(1, 21)),
        }
    ]


def test_splits_train_in_the_proportions_of_its_classes() -> None:
    labels = np.array([0] * 80 + [1] * 20 + [0] * 10)
    split = draw_split(
        np.array(["train"] * 100 + ["test"] * 10), Stratified(labels), 0, 0.1, 0.5, dataset="made"
    )
    assert (split[100:] == "test").all()
    assert np.bincount(labels[split == "validation"]).tolist() == [8, 2]
    assert np.bincount(labels[split == "train"]).tolist() == [72, 18]


def test_draws_a_test_part_if_upstream_has_none() -> None:
    labels = np.array([0] * 80 + [1] * 20)
    split = draw_split(np.full(100, ""), Stratified(labels), 0, 0.25, 0.2, dataset="made")
    assert {
        name: np.bincount(labels[split == name]).tolist() for name in ("train", "validation", "test")
    } == {
        "train": [48, 12],
        "validation": [16, 4],
        "test": [16, 4],
    }


def test_the_seed_decides_the_split() -> None:
    upstream, labels = np.full(100, ""), np.arange(100) % 2
    first, again, other = (
        draw_split(upstream, Stratified(labels), seed, 0.2, 0.2, dataset="made") for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_the_reasons_name_the_equal_content() -> None:
    digests, split = np.array(["a", "a", "b", "b"], dtype=object), np.array(["train"] * 4)
    _, dropped = clean(digests, np.array([0, 0, 0, 1]), split, noun="text")
    assert dropped == [
        record("same text as an earlier item of the split", "train", 1),
        record("same text with different labels in the split", "train", 2, 3),
    ]


def test_dropped_items_are_named_by_their_numbers_in_the_file() -> None:
    digests = np.array(["a", "b", "a", "c"], dtype=object)
    kept, dropped = clean(
        digests, np.zeros(4, np.int64), np.full(4, ""), noun="text", numbers=np.array([2, 3, 7, 9])
    )
    assert kept.tolist() == [0, 1, 3]
    assert [record["items"] for record in dropped] == [[7]]
