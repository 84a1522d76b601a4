"""params.yaml stands in the form that DVC writes, so that an experiment's change is all that its diff shows."""

import difflib
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import modify_yaml

from assay.config.params import load_params

TEXT = Path("params.yaml").read_text()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    return path


def changed_lines(path):
    """Return the lines that went and those that came."""
    lines = list(difflib.unified_diff(TEXT.splitlines(), path.read_text().splitlines(), n=0))[2:]
    return [line for line in lines if line[0] in "+-"]


def test_dvc_reads_and_writes_the_same_bytes(file):
    with modify_yaml(file):
        pass
    assert file.read_text() == TEXT


def test_it_is_read_in_one_sitting():
    tuned = sum(row.tuning is not None for row in load_params(Path("params.yaml")).models.values())
    assert len(TEXT.splitlines()) <= 400 + 4 * tuned  # three for a row, one for its place in the suite


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("suite=default", "", ""),
        ("suite=public", "suite: default", "suite: public"),
        (
            "models.mlp.knobs.dropout=0.3",
            "    knobs: {hidden: [128, 128], dropout: 0.15}",
            "    knobs: {hidden: [128, 128], dropout: 0.3}",
        ),
        (
            "models.mlp.knobs.hidden=[64,64]",
            "    knobs: {hidden: [128, 128], dropout: 0.15}",
            "    knobs: {hidden: [64, 64], dropout: 0.15}",
        ),
        ("training.gradient_clip=2.0", "  gradient_clip: 1.0", "  gradient_clip: 2.0"),
    ],
)
def test_an_experiment_changes_one_line(file, change, before, after):
    apply_overrides(file, [change])  # what `dvc exp run -S` calls
    lines = changed_lines(file)
    assert len(lines) == (2 if before else 0)
    if lines:
        assert lines[0].endswith(before)
        assert lines[1].endswith(after)


@pytest.mark.parametrize(
    ("change", "model", "expected"),
    [
        ("models.logistic_regression.knobs.tolerance=1e-5", "logistic_regression", {"tolerance": 1e-5}),
        (
            "models.logistic_regression.knobs.max_iterations=300.0",
            "logistic_regression",
            {"max_iterations": 300},
        ),
        ("models.mlp.knobs.hidden=['64', 64.0]", "mlp", {"hidden": [64, 64]}),
    ],
)
def test_an_experiments_value_has_the_knobs_type(file, change, model, expected):
    apply_overrides(file, [change])
    knobs = load_params(file).knobs_of("digits", model)
    for name, value in expected.items():
        assert repr(knobs[name]) == repr(value)
