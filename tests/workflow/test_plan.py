"""The plan says how long it would take and all that is wrong; test_invalidation holds what would run and why."""

import shutil

import pytest

from tests.workflow.project import Project

WIDER = (
    "params.yaml",
    "knobs: {hidden: [128, 128], dropout: 0.15}",
    "knobs: {hidden: [64, 64], dropout: 0.15}",
)


@pytest.fixture(scope="module")
def project(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan") / "copy"
    return Project(shutil.copytree(tiny.folder, folder, symlinks=True))


def test_a_job_is_expected_to_take_what_it_took(project):
    before = (project.folder / "params.yaml").read_text()
    try:
        project.edit(*WIDER)
        told = project.run("assay plan").stdout
    finally:
        (project.folder / "params.yaml").write_text(before)
    assert "4 of 9 jobs would run\n" in told
    assert "  train: 1 job, " in told
    assert "unknown" not in told


def test_every_fault_of_params_is_told_at_once(project):
    before = (project.folder / "params.yaml").read_text()
    try:
        project.edit("params.yaml", "dropout: 0.15}", "dropout: 15}")
        project.edit("params.yaml", "sparsities: [0.5, 0.7", "sparsities: [5, 0.7")
        told = project.run("assay plan")
    finally:
        (project.folder / "params.yaml").write_text(before)
    assert (told.returncode, told.stdout) == (2, "")
    assert len(told.stderr.splitlines()) == 2
