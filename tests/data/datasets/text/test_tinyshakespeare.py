"""Tiny Shakespeare: the cut by position, near nanoGPT's, and its twin."""

from pathlib import Path

import pandas as pd

from assay.config.params import load_params
from assay.data.datasets.text import tinyshakespeare
from tests.workflow.project import ROOT


def test_nine_tenths_are_left_to_train_on_as_in_nanogpt(tmp_path: Path) -> None:
    tinyshakespeare.DATASET.make_twin(tmp_path / "raw", 0)
    declared = load_params(ROOT / "params.yaml").datasets["tinyshakespeare"]
    fractions = {"validation_fraction": declared.validation_fraction, "seed": declared.split_seed}
    counts = tinyshakespeare.DATASET.prepare(tmp_path / "raw", tmp_path / "out", **fractions)["counts"]
    assert counts == {"train": 270, "validation": 15, "test": 15}
    splits = pd.read_parquet(tmp_path / "out" / "items.parquet")["split"]
    assert splits.is_monotonic_decreasing is False
    assert splits.drop_duplicates().tolist() == ["train", "validation", "test"]


def test_the_twin_looks_like_a_play(tmp_path: Path) -> None:
    tinyshakespeare.DATASET.make_twin(tmp_path, 0)
    text = (tmp_path / "input.txt").read_text(encoding="ascii")
    assert len(text) == 300 * 64 + 1
    assert "\n\nPORTER:\n" in text
