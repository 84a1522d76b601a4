"""Files that something else put in the place of a run's are noticed: by content, whatever Snakemake remembers."""

import csv
import json
import shutil

import pytest

from tests.workflow.project import ROOT, Project, copy

CELL = "artifacts/trained/tiny/digits/mlp/0"
DROPOUT = ("{hidden: [128, 128], dropout: 0.15}", "{hidden: [128, 128], dropout: 0.9}")
BUILD = """
from assay.pipeline.rule_functions import Graph, matrix_or_exit
from assay.pipeline.stages import report
request = Graph(matrix_or_exit({})).report_request()
words = ["--spec", request["spec"], "--code", request["code"], "--params", "params.yaml", "--out", "reports/index.html"]
report.main(words)
"""
MLP = {"train": 1, "compress": 1, "evaluate": 2}


def phases(project):
    return {name: count for name, count in project.jobs("suite=tiny").items() if name in MLP}


@pytest.fixture
def project(tiny, tmp_path):
    return Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))


def test_what_dvc_put_back_is_made_again_unless_it_is_what_params_yaml_requests(project):
    project.edit("params.yaml", *DROPOUT)
    ran = project.run("snakemake --cores 2 --quiet all && dvc checkout --force --quiet")
    assert ran.returncode == 0, ran.stderr
    spec = json.loads((project.folder / CELL / "status.json").read_text())["spec"]
    assert spec["knobs"]["dropout"] == 0.15
    assert phases(project) == MLP
    verified = project.run("assay verify digits/mlp/0")
    reason = "knobs.dropout: 0.15 is now 0.9"
    assert (verified.returncode, verified.stdout) == (1, f"digits/mlp/0: different: first train: {reason}\n")
    assert f"train digits/mlp: {reason}" in project.run("assay plan").stdout
    checked = project.run("assay verify --files")
    assert (checked.returncode, reason in checked.stdout) == (1, True)
    project.edit("params.yaml", *reversed(DROPOUT))
    assert project.jobs("suite=tiny") == {}  # Snakemake's own memory is of the other knob


def test_a_record_of_other_code_is_made_again(project):
    (project.folder / "src/assay/models/image/mlp.py").write_text(
        (project.folder / "src/assay/models/image/mlp.py").read_text() + "\n# a comment\n"
    )
    shutil.rmtree(project.folder / ".snakemake")
    assert phases(project) == MLP


def test_a_forged_number_is_named_made_again_and_never_ranked(project):
    path = project.folder / "reports/cells/tiny/digits/majority/0/none/metrics.json"
    whole = path.read_bytes()
    forged = json.loads(whole)
    forged["test"]["accuracy"] = 1.0
    path.write_text(json.dumps(forged))
    line = f"{path.relative_to(project.folder)}: does not have the digest in status.json"
    assert line in project.run("assay verify --files").stdout
    assert project.run(f"python -c '{BUILD}'").returncode == 0
    with (project.folder / "reports/results.csv").open() as stream:
        [row] = [
            row for row in csv.DictReader(stream) if (row["model"], row["method"]) == ("majority", "none")
        ]
    assert (row["status"], row["value"]) == ("failed", "")
    assert line in (project.folder / "reports/index.html").read_text()
    ran = project.run("snakemake --cores 2 --quiet all")
    assert ran.returncode == 0, ran.stderr
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "name",
    ["data/prepared/digits_twin/arrays.safetensors", "reports/results.csv", "reports/tables/matrix.csv"],
)
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_any_file_that_was_cut_or_taken_away_is_named_and_made_again(project, name, damage):
    path = project.folder / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    dry = project.run("snakemake -n --quiet rules")
    assert f"{name}: does not have the digest in" in dry.stderr
    jobs = project.jobs("suite=tiny")
    assert jobs["report"] == 1
    assert ("prepare" in jobs) == name.startswith("data")


def test_a_folder_runs_its_own_code_whatever_the_environment_names(tmp_path):
    project = copy(tmp_path)
    (tmp_path / "src/assay/config/registry.py").write_text('raise RuntimeError("the code of this folder")\n')
    for command in ("snakemake -n", "assay list"):
        ran = project.run(command, PYTHONPATH="")
        assert ran.returncode != 0
        assert "the code of this folder" in ran.stdout + ran.stderr
    ran = project.run("assay list", PYTHONPATH=f"{tmp_path / 'src'}:{ROOT / 'src'}")
    assert "the code of this folder" in ran.stderr
    command = "python -c 'from assay.pipeline.rule_functions import matrix_or_exit; matrix_or_exit({})'"
    told = project.run(command, PYTHONPATH=str(ROOT / "src"))
    assert (told.returncode, told.stdout) == (2, "")
    line = f"src/assay: the code of this folder would not run, but {ROOT / 'src/assay'}; "
    assert told.stderr == f"{line}set PYTHONPATH=src to run this folder's\n"


def test_a_selection_that_matches_nothing_is_one_line_and_the_report_stays(project):
    page = project.folder / "reports/index.html"
    before = page.read_bytes()
    ran = project.run("snakemake --cores 1 --quiet all --config tasks=digits,mnist")
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith("--config tasks: mnist: not in suites.tiny.tasks; ")
    assert page.read_bytes() == before


def test_a_report_that_cannot_be_built_leaves_the_last_one(project):
    names = (
        "index.html",
        "results.csv",
        "costs.csv",
        "estimates.csv",
        "tests.csv",
        "results.md",
        "metrics.json",
    )
    before = [(project.folder / "reports" / name).read_bytes() for name in names]
    project.edit("src/assay/report/build.py", "\ndef build(", "\nraise RuntimeError\n\n\ndef build(")
    ran = project.run("snakemake --cores 1 --quiet all")
    assert ran.returncode == 1
    assert [(project.folder / "reports" / name).read_bytes() for name in names] == before
    project.edit("src/assay/report/build.py", "\nraise RuntimeError\n", "")
    assert project.jobs("suite=tiny")["report"] == 1
