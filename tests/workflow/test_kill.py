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

PHASES = ("ingest", "prepare", "validate", "train", "compress", "evaluate", "report")
KILLS = 20
LONGEST = 1.5  # seconds after a phase was seen at work
STAGE = "assay.stages."
SUITE = (
    "\n  killed: {tasks: [digits], models: [majority, mlp], methods: [int8_dynamic, prune], twins: true, seeds: [0],"
    " training: {epochs: 200}}"
)
RUN = "exec snakemake --cores 2 --quiet all"
IGNORED = shutil.ignore_patterns("data", "artifacts", "reports", "logs", ".snakemake")
MEASURED = (
    "measured.json", "made.json", "costs.csv", "index.html", "results.md", "compression.csv", "compression-digits.tex",
    "fronts-latency.svg", "latency-digits.svg", "spent.svg", "trade-off-speed.svg", "mlp.md",
)  # fmt: skip
"""What holds seconds, memory or the hour, and so is never equal."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A project that ran without being killed."""
    project = copy(tmp_path_factory.mktemp("whole"))
    project.edit("params.yaml", "\nsuite: default\n", "\nsuite: killed\n")
    project.edit("params.yaml", "\nsuites:", f"\nsuites:{SUITE}")
    ran = project.run(RUN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return project


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


def living(project):
    """Return the processes of the project's runs, those that only wait to be buried aside."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("ASSAY_TEST") == str(project.folder)
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def at_work(project):
    """Return the phases that are at work, as the command lines of what lives say."""
    phases = set()
    for process in living(project):
        try:
            words = process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        phases |= {word.removeprefix(STAGE) for word in words if word.startswith(STAGE)}
    return phases


def wait_for(phase, project, run):
    """Say whether a phase is at work; wait until it is, or the run has ended."""
    while run.poll() is None:
        if phase in at_work(project):
            return True
        time.sleep(0.05)
    return False


def kill(project, run):
    """Kill a whole run, if it has not ended; nothing of it may live on."""
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    end = time.monotonic() + 30
    while living(project):
        assert time.monotonic() < end, living(project)
        time.sleep(0.05)


def test_a_run_killed_at_twenty_moments_ends_as_one_that_was_not(whole, tmp_path):
    expected = results(whole)
    assert any(name.endswith("model.safetensors") for name in expected)
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed of the moments: {seed}")
    moments = random.Random(seed)
    during = Counter()
    while during.total() < KILLS:
        project = Project(shutil.copytree(whole.folder, tmp_path / f"{during.total()}", ignore=IGNORED))
        for phase in PHASES:
            run = begin(project)
            if wait_for(phase, project, run):
                time.sleep(moments.uniform(0, LONGEST))
                during[phase] += 1
            kill(project, run)
        ran = project.run(RUN)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert results(project) == expected
        assert project.jobs("suite=killed") == {}
    print(f"killed within {LONGEST} s after the begin of: {dict(during)}")
    assert during.keys() == set(PHASES)


def test_a_second_run_in_the_folder_says_who_is_at_work_and_harms_nothing(whole, tmp_path):
    project = Project(shutil.copytree(whole.folder, tmp_path / "copy", symlinks=True))
    project.edit("params.yaml", "training: {epochs: 200}", "training: {epochs: 4000}")
    first = begin(project)
    assert wait_for("train", project, first)
    second = project.run(RUN)
    kill(project, first)
    assert second.returncode == 2
    [line] = [line for line in second.stderr.splitlines() if "is at work in this folder" in line]
    assert line.startswith(f".snakemake/assay.lock: process {first.pid} ")
    project.edit("params.yaml", "training: {epochs: 4000}", "training: {epochs: 200}")
    assert project.run(RUN).returncode == 0
    assert results(project) == results(whole)
