"""Begins a run beside the test, finds its processes and kills them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.workflow.project import Project

DYING = Path(__file__).with_name("dying")
STAGE = "assay.pipeline.stages."
CLIENT = "src/assay/pipeline/worker/client.py"
SERVER = "assay.pipeline.worker.server"
GONE = (psutil.NoSuchProcess, psutil.AccessDenied, OSError)
LONGEST = 300
"""Seconds that a run, or what is waited for in it, may take."""


@contextmanager
def begun(project: Project, command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Begin a command that leads a process group of its own; it is killed if the block leaves it alive."""
    run = subprocess.Popen(
        f"exec {command}",
        shell=True,
        cwd=project.folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{project.folder / 'src'}{os.pathsep}{DYING}",
            "ASSAY_TEST": str(project.folder),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield run
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()


def find(run: subprocess.Popen[str], victim: str, phase: str = "") -> psutil.Process | None:
    """Return a process of a run; None while there is none.

    Args:
        run: what ``begun`` yielded.
        victim: ``group`` (its leader is returned), ``server``, ``client`` or ``job``.
        phase: that of the job, or of the job that the client waits for.
    """
    try:
        leader = psutil.Process(run.pid)
        if victim == "group":
            return leader
        below = leader.children(recursive=True)
    except GONE:
        return None
    for process in below:
        try:
            words = process.cmdline()
            is_found = {
                "server": SERVER in words and process.ppid() == run.pid,
                "client": any(word.endswith(CLIENT) for word in words) and STAGE + phase in words,
                "job": words[1:3] == ["-m", STAGE + phase] or _is_job(process.pid, phase),
            }[victim]
        except GONE:
            continue
        if is_found:
            return process
    return None


def _is_job(pid: int, phase: str) -> bool:
    """Say whether a process was forked for a job of ``phase``: it leads a session and writes the job's log."""
    log = str(Path(f"/proc/{pid}/fd/1").readlink())
    return os.getsid(pid) == pid and f"/logs/{phase}" in log


def wait_for(run: subprocess.Popen[str], phase: str) -> psutil.Process | None:
    """Wait until a job of ``phase`` is at work and return its process; None if the run ends without."""
    end = time.monotonic() + LONGEST
    while run.poll() is None:
        if job := find(run, "job", phase):
            return job
        assert time.monotonic() < end, f"no job of {phase} in {LONGEST} s"
        time.sleep(0.03)
    return None


def ended(project: Project, run: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a run to end, and for all its processes to be gone; return its exit code and what it printed."""
    printed, _ = run.communicate(timeout=LONGEST)
    end = time.monotonic() + 30
    while living := _living(project):
        assert time.monotonic() < end, living
        time.sleep(0.05)
    return run.returncode, printed


def kill(run: subprocess.Popen[str], victim: str, phase: str) -> None:
    """Kill a process of a run, or all of its group, if it is still there."""
    process = find(run, victim, phase)
    if process and victim == "group":
        os.killpg(process.pid, signal.SIGKILL)
    elif process:
        process.send_signal(signal.SIGKILL)


def _living(project: Project) -> list[psutil.Process]:
    """Return the processes of a project's runs, without those that only wait to be reaped."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("ASSAY_TEST") == str(project.folder)
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except GONE:
            continue
    return found
