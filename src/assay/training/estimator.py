# SPDX-License-Identifier: Apache-2.0
"""Classical models learn here: one call, one thread, no epochs unless the model keeps its own."""

from __future__ import annotations

import time
from typing import Any, Protocol, runtime_checkable

from threadpoolctl import threadpool_limits

from assay.config.training import TrainResult
from assay.data.items import in_memory
from assay.data.splits import Split
from assay.models.declaration import Fits
from assay.training.loop import Loop


@runtime_checkable
class KeepsHistory(Protocol):
    """A model that keeps its own learning curve, a row an epoch."""

    history: list[dict[str, float]]


def fit(model: Fits, train: Split, *, threads: int) -> TrainResult:
    """Fit ``model`` in place; a learning curve that it keeps as ``history`` becomes the result's."""
    began = time.monotonic()
    with threadpool_limits(threads):
        model.fit(in_memory(train.inputs).numpy(), train.targets.numpy())
    history = list(model.history) if isinstance(model, KeepsHistory) else []
    return TrainResult(history, len(history), len(history), time.monotonic() - began)


def learn(
    family: Any, arguments: dict[str, Any], spec: dict[str, Any], splits: dict[str, Any], **_: Any
) -> tuple[Any, TrainResult]:
    """Make the model that ``spec`` asks for and fit it on the training items; what networks alone need is not read."""
    del spec
    model = family(**arguments)
    return model, fit(model, splits["train"], threads=1)


LOOP = Loop(learn)
