"""`dvc exp run` changes a knob and re-runs its cells alone; what DVC then compares is worth reading."""

import json
import shutil

import pytest

from tests.workflow.project import Project

KNOB = "models.mlp.knobs.dropout"
COMMIT = "git add -A . && git -c user.name=t -c user.email=t@t commit -qm done"


@pytest.fixture(scope="module")
def experiment(tiny, tmp_path_factory):
    """A committed project in which one experiment ran, and when each cell had been trained before it."""
    project = Project(shutil.copytree(tiny.folder, tmp_path_factory.mktemp("exp") / "copy", symlinks=True))
    began = project.run(COMMIT)
    assert began.returncode == 0, began.stdout + began.stderr
    before = finished(project)
    ran = project.run(f"dvc exp run --name wetter -S {KNOB}=0.9")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return project, before


def finished(project):
    paths = (project.folder / "artifacts/trained").rglob("measured.json")
    return {path.parts[-3]: json.loads(path.read_text())["finished"] for path in paths}


def told(project, command):
    answer = project.run(command)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return json.loads(answer.stdout)


def test_an_experiment_trains_the_cells_of_its_knob_alone(experiment):
    project, before = experiment
    after = finished(project)
    assert after["majority"] == before["majority"]
    assert after["mlp"] > before["mlp"]
    assert project.jobs("suite=tiny") == {}


def test_the_experiment_is_listed_with_its_knob_and_its_metrics(experiment):
    project, _ = experiment
    table = project.run("dvc exp show --csv").stdout.splitlines()
    names = table[0].split(",")
    assert KNOB in names
    assert "digits.mlp.accuracy" in names
    assert any("wetter" in line and "0.9" in line for line in table[1:])


def test_the_comparisons_name_what_changed(experiment):
    project, _ = experiment
    params = told(project, "dvc params diff --json HEAD")
    assert params["params.yaml"][KNOB] == {"old": 0.15, "new": 0.9, "diff": 0.75}
    metrics = told(project, "dvc metrics diff --json HEAD --all")
    assert set(metrics["reports/metrics.json"]) == {"digits.majority.accuracy", "digits.mlp.accuracy"}
    change = metrics["reports/metrics.json"]["digits.mlp.accuracy"]
    assert change["new"] - change["old"] == pytest.approx(change.get("diff", 0.0))


def test_the_plots_show_each_model_before_and_after(experiment):
    project, _ = experiment
    shown = told(project, "dvc plots diff HEAD --json")
    [plot] = shown["data"]["models"] if "data" in shown else shown["models"]
    text = json.dumps(plot)
    assert "majority" in text
    assert "mlp" in text
    assert "workspace" in text
    assert "HEAD" in text
