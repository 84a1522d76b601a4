# SPDX-License-Identifier: Apache-2.0
"""The state of a run: which jobs are done, running and failed, and when the rest may be done."""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENDED_WELL = ("ok", "skipped")
PHASES = ("ingest", "prepare", "validate", "tune", "train", "compress", "evaluate")
"""The rules whose jobs write a record first."""
RULES = (*PHASES, "report", "verdict")
LONGEST = 10_000
"""Bytes of the end of a log in which its last line is looked for."""
NAMED = ("dataset", "task", "model", "seed", "method")


@dataclass(frozen=True)
class Job:
    """A job that has started."""

    rule: str
    name: str
    """Its dataset, cell or variant: ``digits/cnn/0``."""
    cell: str
    """``digits/cnn/0`` for every method; "" if it is of a whole dataset."""
    record: str
    started: float
    """Seconds on the run's clock."""


@dataclass
class Progress:
    """What is known of a run."""

    total: int = 0
    done: int = 0
    began: float | None = None
    """When the first job started."""
    running: dict[int, Job] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    """Cells that failed."""
    ended_rules: set[str] = field(default_factory=set)
    expected: dict[str, tuple[str, float | None]] = field(default_factory=dict)
    """Record of a job that has not ended -> its row and the seconds that it is expected to take."""
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Phase and row -> seconds of the jobs of this run."""

    def start(
        self, number: int, rule: str, wildcards: Mapping[str, Any], output: Sequence[str], now: float
    ) -> None:
        """Note that a job has started."""
        names = [str(wildcards[key]) for key in NAMED if key in wildcards]
        name = "/".join(names).removesuffix("/none")
        cell = "/".join(names[:3]) if "seed" in wildcards else ""
        self.began = now if self.began is None else self.began
        self.running[number] = Job(rule, name, cell, output[0] if output else "", now)

    def finish(self, number: int, now: float) -> str | None:
        """Note that a job has ended; return a line that names what failed, if it failed by itself."""
        job = self.running.pop(number, None)
        if job is None:
            return None
        self.ended_rules.add(job.rule)
        row, _ = self.expected.pop(job.record, ("", None))
        if row:
            for kind in (job.rule, row):
                self.took[kind].append(now - job.started)
        return self._failure(job) if job.rule in PHASES else None

    def fail(self, number: int, logs: Sequence[str]) -> str | None:
        """Note that a job ended with an error, which leaves no record; return a line that names it.

        The verdict's job does so whenever a cell failed, and says so itself.
        """
        job = self.running.pop(number, None)
        if job is None or job.rule not in RULES or job.rule == "verdict":
            return None
        if job.cell:
            self.failed.add(job.cell)
        name = f"{job.rule} {job.name}".strip()
        return f"failed: {name}: its job left no record; {', '.join(logs)} ends with: {last_line(logs)}"

    def _failure(self, job: Job) -> str | None:
        record = read(job.record)
        status = str(record.get("status", "ok"))
        if status in ENDED_WELL:
            return None
        if job.cell:
            self.failed.add(job.cell)
        if record.get("phase") != job.rule:  # an earlier phase failed, and was named
            return None
        how = "" if status == "failed" else f"{status}: "
        return f"failed: {job.rule} {job.name}: {how}{record.get('reason', '')}"

    def line(self, now: float) -> str:
        """Return the line that shows the run."""
        parts = [f"{self.done} of {self.total} jobs done"]
        if self.failed:
            parts.append(f"{cells(len(self.failed))} failed")
        left = self.seconds_left(now)
        if left is not None:
            parts.append(f"about {duration(left)} left")
        at_work = [f"{job.rule} {job.name}".strip() for job in self.running.values()]
        return "; ".join([", ".join(parts), *([", ".join(at_work)] if at_work else [])])

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds that the rest may take; None while there is no ground for an estimate.

        A job is expected to take the mean of its row in this run, or else in earlier runs, or else of its phase in this
        run. As many jobs are expected to run at a time as did so far.
        """
        if self.began is None or not self.took or not self.expected:
            return None
        started = {job.record: job for job in self.running.values()}
        rest = []
        for record, (row, before) in self.expected.items():
            seconds = self._mean(row) or before or self._mean(row.partition(" ")[0])
            if seconds is None:
                return None
            spent = now - started[record].started if record in started else 0.0
            rest.append(max(seconds - spent, 0.0))
        busy = sum(sum(seconds) for row, seconds in self.took.items() if " " in row)
        busy += sum(now - started[record].started for record in self.expected if record in started)
        at_a_time = max(busy / max(now - self.began, 1e-3), 1.0)
        return max(sum(rest) / at_a_time, max(rest, default=0.0))

    def _mean(self, row: str) -> float | None:
        return statistics.fmean(self.took[row]) if row in self.took else None


def read(record: str) -> dict[str, Any]:
    """Return a record; empty if there is none, or an unreadable one."""
    try:
        found = json.loads(Path(record).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def last_line(logs: Sequence[str]) -> str:
    """Return the last line of a job's log."""
    for log in map(Path, logs):
        with suppress(OSError):
            lines = log.read_bytes()[-LONGEST:].decode("utf-8", "replace").split("\n")
            return next((line for line in reversed(lines) if line.strip()), "nothing")
    return "nothing"


def duration(seconds: float) -> str:
    """Return a duration to the precision that an estimate has."""
    if seconds <= 50:
        return f"{max(math.ceil(seconds / 10), 1) * 10} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"


def cells(number: int) -> str:
    """Return a number of cells as text."""
    return f"{number} cell" if number == 1 else f"{number} cells"
