"""A full disk, a folder that cannot be written, a clock that was set back: said in a line, and nothing is lost."""

import os
import shutil
import time

import pytest

from tests.workflow.project import Project

WIDER = ("knobs: {hidden: [128, 128], dropout: 0.15}", "knobs: {hidden: [64, 64], dropout: 0.15}")
RUN = "snakemake --cores 2"


@pytest.fixture
def project(tiny, tmp_path):
    return Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))


def kept(project, *folders):
    """Return the bytes of what earlier phases made."""
    paths = [path for name in folders for path in (project.folder / name).rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in paths}


def mounted(command, *mounts):
    """Return a command that runs in a mount namespace of its own, in which a user is root enough to mount."""
    return f"unshare --map-root-user --mount bash -c '{' && '.join([*mounts, command])}'"


def test_a_full_disk_is_said_and_what_was_made_stays(project):
    project.edit("params.yaml", *WIDER)
    before = kept(project, "data")
    ran = project.run(mounted(RUN, "mount -t tmpfs -o size=40k none artifacts/trained/tiny/digits/mlp"))
    assert ran.returncode == 1
    assert "No space left on device" in ran.stdout + ran.stderr
    assert kept(project, "data") == before
    again = project.run(RUN)
    assert again.returncode == 0, again.stdout + again.stderr
    assert project.jobs("suite=tiny") == {}


@pytest.mark.parametrize(
    ("folder", "words"),
    [("artifacts", "Write-protected output files"), (".", "Read-only file system")],
    ids=["artifacts", "project"],
)
def test_a_folder_that_cannot_be_written_is_said_and_what_was_made_stays(project, folder, words):
    project.edit("params.yaml", *WIDER)
    before = kept(project, "data", "artifacts", "reports/cells")
    ran = project.run(
        mounted(RUN, f"mount --bind {folder} {folder}", f"mount -o remount,bind,ro {folder}", "cd $PWD")
    )
    assert ran.returncode in (1, 2)
    assert words in ran.stdout + ran.stderr
    assert kept(project, "data", "artifacts", "reports/cells") == before
    again = project.run(RUN)
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_clock_that_was_set_back_changes_nothing(project):
    later = time.time() + 30 * 24 * 3600
    for path in project.folder.rglob("*"):
        if path.is_file() and not {".git", ".snakemake"} & set(path.parts):
            os.utime(path, (later, later))
    assert project.jobs("suite=tiny") == {}
    project.edit("params.yaml", *WIDER)
    jobs = project.jobs("suite=tiny")
    assert {name: jobs[name] for name in ("train", "compress", "evaluate")} == {
        "train": 1,
        "compress": 1,
        "evaluate": 2,
    }
    ran = project.run(RUN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert project.jobs("suite=tiny") == {}
