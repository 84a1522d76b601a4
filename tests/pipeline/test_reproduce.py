"""How far two results of one variant lie from each other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from assay.files import write_json
from assay.pipeline.reproduce import _moved


def result(folder: Path, predictions: list[int], accuracy: float, auroc: float | None = None) -> Path:
    folder.mkdir()
    items = pd.DataFrame({"item": range(10, 10 + len(predictions)), "prediction": predictions})
    items.to_parquet(folder / "predictions.parquet")
    scores = {"accuracy": accuracy, "auroc": auroc}
    write_json(folder / "metrics.json", {"test": scores, "validation": scores, "confusion": [[1]]})
    return folder


def test_the_largest_difference_of_a_metric_is_told(tmp_path: Path) -> None:
    old = result(tmp_path / "old", [1, 2, 3], 0.5)
    assert _moved(old, result(tmp_path / "same", [1, 2, 3], 0.5)) == 0.0
    assert _moved(old, result(tmp_path / "near", [1, 2, 3], 0.52)) == pytest.approx(0.02)


def test_the_first_item_that_is_predicted_otherwise_is_told(tmp_path: Path) -> None:
    old, new = result(tmp_path / "old", [1, 2, 3], 0.5), result(tmp_path / "new", [1, 0, 0], 0.5)
    assert _moved(old, new) == "2 predictions changed, first item 11: prediction 2 is now 0"


def test_other_items_and_torn_files_are_told(tmp_path: Path) -> None:
    old, fewer = result(tmp_path / "old", [1, 2, 3], 0.5), result(tmp_path / "fewer", [1, 2], 0.5)
    assert _moved(old, fewer) == "the test items differ"
    (old / "metrics.json").write_text("{")
    assert "not valid JSON" in str(_moved(old, fewer))
