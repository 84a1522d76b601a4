"""What an answer costs in time: warm calls of one model, or of two by turns, on one thread and on all cores."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from assay.predictors import Predictor

# Calls go on for so many seconds, and until there are so many of them.
SECONDS = 0.12
CALLS = 3
BATCHES = (1, 64)

Call = Callable[[], object]


def latency(predictor: Predictor, example: NDArray[Any]) -> dict[str, float]:
    """Return the milliseconds of one call with 1 and with 64 items, on one thread: medians of warm calls.

    Args:
        predictor: is called for about 0.3 s, or four times with each batch if that takes longer.
        example: (N, ...), repeated to fill a batch.
    """
    with threads(1):
        durations = {size: by_turns([_call(predictor, example, size)]) for size in BATCHES}
    return {f"latency_ms_batch{size}": 1000 * float(np.median(durations[size])) for size in BATCHES}


def speed(predictor: Predictor, uncompressed: Predictor, example: NDArray[Any]) -> dict[str, float]:
    """Return how many times as fast a predictor is as another, called by turns in one process.

    Args:
        predictor: the compressed model; both are called as :func:`latency` calls one.
        example: (N, ...), repeated to fill a batch.

    Returns:
        for 1 and 64 items, on one thread and on all cores, the median of the ratios of neighbouring calls,
        and their quartiles: ``speed_batch1``, ``speed_batch1_low``, ..., ``speed_all_cores_batch64_high``;
        and the compressed model's own latencies as :func:`latency` returns them.
    """
    found: dict[str, float] = {}
    for name, count in (("speed", 1), ("speed_all_cores", os.cpu_count() or 1)):
        pair = [each.on_threads(count) for each in (uncompressed, predictor)]
        with threads(count):
            durations = {size: by_turns([_call(each, example, size) for each in pair]) for size in BATCHES}
        for size, (before, after) in durations.items():
            low, median, high = np.quantile(before / after, (0.25, 0.5, 0.75))
            key = f"{name}_batch{size}"
            found |= {key: float(median), f"{key}_low": float(low), f"{key}_high": float(high)}
            if count == 1:
                found[f"latency_ms_batch{size}"] = 1000 * float(np.median(after))
    return found


def by_turns(calls: Sequence[Call]) -> NDArray[np.float64]:
    """Return the seconds (len(calls), R) of R rounds of calls, each of which was made once before."""
    for call in calls:
        call()
    rounds: list[list[float]] = []
    end = time.perf_counter() + SECONDS * len(calls)
    while len(rounds) < CALLS or time.perf_counter() < end:
        rounds.append([_seconds(call) for call in calls])
    return np.array(rounds).T


def _seconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _call(predictor: Predictor, example: NDArray[Any], size: int) -> Call:
    batch = np.ascontiguousarray(np.resize(example, (size, *example.shape[1:])))
    return lambda: predictor.logits(batch, batch_size=size)


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Have PyTorch, OpenMP and BLAS compute on ``count`` threads, and on as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)
