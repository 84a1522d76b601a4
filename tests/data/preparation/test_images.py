"""Preparing and writing of images, on cases small enough to work out by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from assay.data.preparation.images import ImageSet, prepare
from assay.files import read_json, sha256

CLASSES = ("cat", "dog")


def flat(pixels: list[int], labels: list[int], split: list[str]) -> ImageSet:
    """One-pixel images, so that equal numbers are equal images."""
    images = np.array(pixels, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return ImageSet(images, np.array(labels), np.array(split), CLASSES)


def many(num: int = 200, *, test: int = 40, seed: int = 0) -> ImageSet:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (num, 2, 3, 4), dtype=np.uint8)
    split = np.array(["train"] * (num - test) + ["test"] * test)
    return ImageSet(images, np.arange(num) % 4 // 3, split, CLASSES)  # classes 3 to 1


def prepared(image_set: ImageSet, out: Path, seed: int = 0) -> dict[str, object]:
    return prepare(image_set, out, dataset="pets", seed=seed, validation_fraction=0.25, test_fraction=0.2)


def test_writes_rows_that_describe_the_arrays(tmp_path: Path) -> None:
    image_set = many()
    prepared(image_set, tmp_path)
    arrays, items = load_file(tmp_path / "arrays.safetensors"), pd.read_parquet(tmp_path / "items.parquet")
    assert " ".join(items) == "item split label channels height width minimum maximum mean sha256"
    for row, item in enumerate(items["item"]):
        pixels = image_set.images[item]
        assert (arrays["images"][row] == pixels).all()
        assert arrays["labels"][row] == items["label"][row] == image_set.labels[item]
        assert items["sha256"][row] == hashlib.sha256(pixels.tobytes()).hexdigest()
        assert (items["minimum"][row], items["maximum"][row]) == (pixels.min(), pixels.max())
        assert items["mean"][row] == pytest.approx(pixels.astype(float).mean())
    assert items[["channels", "height", "width"]].drop_duplicates().to_numpy().tolist() == [[2, 3, 4]]
    assert (items["split"] == "test").tolist() == (image_set.split == "test").tolist()
    assert (arrays["images"].dtype, arrays["labels"].dtype) == (np.uint8, np.int64)


def test_numbers_items_in_upstreams_order_before_cleaning(tmp_path: Path) -> None:
    image_set = many()
    image_set.images[7] = image_set.images[3]
    image_set.labels[7] = image_set.labels[3]
    result = prepared(image_set, tmp_path)
    assert pd.read_parquet(tmp_path / "items.parquet")["item"].tolist() == [n for n in range(200) if n != 7]
    assert result["dropped"] == [
        {"reason": "same pixels as an earlier item of the split", "split": "train", "count": 1, "items": [7]}
    ]


def test_measures_only_train(tmp_path: Path) -> None:
    image_set = many()
    image_set.images[image_set.split == "test"] = 0  # all equal, so that one is left
    result = prepared(image_set, tmp_path)
    items, arrays = pd.read_parquet(tmp_path / "items.parquet"), load_file(tmp_path / "arrays.safetensors")
    train = arrays["images"][items["split"] == "train"] / 255
    assert result["mean"] == pytest.approx(train.mean(), rel=1e-12)
    assert result["std"] == pytest.approx(train.std(), rel=1e-12)


def test_returns_the_contents_of_prepared_json(tmp_path: Path) -> None:
    result = prepared(many(), tmp_path)
    assert result == read_json(tmp_path / "prepared.json")
    assert (result["status"], result["dataset"], result["classes"]) == ("ok", "pets", ["cat", "dog"])
    assert result["shape"] == [2, 3, 4]
    assert result["counts"] == {"train": 120, "validation": 40, "test": 40}
    assert result["class_counts"] == {"train": [90, 30], "validation": [30, 10], "test": [30, 10]}
    assert result["files"] == {
        name: sha256(tmp_path / name) for name in ("arrays.safetensors", "items.parquet")
    }


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for run in ("a", "b"):
        prepared(many(), tmp_path / run)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["arrays.safetensors", "items.parquet", "prepared.json"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_split_that_cannot_be_stratified_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "prepared.json").write_text("of an earlier run")
    with pytest.raises(ValueError, match=r"^pets: a split is not possible: [^\n]+$"):
        prepared(flat([1, 2, 3, 4], [0, 0, 0, 1], ["train", "train", "train", "train"]), tmp_path)
    assert not (tmp_path / "prepared.json").exists()
