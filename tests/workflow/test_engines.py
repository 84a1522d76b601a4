"""DVC's phases and Snakemake's jobs are the same work."""

import json
import shutil
import zipfile

import yaml

from tests.workflow.project import ROOT, Project


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


def nothing_to_do(project):
    """Say whether both engines find everything as it should be."""
    again = project.run("dvc repro")
    assert again.returncode == 0, again.stdout + again.stderr
    return (
        "up to date" in project.run("dvc status").stdout
        and "Running stage" not in again.stdout
        and project.jobs("suite=tiny") == {}
    )


def test_after_snakemake_and_the_command_that_it_names_neither_engine_has_anything_to_do(tiny):
    assert nothing_to_do(tiny)


def test_after_dvc_repro_neither_engine_has_anything_to_do_and_results_are_those_of_snakemake(tiny, tmp_path):
    project = Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))
    for name in ("data/raw", "data/prepared", "data/validated", "artifacts", "reports", ".snakemake"):
        shutil.rmtree(project.folder / name)
    (project.folder / "dvc.lock").unlink()
    ran = project.run("dvc repro")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert nothing_to_do(project)
    made = {path.relative_to(tiny.folder) for path in tiny.folder.glob("reports/cells/**/*.*")}
    made |= {path.relative_to(tiny.folder) for path in tiny.folder.glob("artifacts/**/model.*")}
    equal = {path for path in made if path.name not in ("measured.json", "made.json")}
    assert {path.suffix for path in equal} == {".json", ".parquet", ".safetensors", ".sha256", ".skops"}
    for path in equal:
        assert (project.folder / path).read_bytes() == (tiny.folder / path).read_bytes(), path


def test_what_python_compiled_is_no_change_of_the_code(tiny, tmp_path):
    project = Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))
    assert project.run("assay list", PYTHONDONTWRITEBYTECODE="").returncode == 0
    assert any(project.folder.glob("src/assay/__pycache__/*.pyc"))
    assert "up to date" in project.run("dvc status").stdout


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


def test_a_cell_that_is_made_again_is_equal_until_something_else_makes_it(tiny, tmp_path):
    project = Project(shutil.copytree(tiny.folder, tmp_path / "copy", ignore=shutil.ignore_patterns(".git")))
    before = {path: path.read_bytes() for path in project.folder.glob("reports/cells/**/*.json")}
    for cell in ("digits/mlp/0/prune", "digits/majority/0/none"):
        again = project.run(f"assay verify {cell}")
        assert (again.returncode, again.stdout) == (0, f"{cell}: equal: every file has the same bytes\n")
        assert again.stderr == ""
    assert before == {path: path.read_bytes() for path in project.folder.glob("reports/cells/**/*.json")}
    unknown = project.run("assay verify digits/mpl/0")
    assert unknown.returncode == 2
    assert unknown.stderr == (
        "digits/mpl/0: not in the suite tiny; did you mean digits/mlp/0? assay list shows all\n"
    )
    edit = "ORDER, AUGMENTATION, DROPOUT = range(3)", "ORDER, AUGMENTATION, DROPOUT = 3, 4, 5"
    project.edit("src/assay/training/supervised.py", *edit)
    other = project.run("assay verify digits/mlp/0")
    assert other.returncode == 1
    assert other.stdout == "digits/mlp/0: different: first train: its code changed\n"
    project.edit("src/assay/training/supervised.py", *reversed(edit))
    weights = project.folder / "artifacts/trained/tiny/digits/mlp/0/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    edited = project.run("assay verify digits/mlp/0")
    assert edited.returncode == 1
    assert "model.safetensors: does not have the digest in status.json" in edited.stdout


def test_a_byte_of_raw_data_changed_by_hand_is_named_and_ingested_again_by_both_engines(tiny, tmp_path):
    project = Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))
    raw = project.folder / "data/raw/digits_twin/digits.csv.gz"
    whole = raw.read_bytes()
    made = {path: path.read_bytes() for path in project.folder.glob("reports/cells/**/metrics.json")}
    for command in ("dvc repro", "snakemake --cores 2 --quiet all && dvc commit --force"):
        raw.write_bytes(whole[:-1] + b"?")
        assert "data/raw" in project.run("dvc status").stdout
        jobs = {"ingest": 1, "prepare": 1, "validate": 1, "train": 2, "compress": 1, "evaluate": 3}
        assert project.jobs("suite=tiny").items() >= jobs.items()
        planned = project.run("assay plan").stdout
        assert (
            "ingest digits_twin: data/raw/digits_twin/digits.csv.gz: does not have the digest in source.json"
            in planned
        )
        ran = project.run(command)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        named = "data/raw/digits_twin/digits.csv.gz: does not have the digest in source.json"
        assert named in ran.stdout + ran.stderr
        assert raw.read_bytes() == whole
        assert project.jobs("suite=tiny") == {}
        assert "up to date" in project.run("dvc status").stdout
    assert made == {path: path.read_bytes() for path in made}
