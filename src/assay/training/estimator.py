# SPDX-License-Identifier: Apache-2.0
"""The training loop of classical models: one call of ``fit``, in one thread."""

from __future__ import annotations

import time
from typing import Any, Protocol, runtime_checkable

from threadpoolctl import threadpool_limits

from assay.config.training import TrainResult
from assay.data.splits import Split
from assay.models.capabilities import FitsWeighted
from assay.models.declaration import Fits
from assay.training.loop import Loop


@runtime_checkable
class KeepsHistory(Protocol):
    """A model that records its own learning curve, one row per epoch."""

    history: list[dict[str, float]]


def fit(model: Fits, train: Split, *, threads: int) -> TrainResult:
    """Fit ``model`` in place; its learning curve, if it records one as ``history``, is added to the result.

    Raises:
        ValueError: the items have weights, which the model does not support.
    """
    began = time.monotonic()
    items = train.batch(slice(None))
    inputs, targets = items.inputs.numpy(), items.targets.numpy()
    with threadpool_limits(threads):
        if items.weights is None:
            model.fit(inputs, targets)
        elif isinstance(model, FitsWeighted):
            model.fit_weighted(inputs, targets, items.weights.numpy())
        else:
            raise ValueError(f"{type(model).__name__} does not support item weights, but the data have them")
    history = list(model.history) if isinstance(model, KeepsHistory) else []
    return TrainResult(history, len(history), len(history), time.monotonic() - began)


def learn(
    family: Any, arguments: dict[str, Any], spec: dict[str, Any], splits: dict[str, Any], **_: Any
) -> tuple[Any, TrainResult]:
    """Build a model and fit it on the training items; the arguments that only networks need are ignored."""
    del spec
    model = family(**arguments)
    return model, fit(model, splits["train"], threads=1)


LOOP = Loop(learn)
