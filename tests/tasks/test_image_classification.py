"""Image classification: its splits, and the model arguments."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from assay.tasks.image_classification import TASK


@pytest.fixture
def prepared(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 1, 8, 8), dtype=np.uint8)
    save_file({"images": images, "labels": np.arange(6) % 3}, tmp_path / "arrays.safetensors")
    splits = ["train", "test", "train", "validation", "train", "test"]
    pd.DataFrame({"item": [0, 1, 2, 4, 5, 7], "split": splits}).to_parquet(tmp_path / "items.parquet")
    facts = {
        "dataset": "digits_twin",
        "classes": ["a", "b", "c"],
        "shape": [1, 8, 8],
        "mean": 0.25,
        "std": 0.5,
    }
    (tmp_path / "prepared.json").write_text(json.dumps(facts))
    return tmp_path, images


def test_loads_the_requested_splits_normalised(prepared):
    folder, images = prepared
    splits = TASK.load(folder, ("train", "validation"))
    assert set(splits) == {"train", "validation"}
    assert splits["train"].items.tolist() == [0, 2, 5]
    assert splits["train"].targets.tolist() == [0, 2, 1]
    expected = (images[[0, 2, 4]].astype(np.float64) / 255 - 0.25) / 0.5
    np.testing.assert_allclose(splits["train"].inputs.numpy(), expected, atol=1e-6)
    assert splits["train"].inputs.dtype == torch.float32


def test_model_arguments_depend_on_the_data(prepared):
    assert TASK.model_arguments(prepared[0]) == {"shape": (1, 8, 8), "num_classes": 3}


def test_augments_as_the_dataset_declares(prepared):
    vary = TASK.augmenter(prepared[0])
    batch = torch.full((64, 1, 8, 8), 2.0)
    varied = vary(batch, torch.Generator().manual_seed(0))
    assert varied.shape == batch.shape
    assert set(varied.unique().tolist()) == {2.0, -0.5}  # black is -mean / std
    again = vary(batch, torch.Generator().manual_seed(0))
    assert torch.equal(varied, again)
