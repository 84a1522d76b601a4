"""Text classification: its splits, and the model arguments."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from assay.tasks.text_classification import TASK

TOKENS = np.array([[2, 3, 0, 0], [4, 0, 0, 0], [2, 1, 3, 5], [5, 5, 0, 0]], dtype=np.int32)


@pytest.fixture
def prepared(tmp_path):
    save_file({"tokens": TOKENS, "labels": np.array([0, 1, 1, 0])}, tmp_path / "arrays.safetensors")
    splits = ["train", "test", "train", "validation"]
    pd.DataFrame({"item": [0, 1, 2, 4], "split": splits}).to_parquet(tmp_path / "items.parquet")
    facts = {"dataset": "movie_reviews_twin", "classes": ["a", "b"], "shape": [4], "vocabulary": 6}
    (tmp_path / "prepared.json").write_text(json.dumps(facts))
    return tmp_path


def test_loads_the_requested_splits(prepared):
    splits = TASK.load(prepared, ("train", "validation"))
    assert set(splits) == {"train", "validation"}
    assert splits["train"].items.tolist() == [0, 2]
    assert splits["train"].targets.tolist() == [0, 1]
    assert torch.equal(splits["train"].inputs, torch.from_numpy(TOKENS[[0, 2]]).long())


def test_model_arguments_depend_on_the_data(prepared):
    assert TASK.model_arguments(prepared) == {"shape": (4,), "vocabulary": 6, "num_classes": 2}


def test_augments_as_the_dataset_declares(prepared):
    vary = TASK.augmenter(prepared)
    batch = torch.arange(2, 42).repeat(64, 1)
    varied = vary(batch, torch.Generator().manual_seed(0))
    assert varied.shape == batch.shape
    assert not torch.equal(varied, batch)
    assert torch.equal(varied, vary(batch, torch.Generator().manual_seed(0)))
