# SPDX-License-Identifier: Apache-2.0
"""What a number costs and where it was made: time, memory, machine, versions, commit."""

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
"""Those whose release can change a number."""
LOCK = Path("requirements.lock")
"""Where the release of every package is pinned; in the project's folder, in which jobs run."""
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
"""Of processors, those that decide how fast numbers of few bits are."""


class Measured(TypedDict):
    """What every measured.json holds."""

    __pydantic_config__ = records.FORM  # type: ignore[misc]
    record: str
    """Digest of the record beside it, so that another cell's costs do not pass for this one's."""
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
    """What a block of work took; zero until it ends."""

    seconds: float = 0.0
    """Wall time."""
    peak_memory_bytes: int = 0
    """Largest resident memory of this process meanwhile, the interpreter and its packages included."""


@contextlib.contextmanager
def measured() -> Iterator[Cost]:
    """Measure the block's cost; also when it raises."""
    cost = Cost()
    _forget_peak()
    began = time.monotonic()
    try:
        yield cost
    finally:
        cost.seconds = time.monotonic() - began
        cost.peak_memory_bytes = _peak()


@contextlib.contextmanager
def leaving(record: Path) -> Iterator[dict[str, Any]]:
    """Measure the block, which leaves a record; beside it goes what that cost, and where, and what the block adds."""
    more: dict[str, Any] = {}
    with measured() as cost:
        yield more
    facts = {**asdict(cost), **provenance(), "record": sha256(record)}
    records.write(record.with_name(MEASURED), {**facts, **more})


def read(record: Path) -> dict[str, Any]:
    """Return what the measured.json beside a record holds.

    Raises:
        ValueError: there is none, or not the one that the record's job left; one line.
    """
    path = record.with_name(MEASURED)
    facts = records.sealed(path, Measured)
    if not record.is_file() or facts["record"] != sha256(record):
        raise ValueError(f"{path}: not of the job that left {record.name}; the next run makes it again")
    return facts


def provenance() -> dict[str, Any]:
    """Return what measured.json says of where and by what a result was made."""
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
    """Return the machine: its name, system, processor and what it can, cores, memory and accelerators."""
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
    """Return the installed release of each package that can change a number."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@cache
def lock() -> str | None:
    """Return the SHA-256 digest of requirements.lock, None where there is none."""
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
    """Return what the kernel says of the first processor (Linux), "" where it says nothing."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return ""


def _accelerators() -> list[str]:
    """Return the names of the GPUs, asked of the driver's files: torch would start CUDA to tell."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]


def _forget_peak() -> None:
    """Set the kernel's record of this process's largest resident memory to what it is now (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if os.uname().sysname == "Darwin" else peak * 1024
