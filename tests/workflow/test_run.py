"""The whole graph on tiny twins, as a user runs it; then what changes, fails or is misspelt."""

import json
import shutil

import pandas as pd
import pytest

from tests.workflow.project import Project, copy

ROWS = "suite=smoke tasks=digits models=majority,mlp,decision_tree"
REPORTS = "reports/selection-smoke"
RUN = f"snakemake --cores 2 --config {ROWS}"
SCHEMA = "suite,task,dataset,model,method,seed,split,metric,value,status"
COSTS = (
    "suite,task,model,method,seed,parameters,size_bytes,train_seconds,peak_memory_bytes,"
    "latency_ms_batch1,latency_ms_batch64,host"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy in which the rows above have run."""
    project = copy(tmp_path_factory.mktemp("finished"))
    ran = project.run(RUN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return project


def status(project, folder):
    return json.loads((project.folder / folder / "status.json").read_text())


def test_a_run_leaves_the_report_and_the_tables_that_other_programs_read(finished):
    reports = finished.folder / REPORTS
    assert (reports / "results.csv").read_text().splitlines()[0] == SCHEMA
    assert (reports / "costs.csv").read_text().splitlines()[0] == COSTS
    table = pd.read_csv(reports / "results.csv")
    assert set(table["status"]) == {"ok"}
    assert set(zip(table["model"], table["method"], strict=True)) == {
        ("majority", "none"),
        ("decision_tree", "none"),
        ("mlp", "none"),
        ("mlp", "onnx"),
        ("mlp", "int8_dynamic"),
        ("mlp", "int8_static"),
        ("mlp", "prune"),
    }
    page = (reports / "index.html").read_text()
    assert "<table" in page
    assert "A selection of the suite smoke: tasks digits; models majority, mlp, decision_tree." in page
    assert 'href="../validation/digits_twin/index.html"' in page
    assert (finished.folder / "reports/validation/digits_twin/index.html").exists()
    assert not (finished.folder / "reports/index.html").exists()


def test_one_prediction_an_item_is_kept_and_gives_the_accuracy(finished):
    cell = finished.folder / "reports/cells/smoke/digits/mlp/0/none"
    predictions = pd.read_parquet(cell / "predictions.parquet")
    items = pd.read_parquet(finished.folder / "data/prepared/digits_twin/items.parquet")
    assert sorted(predictions["item"]) == sorted(items.loc[items["split"] == "test", "item"])
    accuracy = (predictions["target"] == predictions["prediction"]).mean()
    metrics = json.loads((cell / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] == pytest.approx(accuracy)


def test_a_second_run_has_nothing_to_do(finished):
    assert finished.jobs(ROWS) == {}


def test_a_report_that_was_deleted_is_made_again(finished):
    page = finished.folder / REPORTS / "index.html"
    page.unlink()
    assert finished.run(RUN).returncode == 0
    assert "<table" in page.read_text()


def test_another_row_of_the_same_suite_leaves_these_alone(finished):
    jobs = finished.jobs(f"{ROWS},logistic_regression")
    assert jobs["train"] == 1
    assert jobs["evaluate"] == 1
    assert "compress" not in jobs


def test_the_report_of_a_selection_is_beside_that_of_the_suite(tiny, tmp_path):
    project = Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))
    suites = project.folder / "reports"
    before = {
        name: (suites / name).read_bytes()
        for name in ("index.html", "results.csv", "costs.csv", "report.json")
    }
    ran = project.run("snakemake --cores 2 --config models=majority")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    page = suites / "selection-tiny/index.html"
    assert ran.stderr.splitlines()[-1] == f"report: {page.resolve()}; no cell failed"
    assert "dvc commit" not in ran.stderr
    assert set(pd.read_csv(page.with_name("results.csv"))["model"]) == {"majority"}
    assert {name: (suites / name).read_bytes() for name in before} == before
    assert project.jobs("suite=tiny") == {}
    assert project.jobs("models=majority") == {}
    published = project.run("assay publish --reports reports/selection-tiny")
    assert published.returncode == 0, published.stderr
    table = pd.read_csv(project.folder / "docs/results/tiny/digits.csv")
    assert set(table["model"]) == {"majority"}
    assert table["commit"].notna().all()


def test_data_that_fails_its_expectations_stops_its_own_task_with_exit_code_3(tmp_path):
    project = copy(tmp_path)
    project.edit("src/assay/data/datasets/image/digits.py", "dimmest_maximum=150", "dimmest_maximum=255")
    ran = project.run("snakemake --cores 2 --config suite=smoke tasks=digits,mnist models=majority")
    assert ran.returncode == 3
    assert "digits_twin" in ran.stderr
    table = pd.read_csv(project.folder / REPORTS / "results.csv")
    assert dict(zip(table["task"], table["status"], strict=True)) == {"digits": "failed", "mnist": "ok"}


def test_a_misspelt_key_is_one_line_and_exit_code_2(tmp_path):
    project = copy(tmp_path)
    project.edit("params.yaml", "\nmethods:\n", "\nmethod:\n")
    ran = project.run("snakemake --cores 2")
    assert ran.returncode == 2
    lines = [line for line in ran.stderr.splitlines() if line.startswith("params.yaml")]
    assert len(lines) == 1
    assert "did you mean methods?" in lines[0]
    assert not (project.folder / "data/raw").exists()


def test_a_wrong_suite_is_one_line_and_exit_code_2(finished):
    ran = finished.run("snakemake -n --config suite=pubilc")
    assert ran.returncode == 2
    assert (
        "suite 'pubilc': not in params.yaml; allowed: smoke, default, generated, small, public" in ran.stderr
    )


def test_both_ways_to_run_a_cell_leave_the_same_result(finished, tmp_path):
    """Through the process that has imported everything once, or alone: same weights, metrics and predictions."""
    folder = "artifacts/trained/smoke/digits/mlp/0"
    before = status(finished, folder)
    project = copy(tmp_path)
    served = "    if not rules_to_run.isdisjoint(launch.SERVED):\n"
    project.edit("src/assay/pipeline/rules/common.smk", served, "    if False:\n")
    cell = "reports/cells/smoke/digits/mlp/0/int8_static"
    assert (
        project.run(f"{RUN.replace('majority,mlp,decision_tree', 'mlp')} -- {cell}/status.json").returncode
        == 0
    )
    assert status(project, folder) == before
    assert status(project, cell) == status(finished, cell)
