"""One thing is edited: which jobs Snakemake would run, which stages DVC would run, and what the plan says of it."""

import json
import shutil

import pytest

from tests.workflow.project import Project, copy

WIDE = (
    "\n  wide: {tasks: [digits, mnist], models: [majority, linear_svm, mlp], methods: [prune],"
    " synthetic_twins: true, seeds: [0]}"
)
PHASES = ("ingest", "prepare", "validate", "tune", "train", "compress", "evaluate")
MLP = {"train": 2, "compress": 2, "evaluate": 4}
DIGITS = {"validate": 1, "train": 3, "compress": 1, "evaluate": 4}
ALL = {"ingest": 2, "prepare": 2, "validate": 2, "train": 6, "compress": 2, "evaluate": 8}
CELLS = {"tune", "train", "compress", "evaluate", "report"}
EVERY = {*PHASES, "report"}
COMMENT = ("from __future__", "# a comment\nfrom __future__")

EDITS = {
    "a knob of one model": (
        "params.yaml",
        ("knobs: {hidden: [128, 128], dropout: 0.15}", "knobs: {hidden: [64, 64], dropout: 0.15}"),
        MLP,
        CELLS,
        "train digits/mlp: knobs.hidden: [128, 128] is now [64, 64]",
    ),
    "a knob of one task": (
        "params.yaml",
        ("training: {epochs: 30, batch_size: 32}", "training: {epochs: 30, batch_size: 16}"),
        {"train": 1, "compress": 1, "evaluate": 2},
        EVERY,
        "train digits/mlp: training.batch_size: 32 is now 16",
    ),
    "the trainer's strategy": (
        "params.yaml",
        ("num_nodes: 1, strategy: auto,", "num_nodes: 1, strategy: ddp,"),
        MLP,
        {"tune", "train", "report"},
        "train digits/mlp: lightning.strategy: auto is now ddp",
    ),
    "a method's knob": (
        "params.yaml",
        ("sparsities: [0.5, 0.7", "sparsities: [0.6, 0.7"),
        {"compress": 2, "evaluate": 2},
        {"compress", "evaluate", "report"},
        "compress digits/mlp/prune: knobs.sparsities: [0.5, 0.7, 0.8, 0.9, 0.95] is now [0.6, 0.7, 0.8, 0.9, 0.95]",
    ),
    "how a dataset is split": (
        "params.yaml",
        ("digits: {validation_fraction: 0.15", "digits: {validation_fraction: 0.2"),
        {"prepare": 1, **DIGITS},
        EVERY,
        "prepare digits_twin: validation_fraction: 0.15 is now 0.2",
    ),
    "a seed added": (
        "params.yaml",
        ("synthetic_twins: true, seeds: [0]}\n  #", "synthetic_twins: true, seeds: [0, 1]}\n  #"),
        MLP,
        EVERY,
        "train digits/mlp: new",
    ),
    "a model added": (
        "params.yaml",
        ("models: [majority, linear_svm, mlp]", "models: [mlp, decision_tree, majority, linear_svm]"),
        {"train": 2, "evaluate": 2},
        EVERY,
        "train digits/decision_tree: new",
    ),
    "a dataset removed": (
        "params.yaml",
        ("tasks: [digits, mnist], models: [majority,", "tasks: [digits], models: [majority,"),
        {},
        EVERY,
        "0 of 11 jobs would run: nothing to do",
    ),
    "rows in another order": (
        "params.yaml",
        ("models: [majority, linear_svm, mlp]", "models: [mlp, linear_svm, majority]"),
        {},
        EVERY,
        "0 of 22 jobs would run: nothing to do",
    ),
    "a limit, which stands in no cell": (
        "params.yaml",
        ("cell_minutes: 60", "cell_minutes: 30"),
        {},
        {"report"},
        "0 of 22 jobs would run: nothing to do",
    ),
    "a line of one model's code": (
        "src/assay/models/image/mlp.py",
        COMMENT,
        MLP,
        CELLS - {"report"},
        "train digits/mlp: its code changed",
    ),
    "a line of a module that two of the models import": (
        "src/assay/models/layers/class_scores.py",
        COMMENT,
        {"train": 4, "evaluate": 4},
        CELLS - {"report"},
        "train digits/linear_svm: its code changed",
    ),
    "a comment in a file that no cell runs": (
        "src/assay/models/image/cnn.py",
        COMMENT,
        {},
        CELLS - {"report"},
        "0 of 22 jobs would run: nothing to do",
    ),
    "a line of one dataset's code": (
        "src/assay/data/datasets/image/digits.py",
        COMMENT,
        {"ingest": 1, "prepare": 1, **DIGITS},
        EVERY,
        "ingest digits_twin: its code changed",
    ),
    "a line of what validates": (
        "src/assay/data/validation.py",
        ("_SHOWN_ROWS = 5", "_SHOWN_ROWS = 4"),
        {"validate": 2, "train": 6, "compress": 2, "evaluate": 8},
        EVERY,
        "validate digits_twin: its code changed",
    ),
    "a line that all run": (
        "src/assay/files.py",
        COMMENT,
        ALL,
        EVERY,
        "ingest digits_twin: its code changed",
    ),
    "a byte of raw data": (
        "data/raw/digits_twin/digits.csv.gz",
        None,
        {"ingest": 1, "prepare": 1, **DIGITS},
        {"ingest", "prepare"},
        "ingest digits_twin: data/raw/digits_twin/digits.csv.gz: does not have the digest in source.json",
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = copy(tmp_path_factory.mktemp("wide"))
    project.edit("params.yaml", "\nsuite: default\n", "\nsuite: wide\n")
    project.edit("params.yaml", "\nsuites:", f"\nsuites:{WIDE}")
    began = project.run("git init -q && snakemake --cores 2 --quiet all && dvc commit --force")
    assert began.returncode == 0, began.stdout + began.stderr
    return project


def nothing_to_do(project):
    status = json.loads(project.run("dvc status --json").stdout)
    return (project.jobs("suite=wide"), status) == ({}, {})


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_re_runs_what_depends_on_it_and_nothing_else(project, edit):
    name, change, jobs, stages, why = EDITS[edit]
    path = project.folder / name
    before = path.read_bytes()
    try:
        if change:
            project.edit(name, *change)
        else:
            path.write_bytes(before[:-1] + b"?")
        found = project.jobs("suite=wide")
        planned = project.run("assay plan")
        status = json.loads(project.run("dvc status --json").stdout)
    finally:
        path.write_bytes(before)
    assert {phase: count for phase, count in found.items() if phase in PHASES} == jobs
    assert why in planned.stdout
    lines = [line.split() for line in planned.stdout.splitlines() if line.startswith("  ")]
    assert {words[0].rstrip(":"): int(words[1]) for words in lines} == jobs
    assert set(status) == stages


@pytest.mark.parametrize(
    ("record", "jobs"),
    [
        ("data/prepared/digits_twin/prepared.json", {"prepare": 1, **DIGITS}),
        ("artifacts/trained/wide/digits/mlp/0/status.json", {"train": 1, "compress": 1, "evaluate": 2}),
        ("reports/cells/wide/digits/mlp/0/none/status.json", {"evaluate": 1}),
    ],
)
def test_a_record_that_is_gone_is_made_again_with_what_follows_from_it(project, record, jobs):
    path = project.folder / record
    path.rename(path.with_suffix(".gone"))
    try:
        found = project.jobs("suite=wide")
    finally:
        path.with_suffix(".gone").rename(path)
    assert {phase: count for phase, count in found.items() if phase in PHASES} == jobs


def test_what_was_put_back_is_not_made_again(project):
    assert nothing_to_do(project)


def test_what_the_matrix_no_longer_holds_leaves_the_versioned_folders_and_is_kept(project, tmp_path):
    copied = Project(shutil.copytree(project.folder, tmp_path / "copy", symlinks=True))
    copied.edit("params.yaml", "tasks: [digits, mnist], models: [majority,", "tasks: [digits], models: [")
    made = [
        path.relative_to(copied.folder) for path in copied.folder.glob("reports/cells/wide/**/status.json")
    ]
    gone = [path for path in made if "mnist" in path.parts or "majority" in path.parts]
    assert len(gone) == 5
    ran = copied.run("dvc repro")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{gone[0].parent}: not in params.yaml; moved to .assay/replaced" in ran.stdout + ran.stderr
    assert not any((copied.folder / path).exists() for path in gone)
    for path in gone:
        [kept] = copied.folder.glob(f".assay/replaced/*/{path}")
        assert json.loads(kept.read_text())["status"] == "ok"
    assert nothing_to_do(copied)
