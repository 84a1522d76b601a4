# SPDX-License-Identifier: Apache-2.0
"""What a model is worth, on items that it has not seen, and what it costs to keep."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from assay.artifacts.formats import FORMATS
from assay.artifacts.predictors import Predictor
from assay.data.splits import AnySplit
from assay.tasks.exhibits import as_json
from assay.tasks.protocol import Task


def evaluate(
    predictor: Predictor, task: Task[AnySplit, Any], validation: AnySplit, test: AnySplit
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Let a model answer each split once, and score the answers.

    Args:
        validation: a split as the task loads it.
        test: likewise.

    Returns:
        {"test": {metric: value}, "validation": {metric: value}, and what else the report shows of the test
        items}, and one prediction a test item.

    Raises:
        ValueError: a logit is not finite.
    """
    splits, answers = {"validation": validation, "test": test}, {}
    for name, split in splits.items():
        try:
            answers[name] = task.predict(predictor, split)
        except ValueError as fault:
            raise ValueError(f"{name}: {fault}") from None
    metrics = {name: task.compute_metrics(answers[name], split) for name, split in splits.items()}
    exhibits = as_json(task.exhibits(answers["test"], test))
    return metrics | exhibits, task.predictions(answers["test"], test)


def size(folder: Path, artifact: dict[str, Any]) -> dict[str, int]:
    """Return the bytes of a model's file, as it is and packed by zlib at level 6."""
    data = (folder / FORMATS[artifact["format"]].file).read_bytes()
    return {"size_bytes": len(data), "compressed_bytes": len(zlib.compress(data, level=6))}
