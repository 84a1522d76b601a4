"""Each way in which a cell can fail costs that cell alone, is shown, and is tried again."""

import pandas as pd
import pytest

from tests.workflow.project import copy

BROKEN = """

import os, signal, time

def _broken(self, images, *labels, whole={name}):
    {line}

{name} = _broken
"""
WAYS = {
    "mlp": ("MLP.forward", "return whole(self, images)[:, :3]", "failed", "IndexError"),
    "cnn": ("CNN.forward", "raise RuntimeError('no such kernel')", "failed", "RuntimeError: no such kernel"),
    "lenet5": ("LeNet5.forward", "return whole(self, images) * float('nan')", "diverged", "step"),
    "rnn": ("RNN.forward", "return whole(self, images) + torch.empty(10**15)", "out of memory", "allocate"),
    "lstm": ("LSTM.forward", "os.kill(os.getpid(), signal.SIGKILL)", "killed", "signal 9"),
    "decision_tree": (
        "DecisionTree.fit",
        "raise AttributeError('no such split')",
        "failed",
        "AttributeError: no such",
    ),
    "transformer": ("Transformer.forward", "time.sleep(600)", "timed out", "limits.cell_minutes"),
}
"""By model: its method, what that does, how its cell must end and a word of the reason."""
FINE = ("majority", "linear_svm")
ROWS = "suite=failing"
SUITE = (
    f"\n  failing: {{tasks: [digits], models: [{', '.join((*FINE, *WAYS))}], methods: [int8_dynamic],"
    " synthetic_twins: true, seeds: [0], training: {epochs: 2, patience: 0}}"
)
VARIANTS = 2 * len(WAYS) - 1
"""Those that fail: networks as they are and in int8, the tree as it is."""


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A project in which cells fail, each in its own way; and the run, which was not told to keep going."""
    project = copy(tmp_path_factory.mktemp("failing"))
    project.edit("params.yaml", "cell_minutes: 60", "cell_minutes: 0.4")
    project.edit("params.yaml", "\nsuites:", f"\nsuites:{SUITE}")
    for model, (name, line, *_) in WAYS.items():
        path = next(project.folder.glob(f"src/assay/models/*/{model}.py"))
        path.write_text(path.read_text() + BROKEN.format(name=name, line=line))
    ran = project.run(f"snakemake --cores 2 --workflow-profile none --config {ROWS}")
    return project, ran


def test_every_cell_ends_as_it_must_and_stops_no_other(failed):
    project, ran = failed
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "train: failed: RuntimeError: no such kernel" in ran.stderr
    table = pd.read_csv(project.folder / "reports/results.csv")
    expected = {model: way[2] for model, way in WAYS.items()} | dict.fromkeys(FINE, "ok")
    assert dict(zip(table["model"], table["status"], strict=True)) == expected
    assert len(table[table["status"] != "ok"]) == VARIANTS


def test_the_page_shows_each_with_its_reason(failed):
    project, _ = failed
    page = (project.folder / "reports/index.html").read_text()
    told = pd.read_csv(project.folder / "reports/tables/failures.csv")
    for model, (_, _, status, word) in WAYS.items():
        [row] = told[(told["model"] == model)].to_dict("records")[:1]
        assert row["status"] == status
        assert word in row["reason"]
        assert word in page


def test_the_next_run_tries_exactly_these_again(failed):
    project, _ = failed
    jobs = project.jobs(ROWS)
    assert jobs["train"] == len(WAYS)
    assert jobs["evaluate"] == VARIANTS
    for model, (name, line, *_) in WAYS.items():
        path = next(project.folder.glob(f"src/assay/models/*/{model}.py"))
        path.write_text(path.read_text().removesuffix(BROKEN.format(name=name, line=line)))
    ran = project.run(f"snakemake --cores 2 --config {ROWS}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert project.jobs(ROWS) == {}
