"""A row with `tuning:` is tuned, trained with what was chosen, and reported, in both engines."""

import os
import shutil
import signal
import time

import pytest

from assay.files import read_json
from tests.workflow.kills import begun, ended
from tests.workflow.project import Project

SPACE = "{learning_rate: {low: 1.0e-3, high: 0.1, log: true}, hidden: [[8], [16], [8, 8]]}"
ROW = f"  searched: {{like: mlp, tuning: {{trials: 4, sampler: tpe, items: 60, space: {SPACE}}}}}\n"
FOLDER = "artifacts/tuned/tiny/digits/searched"
JOURNAL = f"{FOLDER}/search/journal.log"
EQUAL = (
    *(f"{FOLDER}/{name}.json" for name in ("chosen", "trials", "status")),
    "artifacts/trained/tiny/digits/searched/0/status.json",
    "artifacts/trained/tiny/digits/searched/0/model.safetensors",
    "reports/tables/trials.csv",
)


@pytest.fixture(scope="module")
def tuned(tiny, tmp_path_factory):
    """The tiny project with a tuned row that has run. Copy it before you change anything."""
    project = Project(shutil.copytree(tiny.folder, tmp_path_factory.mktemp("tuned") / "p", symlinks=True))
    project.edit("params.yaml", "models: [majority, mlp]", "models: [majority, mlp, searched]")
    project.edit("params.yaml", "\nmodels:\n", f"\nmodels:\n{ROW}")
    before = project.jobs("suite=tiny")
    assert (before["tune"], before["train"], before["compress"], before["evaluate"]) == (1, 1, 1, 2)
    ran = project.run("snakemake --cores 2 && dvc commit --force")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return project


def nothing_to_do(project):
    again = project.run("dvc repro")
    assert again.returncode == 0, again.stdout + again.stderr
    return (
        "up to date" in project.run("dvc status").stdout
        and "Running stage" not in again.stdout
        and project.jobs("suite=tiny") == {}
    )


def test_the_row_is_trained_with_what_was_chosen_and_the_report_shows_it(tuned):
    chosen = read_json(tuned.folder / FOLDER / "chosen.json")
    record = read_json(tuned.folder / EQUAL[3])
    assert set(chosen["setting"]) == {"learning_rate", "hidden"}
    assert record["chosen"] == chosen["setting"]
    assert record["artifact"]["arguments"]["hidden"] == chosen["setting"]["hidden"]
    assert record["cell"]["training"]["learning_rate"] == chosen["setting"]["learning_rate"]
    assert record["spec"]["training"]["learning_rate"] != chosen["setting"]["learning_rate"]
    page = (tuned.folder / "reports" / "index.html").read_text()
    assert '<h2 id="tuning-section">Tuning</h2>' in page
    card = (tuned.folder / "reports" / "cards" / "digits" / "searched.md").read_text()
    assert "searched on digits" in card


def test_after_snakemake_neither_engine_has_anything_to_do(tuned):
    assert nothing_to_do(tuned)


def test_a_search_that_was_killed_ends_with_the_same_bytes_and_both_engines_agree(tuned, tmp_path):
    project = Project(shutil.copytree(tuned.folder, tmp_path / "copy", symlinks=True))
    shutil.rmtree(project.folder / FOLDER)
    with begun(project, "snakemake --cores 2 tuned") as run:
        end = time.monotonic() + 300
        while (project.folder / JOURNAL).exists() is False or _finished(project) < 2:
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        ended(project, run)
    assert not (project.folder / FOLDER / "status.json").exists()
    ran = project.run("dvc repro")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for name in EQUAL:
        assert (project.folder / name).read_bytes() == (tuned.folder / name).read_bytes(), name
    assert not (project.folder / JOURNAL).exists()
    assert nothing_to_do(project)


def _finished(project):
    """Return how many trials the journal holds with their score: Optuna writes their values and states on one line."""
    return (project.folder / JOURNAL).read_text(errors="replace").count('"values":[')


def test_a_changed_space_repeats_the_search_and_trains_that_row_only(tuned, tmp_path):
    project = Project(shutil.copytree(tuned.folder, tmp_path / "copy", symlinks=True))
    project.edit("params.yaml", "high: 0.1, log: true}, hidden: [[8]", "high: 0.2, log: true}, hidden: [[8]")
    jobs = project.jobs("suite=tiny")
    assert (jobs["tune"], jobs["train"], jobs["compress"], jobs["evaluate"]) == (1, 1, 1, 2)
