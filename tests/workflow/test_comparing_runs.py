"""What changed since an earlier run is read from what Git and DVC hold of it."""

import shutil

import pytest

from tests.workflow.project import Project

COMMIT = "git add -A . && git -c user.name=t -c user.email=t@t commit -qm done"
NARROWER = ("knobs: {hidden: [128, 128], dropout: 0.15}", "knobs: {hidden: [1], dropout: 0.15}")


@pytest.fixture(scope="module")
def changed(tiny, tmp_path_factory):
    """A project whose first results were committed, and which then ran with a smaller network."""
    folder = tmp_path_factory.mktemp("compare") / "copy"
    project = Project(shutil.copytree(tiny.folder, folder, symlinks=True))
    project.edit("params.yaml", *NARROWER)
    ran = project.run(f"{COMMIT} && git tag first && snakemake --cores 2 --quiet all")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return project


def told(project, words=""):
    found = project.run(f"assay compare {words}")
    assert (found.returncode, found.stderr) == (0, ""), found.stderr
    return found.stdout


def test_scores_and_costs_are_compared_with_any_revision(changed):
    lines = told(changed, "first").splitlines()
    assert lines[0].startswith("### this run, suite tiny, compared with commit ")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    scores = {(row[2], row[3]): row for row in rows if len(row) == 10}
    costs = {(row[1], row[2], row[3]): row for row in rows if len(row) == 7}
    assert ("mlp", "none") in scores
    assert scores["mlp", "none"][9] == "McNemar's test over items, one run each"
    assert not any(model == "majority" for model, _ in scores)
    assert ("mlp", "none", "size") in costs
    assert told(changed, "first").splitlines() == lines


def test_the_last_run_is_the_same_before_and_after_this_one_is_recorded(changed, tmp_path):
    project = Project(shutil.copytree(changed.folder, tmp_path / "copy", symlinks=True))
    before = told(project)
    assert before.startswith(
        "### this run, suite tiny, compared with the run recorded in dvc.lock, suite tiny"
    )
    recorded = project.run(f"dvc commit --force --quiet && {COMMIT}")
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    after = told(project)
    assert after.splitlines()[1:] == before.splitlines()[1:]
    assert after == told(project, "first")
    assert told(project, "HEAD").splitlines()[2] == "3 same."


@pytest.mark.parametrize(
    ("spoil", "revision", "words"),
    [
        ("true", "nowhere", "nowhere: no revision of this repository; git log shows them\n"),
        ("true", "first~1", "first~1: has no dvc.lock, so DVC recorded nothing there\n"),
        ("rm -r .dvc/cache", "first", "is not in DVC's cache; dvc fetch --all-commits reports/results.csv"),
        ("rm -r .dvc/cache .git", "first", "this folder is not under Git"),
        ("rm reports/results.csv", "first", "reports/results.csv: not found; run the suite first\n"),
    ],
)
def test_what_is_not_to_be_had_is_one_line(changed, tmp_path, spoil, revision, words):
    project = Project(shutil.copytree(changed.folder, tmp_path / "copy", symlinks=True))
    assert project.run(spoil).returncode == 0
    found = project.run(f"assay compare {revision}", GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert (found.returncode, found.stdout) == (2, "")
    assert words in found.stderr
    assert found.stderr.count("\n") == 1
