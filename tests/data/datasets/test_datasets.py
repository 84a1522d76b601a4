"""What every dataset of the catalogue keeps, on its twin: a new entry is tested here with no new test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from assay.config import registry
from assay.data import loading
from assay.data.declarations import Augmentation, Dataset, TextAugmentation
from assay.data.preparation.cleaning import SPLITS

FRACTION = 1 / 12
TERMS = {"LICENSE", "readme.txt"}
"""Files with the data's licence terms; the twins need none."""


LABELLED = sorted(name for name in registry.DATASETS if loading.load(name).classes)


@pytest.fixture(params=sorted(registry.DATASETS))
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return loading.load(request.param)


@pytest.fixture
def raw(dataset: Dataset, tmp_path: Path) -> Path:
    dataset.make_twin(tmp_path / "raw", 0)
    return tmp_path / "raw"


def test_labelled_datasets_were_found() -> None:
    assert {"digits", "movie_reviews"} <= set(LABELLED) <= set(registry.DATASETS)


def test_declares_its_source(dataset: Dataset) -> None:
    source = dataset.source
    assert loading.load(source.name) is dataset
    assert source.licence
    assert source.citation
    assert re.fullmatch(r"(19|20)\d\d", source.published)
    assert source.quirks
    assert source.homepage.startswith("http")
    for file in source.files:
        assert file.dataset in registry.DATASETS
        assert file.size > 0
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.urls
        assert all(url.startswith(("https://", "http://", "package:")) for url in file.urls)


def test_declares_an_augmentation_that_its_items_bear(dataset: Dataset, raw: Path) -> None:
    declared, items = dataset.augmentation, dataset.read(raw)
    assert len(items) > 0
    if isinstance(declared, TextAugmentation):
        assert 0 <= declared.drop <= 0.5
        assert 0 <= declared.swap <= 0.5
    elif declared is not None:
        assert isinstance(declared, Augmentation)
        assert 0 <= declared.shift <= min(items.images.shape[2:]) / 8
        assert 0 <= declared.rotation <= 45
        assert 0 <= declared.erase <= 1


def test_the_twin_is_written_in_upstreams_files(dataset: Dataset, raw: Path) -> None:
    data = {file.name for file in dataset.source.files} - TERMS
    assert {path.name for path in raw.rglob("*") if path.is_file()} == data


def test_the_twin_is_made_from_its_seed(dataset: Dataset, raw: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        dataset.make_twin(tmp_path / str(seed), seed)
    names = [path.relative_to(raw) for path in raw.rglob("*") if path.is_file()]
    for name in names:
        assert (raw / name).read_bytes() == (tmp_path / "0" / name).read_bytes()
    assert any((raw / name).read_bytes() != (tmp_path / "1" / name).read_bytes() for name in names)


def test_the_twin_loses_nothing_in_cleaning(dataset: Dataset, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / f"{dataset.source.name}_twin"
    result = dataset.prepare(raw, out, seed=0, validation_fraction=FRACTION)
    assert result["dataset"] == f"{dataset.source.name}_twin"
    assert result["dropped"] == []
    assert sum(result["counts"].values()) == len(dataset.read(raw))
    assert min(result["counts"].values()) >= 1
    for split, items in result["split"]["items"].items():  # what upstream holds out is held out
        assert split == "train" or items == dict.fromkeys(SPLITS, 0) | {split: result["counts"][split]}


def features(prepared: Path) -> np.ndarray | csr_matrix:
    """Return the inputs of a linear model: the pixels of an image, or counts of n-grams of up to three tokens."""
    arrays = load_file(prepared / "arrays.safetensors")
    if "features" in arrays:
        return arrays["features"] / np.abs(arrays["features"]).max(axis=0)
    if "images" in arrays:
        return arrays["images"].reshape(len(arrays["images"]), -1) / 255
    texts = [" ".join(str(token) for token in row if token) for row in arrays["tokens"]]
    return CountVectorizer(ngram_range=(1, 3), token_pattern=r"\S+").fit_transform(texts)


@pytest.mark.parametrize("name", LABELLED)
def test_every_class_is_in_every_split_and_a_linear_model_learns_the_twin(name: str, tmp_path: Path) -> None:
    dataset, raw = loading.load(name), tmp_path / "raw"
    dataset.make_twin(raw, 0)
    result = dataset.prepare(raw, tmp_path / "out", seed=0, validation_fraction=FRACTION)
    assert result["classes"] == list(dataset.classes)
    for counts in result["class_counts"].values():
        assert min(counts) >= 1
    labels = load_file(tmp_path / "out" / "arrays.safetensors")["labels"]
    split = pd.read_parquet(tmp_path / "out" / "items.parquet")["split"].to_numpy()
    inputs, train, test = features(tmp_path / "out"), split == "train", split == "test"
    model = LogisticRegression(max_iter=500).fit(inputs[train], labels[train])
    accuracy = float(np.mean(model.predict(inputs[test]) == labels[test]))
    assert accuracy > (
        0.6 if "optimum" in result else 0.8
    )  # datasets with an optimum are designed to be hard for such a model


def test_costs_no_import_of_torch_or_great_expectations() -> None:
    modules = [dataset.module for dataset in registry.DATASETS.values()]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(shown.stdout.split())
    assert set(modules) <= imported
    assert not {"torch", "great_expectations"} & imported
