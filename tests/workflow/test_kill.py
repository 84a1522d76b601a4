"""A run that is killed at any moment, again and again, ends with the bytes of one that was not."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from workflow.project import Project, copy

KILLS = 20
SUITE = (
    "\n  killed: {tasks: [digits], models: [majority, mlp], methods: [prune], twins: true, seeds: [0],"
    " training: {epochs: 200}}"
)
RUN = "exec snakemake --cores 2 --quiet all"
MADE = ("data", "artifacts", "reports", "logs", ".snakemake")
MEASURED = (
    "measured.json", "made.json", "costs.csv", "index.html", "results.md", "compression.csv", "latency-digits.svg"
)  # fmt: skip
"""What holds seconds, memory or the hour, and so is never equal."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A project that ran without being killed, and how many seconds that took."""
    project = copy(tmp_path_factory.mktemp("whole"))
    project.edit("params.yaml", "\nsuite: default\n", "\nsuite: killed\n")
    project.edit("params.yaml", "\nsuites:", f"\nsuites:{SUITE}")
    began = time.monotonic()
    ran = project.run(RUN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return project, time.monotonic() - began


def results(project):
    """Return the bytes of all that must be equal."""
    paths = [path for name in ("data", "artifacts", "reports") for path in (project.folder / name).rglob("*")]
    return {
        str(path.relative_to(project.folder)): path.read_bytes()
        for path in paths
        if path.is_file() and path.name not in MEASURED and "validation" not in path.parts
    }


def begin(project):
    """Begin a run that leads a process group of its own."""
    return subprocess.Popen(
        RUN,
        shell=True,
        cwd=project.folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(project.folder / "src"),
            "ASSAY_TEST": str(project.folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def at_work(project):
    """Return what the run's processes do: the stages named in the command lines of those that live."""
    words = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ASSAY_TEST") == str(project.folder):
                words += [word for word in process.cmdline() if word.startswith("assay.stages.")]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return words


def left(project):
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("ASSAY_TEST") == str(project.folder)
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def kill(project, run):
    """Kill a whole run; nothing of it may live on."""
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    end = time.monotonic() + 30
    while left(project):
        assert time.monotonic() < end, left(project)
        time.sleep(0.05)


def test_a_run_killed_at_twenty_moments_ends_as_one_that_was_not(whole, tmp_path):
    untouched, seconds = whole
    expected = results(untouched)
    assert any(name.endswith("model.safetensors") for name in expected)
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed of the moments: {seed}")
    moments = random.Random(seed)
    project = Project(
        shutil.copytree(untouched.folder, tmp_path / "copy", ignore=shutil.ignore_patterns(*MADE))
    )
    (project.folder / "reports").mkdir()
    during = Counter()
    while during.total() < KILLS:
        run = begin(project)
        try:
            said, _ = run.communicate(timeout=moments.uniform(0.3, seconds))
        except subprocess.TimeoutExpired:
            during.update(at_work(project)[:1] or ["starting"])
            kill(project, run)
            continue
        assert run.returncode == 0, said
        assert results(project) == expected
        for name in MADE:
            shutil.rmtree(project.folder / name, ignore_errors=True)
        (project.folder / "reports").mkdir()
    print(f"killed during: {dict(during)}")
    ran = project.run(RUN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert results(project) == expected
    assert project.jobs("suite=killed") == {}


def test_a_second_run_in_the_folder_says_who_is_at_work_and_harms_nothing(whole, tmp_path):
    project = Project(shutil.copytree(whole[0].folder, tmp_path / "copy", symlinks=True))
    project.edit("params.yaml", "training: {epochs: 200}", "training: {epochs: 4000}")
    first = begin(project)
    while "assay.stages.train" not in at_work(project):
        assert first.poll() is None, first.communicate()
        time.sleep(0.1)
    second = project.run(RUN)
    kill(project, first)
    assert second.returncode == 2
    [line] = [line for line in second.stderr.splitlines() if "is at work in this folder" in line]
    assert line.startswith(f".snakemake/assay.lock: process {first.pid} ")
    project.edit("params.yaml", "training: {epochs: 4000}", "training: {epochs: 200}")
    assert project.run(RUN).returncode == 0
    assert results(project) == results(whole[0])
