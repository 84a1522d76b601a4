"""How often a run builds a partial report: for 2% of its time at most, and never after its end."""

import subprocess
import sys
import time

import pytest

from snakemake_logger_plugin_assay.partial import FIRST, SHARE, SHORTEST_RUN, PartialReports

SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")


class Takes:
    """A process that takes some seconds of a clock that the test sets."""

    def __init__(self, clock, seconds):
        self.clock, self.ends = clock, clock["now"] + seconds

    def poll(self):
        return 0 if self.clock["now"] >= self.ends else None


@pytest.mark.parametrize("seconds", [0.5, 4, 30])
@pytest.mark.parametrize("hours", [0.1, 1, 5])
def test_they_take_two_percent_of_a_run_at_most(tmp_path, monkeypatch, seconds, hours):
    monkeypatch.chdir(tmp_path)
    clock, begun = {"now": 0.0}, []
    monkeypatch.setattr(
        subprocess, "Popen", lambda *_, **__: begun.append(clock["now"]) or Takes(clock, seconds)
    )
    reports = PartialReports(command=SLEEPS)
    for now in range(int(hours * 3600)):
        clock["now"] = float(now)
        reports.tick(clock["now"])
    assert begun
    assert begun[0] >= max(SHORTEST_RUN, FIRST / SHARE)
    spent = len(begun) * seconds
    assert spent <= SHARE * hours * 3600 + max(
        seconds - FIRST, 0
    )  # how long the first takes is not known before
    assert len(begun) >= (hours * 3600 - begun[0]) * SHARE / (seconds + 1) - 1


def test_a_run_of_less_than_a_minute_has_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports = PartialReports(command=SLEEPS)
    for now in range(60):
        reports.tick(now)
    assert reports.process is None


def test_one_that_is_being_built_ends_with_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports = PartialReports(command=SLEEPS)
    reports.tick(1000.0)
    process = reports.process
    assert process.poll() is None
    reports.tick(1001.0)
    assert reports.process is process
    reports.stop()
    assert process.poll() is not None
    reports.stop()


@pytest.mark.parametrize(
    "command", [("/no/such/program",), (sys.executable, "-c", "raise SystemExit(1)"), ()]
)
def test_one_that_fails_harms_nothing(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    reports = PartialReports(command=command)
    reports.tick(1000.0)
    if reports.process:
        reports.process.wait(timeout=60)
    reports.tick(1001.0)
    assert reports.process is None
    assert reports.due > 1000 or not command
    reports.stop()


def test_it_does_not_wait_for_ever_for_one_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("snakemake_logger_plugin_assay.partial.SECONDS_TO_END", 0.2)
    ignores = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    )
    reports = PartialReports(command=(sys.executable, "-c", ignores))
    reports.tick(1000.0)
    while not (tmp_path / "logs/partial.log").read_text():
        time.sleep(0.05)
    reports.stop()
    assert reports.process is None
