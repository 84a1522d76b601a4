# SPDX-License-Identifier: Apache-2.0
"""Latency and speedup: warm calls of one model, or of two alternately, on one thread and on all cores."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from assay.artifacts.predictors import Predictor

# Calls are repeated for at least this many seconds and at least this many times.
SECONDS = 0.05
CALLS = 3
SIZES = (1, 64)
ITEMS = 8
"""The number of different single items: the cost of a text depends on its length."""
MOST_ELSEWHERE = 0.1
"""The share of the cores' time that other processes may use while all cores are measured: waiting for a thread
without a core takes a thousand times as long."""


def latency(predictor: Predictor, examples: NDArray[Any]) -> dict[str, float]:
    """Return the milliseconds of one call with 1 and with 64 items, on one thread: medians of warm calls.

    Args:
        predictor: called for about 0.1 s, or a few times with each batch if that takes longer.
        examples: (N, ...), repeated to fill a batch.
    """
    with threads(1):
        durations = {size: by_turns([predictor], batches(examples, size)) for size in SIZES}
    return {f"latency_ms_batch{size}": 1000 * float(np.median(durations[size])) for size in SIZES}


def speed(predictor: Predictor, uncompressed: Predictor, examples: NDArray[Any]) -> dict[str, float]:
    """Return the speedup of a predictor over another, called alternately in one process.

    Args:
        predictor: the compressed model; both are called as in :func:`latency`.
        examples: (N, ...), repeated to fill a batch.

    Returns:
        for 1 and 64 items, on one thread and on all cores, the median of the ratios of neighbouring calls,
        and their quartiles: ``speed_batch1``, ``speed_batch1_low``, ..., ``speed_all_cores_batch64_high``;
        and the compressed model's own latencies as returned by :func:`latency`. Those on all cores are omitted
        if other processes used the cores meanwhile, or just before: such calls take seconds.
    """
    pair = (uncompressed, predictor)
    durations, is_alone = _on_threads(1, pair, examples)
    found = _ratios("speed", durations)
    found |= {f"latency_ms_batch{size}": 1000 * float(np.median(durations[size][1])) for size in SIZES}
    if is_alone:
        durations, is_alone = _on_threads(os.cpu_count() or 1, pair, examples)
        found |= _ratios("speed_all_cores", durations) if is_alone else {}
    return found


def _on_threads(
    count: int, pair: Sequence[Predictor], examples: NDArray[Any]
) -> tuple[dict[int, NDArray[np.float64]], bool]:
    """Return the seconds of a pair's alternating calls, by batch size, and whether no other process used the cores."""
    pair = [each.on_threads(count) for each in pair]
    began = times()
    with threads(count):
        durations = {size: by_turns(pair, batches(examples, size)) for size in SIZES}
    return durations, elsewhere(began, times()) <= MOST_ELSEWHERE * (os.cpu_count() or 1)


def _ratios(name: str, durations: dict[int, NDArray[np.float64]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for size, (before, after) in durations.items():
        low, median, high = np.quantile(before / after, (0.25, 0.5, 0.75))
        key = f"{name}_batch{size}"
        found |= {key: float(median), f"{key}_low": float(low), f"{key}_high": float(high)}
    return found


def batches(examples: NDArray[Any], size: int) -> list[NDArray[Any]]:
    """Return a few batches of one item, or one of ``size`` items."""
    if size == 1:
        return list(np.ascontiguousarray(examples[:ITEMS, None]))
    return [np.ascontiguousarray(np.resize(examples, (size, *examples.shape[1:])))]


def by_turns(predictors: Sequence[Predictor], batches: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Return the seconds (len(predictors), R) of R rounds, each with the next batch, after a warm-up call with each."""
    for batch in batches:
        for predictor in predictors:
            predictor.outputs(batch, batch_size=len(batch))
    rounds: list[list[float]] = []
    end = time.perf_counter() + SECONDS * len(predictors)
    while len(rounds) < CALLS or time.perf_counter() < end:
        batch = batches[len(rounds) % len(batches)]
        rounds.append([_seconds(predictor, batch) for predictor in predictors])
    return np.array(rounds).T


def _seconds(predictor: Predictor, batch: NDArray[Any]) -> float:
    start = time.perf_counter()
    predictor.outputs(batch, batch_size=len(batch))
    return time.perf_counter() - start


def times() -> tuple[float, float, float]:
    """Return the current time, the busy time of all cores until now, and this process's part of it, in seconds."""
    spent = psutil.cpu_times()
    idle = spent.idle + getattr(spent, "iowait", 0.0)
    guests = getattr(spent, "guest", 0.0) + getattr(spent, "guest_nice", 0.0)  # counted twice by the kernel
    return time.monotonic(), sum(spent) - idle - guests, time.process_time()


def elsewhere(began: tuple[float, float, float], ended: tuple[float, float, float]) -> float:
    """Return how many cores other processes kept busy between two of :func:`times`."""
    seconds, busy, own = (last - first for first, last in zip(began, ended, strict=True))
    return (busy - own) / seconds


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Run PyTorch, OpenMP and BLAS on ``count`` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)
