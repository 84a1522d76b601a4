"""What a model is worth, on items that it has not seen, and what it costs to run and to keep."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from assay.formats import FORMATS
from assay.predictors import Predictor

# A latency is the median of as many calls as fit in so many seconds, and of at least so many calls.
LATENCY_SECONDS = 0.12
LATENCY_CALLS = 3
BATCHES = (1, 64)


def evaluate(
    predictor: Predictor, task_module: ModuleType, validation: Any, test: Any
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Let a model answer each split once, and score the answers.

    Args:
        task_module: of a kind of task.
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
            answers[name] = task_module.answer(predictor, split)
        except ValueError as fault:
            raise ValueError(f"{name}: {fault}") from None
    metrics = {name: task_module.score(answers[name], split) for name, split in splits.items()}
    exhibits = task_module.exhibits(answers["test"], test)
    return metrics | exhibits, task_module.predictions(answers["test"], test)


def latency(predictor: Predictor, example: NDArray[Any]) -> dict[str, float]:
    """Return the milliseconds of one call with 1 and with 64 items, on one thread: medians of warm calls.

    Args:
        predictor: is called for about 0.3 s, or four times with each batch if that takes longer.
        example: (N, ...), repeated to fill a batch.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            return {f"latency_ms_batch{size}": batch_latency(predictor, example, size) for size in BATCHES}
    finally:
        torch.set_num_threads(threads)


def batch_latency(predictor: Predictor, example: NDArray[Any], size: int) -> float:
    """Return the median milliseconds of a call with ``size`` items."""
    batch = np.ascontiguousarray(np.resize(example, (size, *example.shape[1:])))
    predictor.logits(batch, batch_size=size)
    return 1000 * median_seconds(lambda: predictor.logits(batch, batch_size=size))


def median_seconds(call: Callable[[], object]) -> float:
    """Return the median duration of the calls that fit in LATENCY_SECONDS, of at least LATENCY_CALLS."""
    durations: list[float] = []
    end = time.perf_counter() + LATENCY_SECONDS
    while len(durations) < LATENCY_CALLS or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return float(np.median(durations))


def size(folder: Path, artifact: dict[str, Any]) -> dict[str, int]:
    """Return the bytes of a model's file, as it is and packed by zlib at level 6."""
    data = (folder / FORMATS[artifact["format"]].file).read_bytes()
    return {"size_bytes": len(data), "compressed_bytes": len(zlib.compress(data, level=6))}
