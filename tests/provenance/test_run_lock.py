"""One process at a time, and no lock that outlives its process."""

import os
import signal
import subprocess
import sys

import pytest

from assay.provenance import run_lock

HOLD = "import sys; from assay.provenance import run_lock; run_lock.hold(); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def holder(tmp_path, monkeypatch):
    """A process that holds the lock of the current folder."""
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_told_who_is_at_work(holder):
    with pytest.raises(ValueError, match=f"process {holder.pid} is running in this folder; try again"):
        run_lock.hold()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_leaves_nothing_to_unlock(holder, number):
    os.kill(holder.pid, number)
    holder.wait()
    again = subprocess.run(
        [sys.executable, "-c", HOLD], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (again.returncode, again.stdout) == (0, "held\n")
