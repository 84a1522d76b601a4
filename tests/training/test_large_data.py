"""Training on a file larger than the allowed memory gives the same bits as from memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from assay.data import items
from assay.data.items import MappedItems
from assay.tasks import loading
from tests.training import large_data

GIB, MIB = 2**30, 2**20


@pytest.mark.parametrize(
    ("size", "limit", "most"),
    [
        pytest.param(400 * MIB, 1200 * MIB, 800 * MIB, id="400 MB"),
        pytest.param(4 * GIB, 2 * GIB, 3 * GIB // 2, id="4 GB", marks=pytest.mark.long),
    ],
)
def test_data_larger_than_memory_are_learned(tmp_path: Path, size: int, limit: int, most: int) -> None:
    count = large_data.write(tmp_path, size)
    assert 4 * count * 784 > limit  # as floating-point numbers they would not fit
    command = [sys.executable, "-m", "tests.training.large_data", str(tmp_path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["peak"] < most
    assert result["accuracy"] > 0.9
    (tmp_path / "arrays.safetensors").unlink()


def test_mapped_data_give_the_same_weights_and_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_data.write(tmp_path / "data", 4 * MIB)
    outcomes = []
    for limit in (items.IN_MEMORY_BYTES, 0):
        monkeypatch.setattr(items, "IN_MEMORY_BYTES", limit)
        split = loading.load("image_classification").load(tmp_path / "data", ("train",))["train"]
        assert isinstance(split.inputs, MappedItems) == (limit == 0)
        outcomes.append(large_data.learn(tmp_path / "data", tmp_path))
    (memory, memory_metrics), (mapped, mapped_metrics) = outcomes
    assert memory_metrics == mapped_metrics
    for value, expected in zip(mapped.parameters(), memory.parameters(), strict=True):
        assert torch.equal(value, expected)
