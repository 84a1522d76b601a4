"""Whatever is done in whatever order: both engines agree afterwards, and results are those of a clean run.

`make test-long` tries one sequence with everything in it, and twenty that are drawn by chance; `make test` has the
single steps, in test_engines.py, test_invalidation.py and test_restore.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from assay.paths import STATUS
from assay.provenance import records
from tests.workflow.project import Project

DROPOUTS = (0.15, 0.35)
RUNS = {
    "snakemake": "snakemake --cores 2 --quiet all && dvc commit --force --quiet",
    "dvc": "dvc repro --quiet",
}
COMMIT = "git add -A . && git -c user.name=t -c user.email=t@t commit -q --allow-empty -m more"
NOT_EQUAL = ("measured.json", "made.json", "records.sha256", ".gitignore")
OF_CODE = ("code", "made_from", records.SEAL)
"""Facts of a record that change with a comment in the code."""


def results(project):
    """Return every result that must be equal from run to run, whatever comments the code has."""
    paths = [path for name in ("artifacts", "reports/cells") for path in (project.folder / name).rglob("*")]
    return {
        str(path.relative_to(project.folder)): facts(path) if path.name == STATUS else path.read_bytes()
        for path in paths
        if path.is_file() and path.name not in NOT_EQUAL
    }


def facts(path):
    return {key: value for key, value in json.loads(path.read_bytes()).items() if key not in OF_CODE}


class Engines(RuleBasedStateMachine):
    """A project in which both engines are used by turns."""

    origin: Path
    """A project that ran and was recorded, with an empty remote beside it."""
    clean: dict[float, dict[str, bytes]]
    """By knob: what a run without history gives."""

    def __init__(self):
        super().__init__()
        self.scratch = tempfile.TemporaryDirectory(prefix="assay-agreement-")
        self.project = Project(self.copied(self.origin, "start"))
        self.must("dvc push --quiet")
        self.state = self.committed = self.ran = (DROPOUTS[0], 0)  # the knob and the edit of the code
        self.edits = self.clones = 0

    def copied(self, folder, name):
        return shutil.copytree(folder, Path(self.scratch.name, name), symlinks=True)

    def must(self, command):
        ran = self.project.run(command)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran

    def teardown(self):
        self.scratch.cleanup()

    @rule(dropout=st.sampled_from(DROPOUTS))
    def edit_a_knob(self, dropout):
        if dropout != self.state[0]:
            self.project.edit("params.yaml", f"dropout: {self.state[0]}}}", f"dropout: {dropout}}}")
            self.state = (dropout, self.state[1])

    @rule()
    def edit_code(self):
        path = self.project.folder / "src/assay/models/image/mlp.py"
        self.edits += 1
        path.write_text(f"{path.read_text()}# {self.edits}\n")
        self.state = (self.state[0], self.edits)

    @rule(engine=st.sampled_from(sorted(RUNS)))
    def run(self, engine):
        self.must(RUNS[engine])
        self.ran = self.state

    @precondition(lambda self: self.ran != self.state)
    @rule(engine=st.sampled_from(sorted(RUNS)), seconds=st.floats(1, 12))
    def kill(self, engine, seconds):
        process = subprocess.Popen(
            RUNS[engine],
            shell=True,
            cwd=self.project.folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(self.project.folder / "src"),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.ran = None  # some of it

    @precondition(lambda self: self.ran == self.state)
    @rule()
    def clone(self):
        self.must(f"{COMMIT} && dvc push --quiet")
        self.committed = self.state
        self.clones += 1
        folder = Path(self.scratch.name, f"clone{self.clones}")
        self.must(f"git clone -q . {folder}")
        self.project = Project(folder)
        self.must("assay restore")

    @rule()
    def revert(self):
        self.must("git checkout -q HEAD -- params.yaml src")
        self.state = self.committed

    @invariant()
    def engines_agree(self):
        jobs, status = self.project.jobs("suite=tiny"), self.project.run("dvc status").stdout
        if self.ran == self.state:
            assert jobs == {}
            assert "up to date" in status
            assert results(self.project) == self.clean[self.state[0]]
        elif jobs:
            assert "up to date" not in status


@pytest.fixture(scope="module")
def machine(tiny, tmp_path_factory):
    origin = Project(shutil.copytree(tiny.folder, tmp_path_factory.mktemp("agree") / "origin", symlinks=True))
    began = origin.run(f"dvc remote add -d store {origin.folder.parent}/store && {COMMIT}")
    assert began.returncode == 0, began.stdout + began.stderr
    other = Project(shutil.copytree(tiny.folder, origin.folder.parent / "other", symlinks=True))
    other.edit("params.yaml", f"dropout: {DROPOUTS[0]}}}", f"dropout: {DROPOUTS[1]}}}")
    shutil.rmtree(other.folder / "artifacts")
    shutil.rmtree(other.folder / "reports/cells")
    (other.folder / "reports/verdict.json").unlink()
    assert other.run("snakemake --cores 2 --quiet all").returncode == 0

    class Prepared(Engines):
        pass

    Prepared.origin = origin.folder
    Prepared.clean = {DROPOUTS[0]: results(origin), DROPOUTS[1]: results(other)}
    assert Prepared.clean[DROPOUTS[0]] != Prepared.clean[DROPOUTS[1]]
    return Prepared


@pytest.mark.long
def test_after_every_step_of_a_working_day_both_engines_agree(machine):
    day = machine()
    steps = [
        lambda: day.edit_a_knob(DROPOUTS[1]),
        lambda: day.kill("snakemake", 6),
        lambda: day.run("dvc"),
        day.clone,
        day.edit_code,
        lambda: day.run("snakemake"),
        day.revert,
    ]
    for step in steps:
        step()
        day.engines_agree()
    day.teardown()


@pytest.mark.long
def test_whatever_is_done_both_engines_agree_and_results_are_those_of_a_clean_run(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=6,
            deadline=None,
            phases=[Phase.generate],  # to make a failing sequence shorter takes ten minutes
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
