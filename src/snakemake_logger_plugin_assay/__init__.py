# SPDX-License-Identifier: Apache-2.0
"""Show a run of Assay in one line: jobs done, cells failed, time left and what is running; what fails is named.

``profiles/default`` selects it (``logger: assay``). Snakemake finds a logger only as a top-level package whose name
begins with ``snakemake_logger_plugin_``. It is loaded before the Snakefile decides which folder's code runs, so it
imports nothing from ``assay``: what a run says of itself (src/assay/pipeline/progress.py) arrives as log records.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from logging import LogRecord
from pathlib import Path
from typing import Any

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_assay.partial import PartialReports
from snakemake_logger_plugin_assay.progress import RULES, Progress, cells
from snakemake_logger_plugin_assay.terminal import CLEAR, columns, cut, plain

NOTHING = "Nothing to be done"
INTERRUPTED = "returned non-zero exit status 130."
"""How Snakemake says that Ctrl-C ended a job."""
SECONDS = 1.0
"""Between two drawings of the line."""


class LogHandler(LogHandlerBase):
    """Snakemake's records as one line on a terminal; piped, only failures and the last line are written."""

    def __post_init__(self) -> None:
        given = self.common_settings
        self.quiet = set(given.quiet or ())
        self.stream = sys.stdout if given.stdout else sys.stderr
        formatter = DefaultFormatter(self.quiet, given.show_failed_logs)
        self.snakemakes = ColorizingTextHandler(given.nocolor, self.stream, formatter)
        """Writes as Snakemake does without a plugin."""
        self.filter_of_snakemake = DefaultFilter(
            given.quiet, given.debug_dag, given.verbose, given.dryrun, given.printshellcmds
        )
        self.as_snakemake = given.dryrun or given.verbose or given.debug_dag or given.printshellcmds
        """Whether Snakemake's own messages are requested."""
        self.draws = self.stream.isatty() and not self.quiet & {Quietness.PROGRESS, Quietness.ALL}
        self.run: dict[str, Any] = {}
        self.progress = Progress()
        self.partial = PartialReports()
        self.held: list[LogRecord] = []
        """Messages from before the first job; shown if no job runs."""
        self.broken: set[str] = set()
        """Rules of jobs that ended with an error."""
        self.has_begun = self.is_interrupted = False
        self.drawn = ""
        """The line that is on the terminal."""
        self.ended = threading.Event()
        self.clock = threading.Thread(target=self._tick, daemon=True)
        self.drawing = threading.RLock()

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: LogRecord) -> None:
        """Show a record, or what it changes."""
        with self.drawing:
            try:
                self._note(record)
                self._show(record)
            except Exception:  # as logging's own handlers: to show a run must never end it
                self.handleError(record)

    def _note(self, record: LogRecord) -> None:
        """Keep what a record says about the run."""
        facts, now, progress = vars(record), time.monotonic(), self.progress
        self.run = facts.get("assay_run", self.run)
        progress.expected.update(facts.get("assay_expected", {}))
        match facts.get("event"):
            case LogEvent.RUN_INFO:
                progress.total = facts["stats"].get("total", 0)
                self.held.clear()
            case LogEvent.JOB_INFO:
                self._begin()
                progress.start(facts["jobid"], facts["rule_name"], facts["wildcards"], facts["output"], now)
            case LogEvent.JOB_FINISHED:
                if failure := progress.finish(facts["job_id"], now):
                    self._write(failure)
            case LogEvent.ERROR:
                self.is_interrupted |= INTERRUPTED in str(record.msg)
            case LogEvent.JOB_ERROR if self.is_interrupted:
                progress.running.pop(facts["jobid"], None)
            case LogEvent.JOB_ERROR:
                self.broken.add(facts["rule_name"])
                if failure := progress.fail(facts["jobid"], facts["log"]):
                    self._write(failure)
            case LogEvent.PROGRESS:
                progress.done, progress.total = facts["done"], facts["total"]

    def _begin(self) -> None:
        if not self.common_settings.dryrun and not self.has_begun:
            self.has_begun = True
            self.partial.command = self.run.get("partial", ())
            self.clock.start()

    def _show(self, record: LogRecord) -> None:
        """Write a record as Snakemake would if it is requested, or an error."""
        if self.as_snakemake:
            if self.filter_of_snakemake.filter(record):
                self._clear()
                self.snakemakes.emit(record)
        elif record.levelno >= logging.WARNING:
            if Quietness.ALL not in self.quiet and not self._is_named(record) and not self._is_of_verdict():
                self._clear()
                self.snakemakes.emit(record)
        elif self.progress.total == 0 and self.filter_of_snakemake.filter(record):
            self.held.append(record)
        self._draw()

    def _is_named(self, record: LogRecord) -> bool:
        """Return whether an error is that of a job, which :class:`Progress` has named or is about to name."""
        facts = vars(record)
        if facts.get("event") == LogEvent.JOB_ERROR:
            return facts["rule_name"] in RULES
        return self.has_begun and facts.get("exception") == "RuleException"

    def _is_of_verdict(self) -> bool:
        """Return whether an error is only that of the verdict, which fails if a cell failed and says so itself."""
        at_work = {job.rule for job in self.progress.running.values()}
        return self.broken | at_work == {"verdict"}

    def _write(self, text: str) -> None:
        """Write a full line above the one that is redrawn."""
        if Quietness.ALL not in self.quiet:
            self._clear()
            self.stream.write(cut(plain(text), columns(self.stream)) + "\n")
            self.stream.flush()

    def _draw(self) -> None:
        if not self.draws or not self.has_begun or self.as_snakemake or self.ended.is_set():
            return
        if {job.rule for job in self.progress.running.values()} <= {
            "verdict",
            "all",
        } and self.progress.ended_rules:
            self._clear()  # what the verdict and the end of a run print has no line to mix with
            return
        line = cut(plain(self.progress.line(time.monotonic())), columns(self.stream))
        if line != self.drawn:
            self.stream.write(CLEAR + line)
            self.stream.flush()
            self.drawn = line

    def _clear(self) -> None:
        if self.drawn:
            self.stream.write(CLEAR)
            self.stream.flush()
            self.drawn = ""

    def _tick(self) -> None:
        """Redraw the line, and have partial reports built, until the run ends."""
        began = time.monotonic()
        while not self.ended.wait(SECONDS):
            self.partial.tick(time.monotonic() - began)
            with self.drawing:
                self._draw()

    def close(self) -> None:
        """Write the last line: where the report is, and how many cells failed."""
        if self.ended.is_set():  # logging closes every handler again when Python exits
            return
        self.ended.set()
        if self.clock.is_alive():
            self.clock.join()
        self.partial.stop()
        with self.drawing:
            self._clear()
            if self.has_begun:
                self._write(self.last_line())
            else:
                self._show_held()
        super().close()

    def _show_held(self) -> None:
        messages = [each for each in self.held if vars(each).get("event") is None]
        nothing = next((each for each in messages if str(each.msg).startswith(NOTHING)), None)
        for record in [nothing] if nothing else messages:
            self.snakemakes.emit(record)
        if nothing and Path(self.run.get("page", "")).is_file():
            self._write(f"report: {Path(self.run['page']).resolve()}")

    def last_line(self) -> str:
        """Return where the report is, or how many jobs are done, and how many cells failed."""
        progress = self.progress
        number = len(progress.failed)
        fate = f"{cells(number) if number else 'no cell'} failed"
        if "report" in progress.ended_rules:
            return f"report: {Path(self.run['page']).resolve()}; {fate}"
        stopped = "interrupted: " if self.is_interrupted else ""
        return f"{stopped}{progress.done} of {progress.total} jobs done; {fate}"
