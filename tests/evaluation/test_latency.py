"""Calls are warm, by turns where two are compared, of one item and of 64, on as many threads as is said."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from assay.evaluation import latency

EXAMPLES = np.arange(12, dtype=np.float32).reshape(12, 1, 1, 1)


class Timed:
    """A predictor that moves our clock by what a call is said to take, and notes who was called with what."""

    def __init__(self, clock, calls, name="it", seconds=0.01):
        self.clock, self.calls, self.name = clock, calls, name
        self.durations = iter(seconds) if isinstance(seconds, list) else None
        self.seconds, self.given = seconds, []

    def outputs(self, inputs, *, batch_size=256):
        assert len(inputs) == batch_size
        self.calls.append((self.name, len(inputs), torch.get_num_threads()))
        self.given.append(inputs)
        self.clock.now += next(self.durations) if self.durations else self.seconds

    def on_threads(self, count):
        assert count >= 1
        return self


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0, elsewhere=0.0)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(latency, "times", lambda: (clock.now, clock.now * (1 + clock.elsewhere), clock.now))
    monkeypatch.setattr(latency.os, "cpu_count", lambda: 2)
    return clock


def test_latency_is_of_one_and_of_sixty_four_items_on_one_thread(clock):
    before, calls = torch.get_num_threads(), []
    torch.set_num_threads(2)
    found = latency.latency(Timed(clock, calls), EXAMPLES)
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert found == pytest.approx({"latency_ms_batch1": 10.0, "latency_ms_batch64": 10.0})
    assert {(size, threads) for _, size, threads in calls} == {(1, 1), (64, 1)}
    assert after == 2
    assert (
        8 + 1 + 2 * 5 <= len(calls) <= 8 + 1 + 2 * 6
    )  # those that warm up, and 10 ms each until 0.05 s are over


def test_a_slow_model_is_called_three_times_with_each_batch_after_the_first_calls(clock):
    calls = []
    latency.latency(Timed(clock, calls, seconds=5.0), EXAMPLES)
    assert len(calls) == 8 + 3 + 1 + 3


def test_single_items_take_turns_and_a_batch_is_filled_with_all(clock, monkeypatch):
    monkeypatch.setattr(latency, "SECONDS", 0)
    asked = Timed(clock, [])
    latency.latency(asked, EXAMPLES)
    assert [float(given[0, 0, 0, 0]) for given in asked.given[:11]] == [*range(8), 0, 1, 2]
    assert all(given.shape == (1, 1, 1, 1) for given in asked.given[:11])
    np.testing.assert_array_equal(asked.given[-1].ravel(), np.arange(64) % 12)


def test_the_median_is_taken_of_warm_calls(clock, monkeypatch):
    monkeypatch.setattr(latency, "SECONDS", 0)
    durations = [*[1.0] * 8, 0.005, 0.001, 0.003, 1.0, 0.005, 0.001, 0.003]
    found = latency.latency(Timed(clock, [], seconds=durations), EXAMPLES)
    assert [found[f"latency_ms_batch{size}"] for size in (1, 64)] == pytest.approx([3.0, 3.0])


def test_a_compressed_model_is_called_by_turns_with_the_uncompressed_one(clock):
    calls = []
    found = latency.speed(Timed(clock, calls, "small", 0.01), Timed(clock, calls, "whole", 0.04), EXAMPLES)
    assert [name for name, _, _ in calls] == ["whole", "small"] * (len(calls) // 2)
    assert {(size, threads) for _, size, threads in calls} == {
        (size, count) for size in (1, 64) for count in (1, os.cpu_count())
    }
    for key in ("speed_batch1", "speed_batch64", "speed_all_cores_batch1", "speed_all_cores_batch64"):
        assert [found[key], found[f"{key}_low"], found[f"{key}_high"]] == pytest.approx([4.0] * 3)
    assert found["latency_ms_batch64"] == pytest.approx(10.0)


def test_all_cores_are_left_out_where_others_took_them(clock):
    clock.elsewhere = 0.3  # of two cores, 15%
    calls = []
    found = latency.speed(Timed(clock, calls), Timed(clock, calls), EXAMPLES)
    assert found["speed_batch1"] == pytest.approx(1.0)
    assert not [name for name in found if "all_cores" in name]
    assert {threads for _, _, threads in calls} == {1}  # nor are they tried: such calls take seconds


def test_all_cores_are_left_out_where_others_took_them_only_then(clock, monkeypatch):
    looks = iter([0.0, 0.0, 0.0, 9.0])  # seconds of others so far: none on one thread, 9 on all cores
    monkeypatch.setattr(latency, "times", lambda: (clock.now, clock.now + next(looks), clock.now))
    calls = []
    found = latency.speed(Timed(clock, calls), Timed(clock, calls), EXAMPLES)
    assert not [name for name in found if "all_cores" in name]
    assert {threads for _, _, threads in calls} == {1, 2}


def test_what_others_take_is_seen():
    """Of this process's own work nothing, of a child's the one core that it keeps busy."""
    began = latency.times()
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        pass
    alone = latency.elsewhere(began, latency.times())
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        began = latency.times()
        time.sleep(0.5)
        beside = latency.elsewhere(began, latency.times())
        child.kill()
    assert beside > 0.3
    assert alone < (os.cpu_count() or 1)


def test_the_spread_of_a_ratio_is_its_quartiles(clock, monkeypatch):
    """Of ratios 1, 2, 3: the median 2, quartiles 1.5 and 2.5."""
    monkeypatch.setattr(latency, "SECONDS", 0)
    whole = Timed(clock, [], seconds=2 * [*[9.0] * 8, 1.0, 2.0, 3.0, 9.0, 1.0, 2.0, 3.0])
    found = latency.speed(Timed(clock, [], seconds=1.0), whole, EXAMPLES)
    assert [found[f"speed_batch1{end}"] for end in ("_low", "", "_high")] == pytest.approx([1.5, 2.0, 2.5])
