# SPDX-License-Identifier: Apache-2.0
"""The score of a model on validation items, by which settings are chosen."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from assay.artifacts.predictors import EstimatorPredictor, ModulePredictor, Predictor
from assay.data.splits import Split
from assay.tasks.metric import Metric, PrimaryMetric
from assay.tasks.protocol import Objective, ScoresValidation

VALIDATION_ITEMS = 256
"""Items in one forward pass: the logits of all items of a language model would not fit into memory."""


def validation_metric(task: Objective) -> Metric | PrimaryMetric:
    """Return the metric by which settings are chosen: the primary one, or the watched one where that costs less."""
    return task.primary if isinstance(task, ScoresValidation) else task.watched


def validation_score(task: Objective, model: Any, split: Split, arguments: dict[str, Any]) -> float:
    """Return the task's validation metric of a network, an estimator or a predictor on a split.

    Args:
        arguments: the keyword arguments of the model's class.
    """
    predictor: Predictor = model
    plain = {"format": "safetensors", "parameters": 0, "arguments": arguments}
    if isinstance(model, nn.Module):
        predictor = ModulePredictor(model, plain)
    elif not isinstance(model, Predictor):
        predictor = EstimatorPredictor(model, plain)
    if split.lengths is not None:  # else every slice would be as wide as the longest item
        split = split.take(split.lengths.argsort(stable=True))
    if isinstance(task, ScoresValidation):
        return task.score(predictor, split)
    sums = [
        task.metric_state(torch.from_numpy(predictor.outputs(batch.inputs.numpy())), batch.targets)
        for batch in split.batches(VALIDATION_ITEMS)
    ]
    return task.compute_watched(torch.stack(sums).sum(dim=0))[1]
