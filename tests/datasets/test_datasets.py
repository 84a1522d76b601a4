"""What every dataset of the catalogue keeps, on its twin: a new entry is tested here with no new test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression

from assay import catalogue

FRACTION = 1 / 12


@pytest.fixture(params=sorted(catalogue.DATASETS))
def dataset(request: pytest.FixtureRequest) -> ModuleType:
    return catalogue.load(catalogue.DATASETS[request.param].module)  # type: ignore[no-any-return]


@pytest.fixture
def raw(dataset: ModuleType, tmp_path: Path) -> Path:
    dataset.make_twin(tmp_path / "raw", 0)
    return tmp_path / "raw"


def test_declares_where_it_comes_from(dataset: ModuleType) -> None:
    source = dataset.SOURCE
    assert dataset.__name__.endswith(f".{source.name}")
    assert source.licence
    assert source.citation
    assert source.quirks
    assert source.homepage.startswith("http")
    for file in source.files:
        assert file.dataset == source.name
        assert file.size > 0
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.urls
        assert all(url.startswith(("https://", "http://", "package:")) for url in file.urls)


def test_declares_an_augmentation_that_its_images_bear(dataset: ModuleType, raw: Path) -> None:
    side = min(dataset.read(raw).images.shape[2:])
    assert 0 <= dataset.AUGMENTATION.shift <= side / 8
    assert 0 <= dataset.AUGMENTATION.rotation <= 45
    assert 0 <= dataset.AUGMENTATION.erase <= 1


def test_the_twin_is_written_in_upstreams_files(dataset: ModuleType, raw: Path) -> None:
    data = {file.name for file in dataset.SOURCE.files if file.name.endswith(".gz")}
    assert {path.name for path in raw.iterdir()} == data


def test_the_twin_is_made_from_its_seed(dataset: ModuleType, raw: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        dataset.make_twin(tmp_path / str(seed), seed)
    for path in raw.iterdir():
        assert path.read_bytes() == (tmp_path / "0" / path.name).read_bytes()
    assert any(path.read_bytes() != (tmp_path / "1" / path.name).read_bytes() for path in raw.iterdir())


def test_the_twin_loses_nothing_in_cleaning(dataset: ModuleType, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / f"{dataset.SOURCE.name}_twin"
    result = dataset.prepare(raw, out, seed=0, validation_fraction=FRACTION)
    assert result["dataset"] == f"{dataset.SOURCE.name}_twin"
    assert result["dropped"] == []
    assert result["classes"] == list(dataset.CLASSES)
    assert sum(result["counts"].values()) == len(dataset.read(raw).labels)
    for counts in result["class_counts"].values():
        assert min(counts) >= 1


def test_a_linear_model_learns_the_twin(dataset: ModuleType, raw: Path, tmp_path: Path) -> None:
    dataset.prepare(raw, tmp_path / "out", seed=0, validation_fraction=FRACTION)
    arrays = load_file(tmp_path / "out" / "arrays.safetensors")
    split = pd.read_parquet(tmp_path / "out" / "items.parquet")["split"]
    images = arrays["images"].reshape(len(split), -1) / 255
    model = LogisticRegression(max_iter=500).fit(images[split == "train"], arrays["labels"][split == "train"])
    accuracy = float(np.mean(model.predict(images[split == "test"]) == arrays["labels"][split == "test"]))
    assert accuracy > 0.8


def test_costs_no_import_of_torch_or_great_expectations() -> None:
    modules = [dataset.module for dataset in catalogue.DATASETS.values()]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(shown.stdout.split())
    assert set(modules) <= imported
    assert not {"torch", "great_expectations"} & imported
