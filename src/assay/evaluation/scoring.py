# SPDX-License-Identifier: Apache-2.0
"""A model's metrics on items that it has not seen, and the size of its file."""

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
    """Predict each split once, and compute the metrics of the predictions.

    Args:
        validation: a split as the task loads it.
        test: a split as the task loads it.

    Returns:
        {"test": {metric: value}, "validation": {metric: value}, and the exhibits of the test items}, and one
        prediction per test item.

    Raises:
        ValueError: a logit is not finite.
    """
    splits, answers = {"validation": validation, "test": test}, {}
    for name, split in splits.items():
        try:
            answers[name] = task.predict(predictor, split)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    metrics = {name: task.compute_metrics(answers[name], split) for name, split in splits.items()}
    exhibits = as_json(task.exhibits(answers["test"], test))
    return metrics | exhibits, task.predictions(answers["test"], test)


def size(folder: Path, artifact: dict[str, Any]) -> dict[str, int]:
    """Return the size of a model's file in bytes, as it is and compressed by zlib at level 6."""
    data = (folder / FORMATS[artifact["format"]].file).read_bytes()
    return {"size_bytes": len(data), "compressed_bytes": len(zlib.compress(data, level=6))}
