"""The plan says what Snakemake would do, and why."""

import shutil

import pytest
from workflow.project import Project

PHASES = ("ingest", "prepare", "validate", "train", "compress", "evaluate")
WIDER = (
    "params.yaml",
    "knobs: {hidden: [128, 128], dropout: 0.15}",
    "knobs: {hidden: [64, 64], dropout: 0.15}",
)


@pytest.fixture(scope="module")
def project(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan") / "copy"
    return Project(shutil.copytree(tiny.folder, folder, symlinks=True))


@pytest.mark.parametrize(
    ("path", "old", "new", "why"),
    [
        (*WIDER, "train digits/mlp: knobs.hidden: [128, 128] is now [64, 64]"),
        (
            "params.yaml",
            "sparsity: 0.5",
            "sparsity: 0.25",
            "compress digits/mlp/prune: knobs.sparsity: 0.5 is now 0.25",
        ),
        ("params.yaml", "seeds: [0]}\n  smoke", "seeds: [0, 1]}\n  smoke", "train digits/mlp: never made"),
        (
            "params.yaml",
            "models: [majority, mlp], m",
            "models: [mlp, majority, linear_svm], m",
            "train digits/linear_svm: n",
        ),
        (
            "params.yaml",
            "digits: {validation_fraction: 0.15",
            "digits: {validation_fraction: 0.2",
            "prepare digits_twin: v",
        ),
        (
            "src/assay/models/mlp.py",
            "from __future__",
            "# a comment\nfrom __future__",
            "train digits/mlp: its code changed",
        ),
        (
            "src/assay/models/cnn.py",
            "from __future__",
            "# a comment\nfrom __future__",
            "0 of 9 jobs would run: nothing to do",
        ),
        (
            "src/assay/validation.py",
            "_SHOWN_ROWS = 5",
            "_SHOWN_ROWS = 4",
            "validate digits_twin: its code changed",
        ),
    ],
)
def test_the_plan_is_snakemakes(project, path, old, new, why):
    before = (project.folder / path).read_text()
    try:
        project.edit(path, old, new)
        jobs, told = project.jobs("suite=tiny"), project.run("assay plan")
    finally:
        (project.folder / path).write_text(before)
    assert (told.returncode, told.stderr) == (0, "")
    assert why in told.stdout
    planned = [line.split() for line in told.stdout.splitlines() if line.startswith("  ")]
    assert {words[0].rstrip(":"): int(words[1]) for words in planned} == {
        phase: count for phase, count in jobs.items() if phase in PHASES
    }


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
        project.edit("params.yaml", "dropout: 0.15", "dropout: 15")
        project.edit("params.yaml", "sparsity: 0.5", "sparsity: 5")
        told = project.run("assay plan")
    finally:
        (project.folder / "params.yaml").write_text(before)
    assert (told.returncode, told.stdout) == (2, "")
    assert len(told.stderr.splitlines()) == 2
