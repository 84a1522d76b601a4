"""A small project that has run, for tests that look at what a run leaves."""

import fcntl
import os
import shutil

import pytest

from tests.workflow.project import Project, copy

TINY = "\n  tiny: {tasks: [digits], models: [majority, mlp], methods: [prune], synthetic_twins: true, seeds: [0]}"
COMMIT = "git -c user.name=t -c user.email=t@t commit -qm begin"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A copy under Git and DVC that ran two models on a twin. Copy it before you change anything."""
    mine = tmp_path_factory.getbasetemp()
    shared = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    with (shared / "tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of pytest's processes makes it for all
        if not (shared / "tiny.made").exists():
            (shared / "tiny.first").mkdir()
            make(copy(shared / "tiny.first"))
            (shared / "tiny.made").touch()
    return Project(shutil.copytree(shared / "tiny.first", mine / "tiny", symlinks=True))


def make(project):
    project.edit("params.yaml", "\nsuite: default\n", "\nsuite: tiny\n")
    project.edit("params.yaml", "\nsuites:", f"\nsuites:{TINY}")
    ran = project.run(f"git init -q && git add -A . && {COMMIT} && snakemake --cores 2 --quiet all")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    *_, last = ran.stderr.splitlines()
    told, _, command = last.partition(": ")
    assert told == "to record this run in DVC"
    recorded = project.run(command)
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
