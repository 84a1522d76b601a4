# SPDX-License-Identifier: Apache-2.0
"""The cost of a result and its provenance: time, memory, machine, versions, commit."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from assay.files import sha256
from assay.paths import MEASURED
from assay.provenance import records

PACKAGES = (
    "assay",
    "numpy",
    "onnx",
    "onnxruntime",
    "pytorch-lightning",
    "scikit-learn",
    "skops",
    "torch",
    "torchmetrics",
)
"""Packages whose version can change a number."""
LOCK = Path("requirements.lock")
"""The pinned version of every package; in the project's folder, in which jobs run."""
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
"""Processor features that determine the speed of low-precision arithmetic."""


class Measured(TypedDict):
    """The content of every measured.json."""

    __pydantic_config__ = records.FORM  # type: ignore[misc]
    record: str
    """Digest of the record next to it, so that costs of another cell are not accepted."""
    seconds: float
    peak_memory_bytes: int
    host: dict[str, Any]
    python: str
    versions: dict[str, str]
    finished: str
    commit: str | None
    dirty: bool | None


@dataclass
class Cost:
    """The cost of a block of work; zero until it ends."""

    seconds: float = 0.0
    """Wall time."""
    peak_memory_bytes: int = 0
    """Peak resident memory of this process during the block, including the interpreter and its packages."""


@contextlib.contextmanager
def measured() -> Iterator[Cost]:
    """Measure the block's cost, even if it raises."""
    cost = Cost()
    _reset_peak()
    began = time.monotonic()
    try:
        yield cost
    finally:
        cost.seconds = time.monotonic() - began
        cost.peak_memory_bytes = _peak()


@contextlib.contextmanager
def leaving(record: Path) -> Iterator[dict[str, Any]]:
    """Measure the block, which writes a record, and write measured.json next to it: cost, provenance, yielded facts."""
    more: dict[str, Any] = {}
    with measured() as cost:
        yield more
    facts = {**asdict(cost), **provenance(), "record": sha256(record)}
    records.write(record.with_name(MEASURED), {**facts, **more})


def read(record: Path) -> dict[str, Any]:
    """Return the content of the measured.json next to a record.

    Raises:
        ValueError: there is none, or it was not written by the record's job; one line.
    """
    path = record.with_name(MEASURED)
    facts = records.sealed(path, Measured)
    if not record.is_file() or facts["record"] != sha256(record):
        raise ValueError(
            f"{path}: not written by the job that wrote {record.name}; the next run makes it again"
        )
    return facts


def provenance() -> dict[str, Any]:
    """Return the provenance for measured.json: host, versions, time and commit."""
    return {
        "host": host(),
        "python": platform.python_version(),
        "versions": versions(),
        "lock": lock(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **commit(),
    }


@cache
def host() -> dict[str, Any]:
    """Return the machine: its name, system, processor and features, cores, memory and accelerators."""
    return {
        "name": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "features": [name for name in FEATURES if name in _cpuinfo("flags").split()],
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "accelerators": _accelerators(),
    }


@cache
def versions() -> dict[str, str]:
    """Return the installed version of each package that can change a number."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@cache
def lock() -> str | None:
    """Return the SHA-256 digest of requirements.lock, None if there is none."""
    return sha256(LOCK) if LOCK.is_file() else None


@cache
def commit() -> dict[str, Any]:
    """Return the commit that the working folder is at, and whether tracked files differ from it."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        described = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}  # not a clone
    return {"commit": described.removesuffix("-dirty"), "dirty": described.endswith("-dirty")}


def _cpuinfo(key: str) -> str:
    """Return a value of /proc/cpuinfo for the first processor (Linux), "" if there is none."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return ""


def _accelerators() -> list[str]:
    """Return the names of the GPUs from the driver's files: torch would have to start CUDA."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]


def _reset_peak() -> None:
    """Reset the kernel's record of this process's peak resident memory to the current value (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if os.uname().sysname == "Darwin" else peak * 1024
