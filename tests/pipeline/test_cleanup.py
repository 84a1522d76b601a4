"""What no suite holds is found, by the names of its folders alone, and moved where it can be taken back from."""

from pathlib import Path

import pytest

from assay.config.params import load_params
from assay.pipeline.cleanup import leftovers, sweep
from tests.workflow.project import ROOT

HELD = (
    "data/raw/mnist",
    "data/prepared/digits_twin",
    "data/validated/digits.json",
    "data/validated/made.json",
    "data/raw/.gitkeep",
    "artifacts/trained/default/digits/cnn/2",
    "artifacts/compressed/public/mnist/cnn/0/int8_static",
    "reports/cells/smoke/digits/majority/0/none",
    "reports/index.html",
)
LEFT = (
    "data/raw/cifar",
    "data/prepared/cifar",
    "data/validated/cifar.json",
    "reports/validation/cifar",
    "artifacts/trained/default/digits/cnn/3",
    "artifacts/trained/default/digits/majority/1",
    "artifacts/trained/old/digits/cnn/0",
    "artifacts/compressed/public/mnist/majority/0/int8_static",
    "reports/cells/smoke/digits/cnn/0/distil",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (*HELD, *LEFT):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix or path.name.startswith("."):
            path.write_text(name)
        else:
            path.mkdir()
            (path / "status.json").write_text(name)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_what_no_suite_holds_is_moved_and_kept(capsys):
    params = load_params(ROOT / "params.yaml")
    assert set(leftovers(params)) == set(map(Path, LEFT))
    sweep(params)
    message = capsys.readouterr().err.splitlines()
    assert len(message) == len(LEFT)
    assert message[0].startswith(f"{LEFT[0]}: not in params.yaml; moved to .assay/replaced/")
    assert all(Path(name).exists() for name in HELD)
    assert not any(Path(name).exists() for name in LEFT)
    [kept] = Path().glob(f".assay/replaced/*/{LEFT[6]}/status.json")
    assert kept.read_text() == LEFT[6]
    assert Path("data/own").is_dir()
    assert Path("data/expectations").is_dir()
    assert list(leftovers(params)) == []


@pytest.mark.usefixtures("folder")
def test_what_only_another_selection_leaves_out_stays():
    params = load_params(ROOT / "params.yaml").model_copy(update={"suite": "smoke"})
    assert set(leftovers(params)) == set(map(Path, LEFT))
