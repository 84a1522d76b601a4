"""Calls are warm, by turns where two are compared, of one item and of 64, on as many threads as is said."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from assay import latency

EXAMPLE = np.zeros((3, 1, 8, 8), np.float32)


class Timed:
    """A predictor that moves our clock by what a call is said to take, and notes who was called with what."""

    def __init__(self, clock, calls, name="it", seconds=0.01):
        self.clock, self.calls, self.name = clock, calls, name
        self.durations = iter(seconds) if isinstance(seconds, list) else None
        self.seconds = seconds

    def logits(self, inputs, *, batch_size=256):
        assert len(inputs) == batch_size
        self.calls.append((self.name, len(inputs), torch.get_num_threads()))
        self.clock.now += next(self.durations) if self.durations else self.seconds

    def on_threads(self, count):
        assert count >= 1
        return self


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock.now)
    return clock


def test_latency_is_of_one_and_of_sixty_four_items_on_one_thread(clock):
    before, calls = torch.get_num_threads(), []
    torch.set_num_threads(2)
    found = latency.latency(Timed(clock, calls), EXAMPLE)
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert found == pytest.approx({"latency_ms_batch1": 10.0, "latency_ms_batch64": 10.0})
    assert {(size, threads) for _, size, threads in calls} == {(1, 1), (64, 1)}
    assert after == 2
    assert 2 * 13 <= len(calls) <= 2 * 14  # one that warms up, and 10 ms each until 0.12 s are over


def test_a_slow_model_is_called_four_times_with_each_batch(clock):
    calls = []
    latency.latency(Timed(clock, calls, seconds=5.0), EXAMPLE)
    assert len(calls) == 8


def test_the_median_is_taken_of_warm_calls(clock, monkeypatch):
    monkeypatch.setattr(latency, "SECONDS", 0)
    found = latency.latency(Timed(clock, [], seconds=2 * [1.0, 0.005, 0.001, 0.003]), EXAMPLE)
    assert found["latency_ms_batch1"] == pytest.approx(3.0)


def test_a_compressed_model_is_called_by_turns_with_the_uncompressed_one(clock):
    calls = []
    found = latency.speed(Timed(clock, calls, "small", 0.01), Timed(clock, calls, "whole", 0.04), EXAMPLE)
    assert [name for name, _, _ in calls] == ["whole", "small"] * (len(calls) // 2)
    assert {(size, threads) for _, size, threads in calls} == {
        (size, count) for size in (1, 64) for count in (1, os.cpu_count())
    }
    for key in ("speed_batch1", "speed_batch64", "speed_all_cores_batch1", "speed_all_cores_batch64"):
        assert [found[key], found[f"{key}_low"], found[f"{key}_high"]] == pytest.approx([4.0] * 3)
    assert found["latency_ms_batch64"] == pytest.approx(10.0)


def test_the_spread_of_a_ratio_is_its_quartiles(clock, monkeypatch):
    """Of ratios 1, 2, 3: the median 2, quartiles 1.5 and 2.5."""
    monkeypatch.setattr(latency, "SECONDS", 0)
    whole = Timed(clock, [], seconds=4 * [9.0, 1.0, 2.0, 3.0])
    found = latency.speed(Timed(clock, [], seconds=1.0), whole, EXAMPLE)
    assert [found[f"speed_batch1{end}"] for end in ("_low", "", "_high")] == pytest.approx([1.5, 2.0, 2.5])
