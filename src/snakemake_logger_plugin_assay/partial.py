# SPDX-License-Identifier: Apache-2.0
"""Build a partial report now and then, in the background and for a small part of the run's time."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.02
"""The largest part of a run's time that partial reports take."""
SHORTEST_RUN = 60.0
"""Seconds; a shorter run has no partial report."""
FIRST = 4.0
"""Seconds that the first one is expected to take."""
SECONDS_TO_END = 5.0
LOG = Path("logs/partial.log")


@dataclass
class PartialReports:
    """The partial reports of a run: at most one is being built."""

    command: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = max(SHORTEST_RUN, FIRST / SHARE)
    """When the next one starts, in seconds since the run began."""

    def tick(self, now: float) -> None:
        """Start one if it is due; note how long the last one took. ``now``: seconds since the run began."""
        if self.process is None:
            if self.command and now >= self.due:
                self._start(now)
        elif self.process.poll() is not None:
            self.process = None
            self.due = now + (now - self.started) / SHARE

    def _start(self, now: float) -> None:
        self.started = now
        self.due = now + SHORTEST_RUN  # if it cannot start
        with suppress(OSError):
            LOG.parent.mkdir(exist_ok=True)
            with LOG.open("wb") as log:
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )

    def stop(self) -> None:
        """End the one that is being built: its run has ended."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
