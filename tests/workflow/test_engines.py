"""DVC's phases and Snakemake's jobs are the same work."""

import json
import zipfile

import pytest
import yaml
from workflow.project import ROOT, copy

TINY = "\n  tiny: {tasks: [digits], models: [majority, mlp], methods: [prune], twins: true, seeds: [0]}"


def outs():
    """Return each stage's outs, metrics and plots."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    lists = {
        name: [*stage["outs"], *stage.get("metrics", []), *stage.get("plots", [])]
        for name, stage in stages.items()
    }
    return {
        name: [out if isinstance(out, str) else next(iter(out)) for out in each]
        for name, each in lists.items()
    }


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A copy under Git and DVC that runs two models on a twin."""
    project = copy(tmp_path_factory.mktemp("tiny"))
    project.edit("params.yaml", "\nsuite: default\n", "\nsuite: tiny\n")
    project.edit("params.yaml", "\nsuites:", f"\nsuites:{TINY}")
    began = project.run(
        "git init -q && git -c user.name=t -c user.email=t@t add -A . && git -c user.name=t -c user.email=t@t"
        " commit -qm begin && dvc repro"
    )
    assert began.returncode == 0, began.stdout + began.stderr
    return project


def test_every_output_of_a_rule_lies_in_one_out_of_one_stage(tiny):
    told = tiny.run("snakemake --summary 2>/dev/null").stdout.splitlines()[1:]
    files = [line.split("\t")[0] for line in told if line.strip()]
    assert any(name.startswith("artifacts/compressed/") for name in files)
    stages = outs()
    for name in files:
        holders = [
            stage
            for stage, each in stages.items()
            for out in each
            if name == out or name.startswith(f"{out}/")
        ]
        assert len(holders) == 1, (name, holders)


def test_after_dvc_repro_neither_engine_has_anything_to_do(tiny):
    assert "up to date" in tiny.run("dvc status").stdout
    assert tiny.jobs("suite=tiny") == {}
    again = tiny.run("dvc repro")
    assert again.returncode == 0
    assert "Running stage" not in again.stdout


def test_the_metrics_that_dvc_compares_are_the_reports(tiny):
    shown = json.loads(tiny.run("dvc metrics show --json").stdout)
    values = json.loads((tiny.folder / "reports" / "metrics.json").read_text())
    assert shown[""]["data"]["reports/metrics.json"]["data"] == values
    assert 0 < values["digits"]["majority"]["accuracy"] < values["digits"]["mlp"]["accuracy"] + 1


def test_snakemakes_own_report_builds_with_the_figures(tiny):
    built = tiny.run("snakemake --report report.zip")
    assert built.returncode == 0, built.stdout + built.stderr
    with zipfile.ZipFile(tiny.folder / "report.zip") as archive:
        names = archive.namelist()
    assert any(name.endswith(".svg") for name in names)
    assert any(name.endswith("index.html") for name in names)
