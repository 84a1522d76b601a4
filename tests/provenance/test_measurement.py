"""Measuring time, memory and provenance."""

import json
import mmap
import time
from pathlib import Path

import numpy as np
import pytest

from assay.provenance.measurement import FEATURES, host, measured, provenance

MEGABYTE = 2**20


def test_measures_wall_time_and_the_peak_of_this_block_alone():
    with measured() as large:
        block = mmap.mmap(-1, 200 * MEGABYTE)  # not malloc, which may keep what is freed
        np.frombuffer(block, dtype=np.uint8).fill(1)
        time.sleep(0.05)
    block.close()
    with measured() as small:
        pass
    assert 0.05 <= large.seconds < 5
    assert large.peak_memory_bytes - small.peak_memory_bytes > 150 * MEGABYTE


def test_measures_what_fails_too():
    with pytest.raises(RuntimeError), measured() as cost:
        raise RuntimeError
    assert cost.peak_memory_bytes > MEGABYTE


def test_provenance_names_the_machine_and_the_versions():
    facts = provenance()
    json.dumps(facts, allow_nan=False)
    assert facts["host"]["cores"] >= 1
    assert facts["host"]["memory_bytes"] > 2**28
    assert {"torch", "pytorch-lightning", "numpy"} <= set(facts["versions"])
    assert set(facts) == {"host", "python", "versions", "lock", "finished", "commit", "dirty"}


def test_what_the_processor_can_is_what_the_kernel_says():
    flags = {line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")}
    found = host()["features"]
    for name in FEATURES:
        assert (name in found) == all(name in line.split() for line in flags), name
