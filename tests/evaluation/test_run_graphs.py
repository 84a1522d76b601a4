"""A graph that a run has left answers for its model, if it is of this model and has given the same answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.evaluation import kept_graphs, predict, run_graphs
from assay.files import sha256
from assay.provenance import records
from tests.evaluation import own_project
from tests.evaluation.own_project import ENDED
from tests.models.knobs import TABLES

KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
TRAINED = Path("artifacts/trained/mine/digits/mlp/0")
COMPRESSED = Path("artifacts/compressed/mine/digits/mlp/0/fast")
CELLS = Path("reports/cells/mine/digits/mlp/0")
ANSWERS = pd.DataFrame({"item": [1, 2], "prediction": [3, 4], "confidence": [0.5, np.nan]})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a network, its variant ``fast`` by the method ``onnx``, and the answers of both."""
    own_project.make(tmp_path, "digits", "mlp", KNOBS["mlp"])
    monkeypatch.chdir(tmp_path)
    np.save("digits.npy", np.arange(128).reshape(2, 8, 8) % 17)
    own_project.predict("digits/mlp/0", ["digits.npy"], "expected.csv")
    COMPRESSED.mkdir(parents=True)
    (graph,) = kept_graphs.FOLDER.rglob("model.onnx")
    shutil.move(graph, COMPRESSED / "model.onnx")
    shutil.rmtree(kept_graphs.FOLDER)
    write()
    for name, answers in (("none", ANSWERS), ("fast", ANSWERS.assign(confidence=[0.5004, np.nan]))):
        (CELLS / name).mkdir(parents=True)
        answers.to_parquet(CELLS / name / "predictions.parquet")
    return tmp_path


def write(method="onnx", **changed):
    trained = records.read(TRAINED / "status.json")
    spec = {"target": f"assay.compression.methods.{method}:compress", "knobs": {}}
    record = {
        "phase": "compress",
        "spec": spec,
        "cell": trained["spec"],
        "artifact": trained["artifact"] | {"format": "onnx"},
        "files": {"model.onnx": sha256(COMPRESSED / "model.onnx")},
        "data": trained["data"],
        "trials": [],
        "made_from": ["0" * 64, sha256(TRAINED / "status.json")],
    }
    records.write(COMPRESSED / "status.json", ENDED | record | changed)


@pytest.mark.usefixtures("project")
def test_it_answers_and_nothing_is_exported(monkeypatch):
    monkeypatch.setattr(predict, "_exported", lambda *_: pytest.fail("the model was exported"))
    own_project.predict("digits/mlp/0", ["digits.npy"], "found.csv")
    assert Path("found.csv").read_text() == Path("expected.csv").read_text()
    assert run_graphs.find(TRAINED) == (COMPRESSED / "model.onnx").read_bytes()


CHANGES = {
    "a method that changes the numbers": lambda: write("int8_dynamic"),
    "another model": lambda: write(made_from=["0" * 64]),
    "two graphs": lambda: write(artifact=records.read(TRAINED / "status.json")["artifact"]),
    "a failed variant": lambda: write(status="failed", reason="it failed"),
    "no record": lambda: (COMPRESSED / "status.json").unlink(),
    "another graph": lambda: (COMPRESSED / "model.onnx").write_bytes(b"another"),
    "no graph": lambda: (COMPRESSED / "model.onnx").unlink(),
    "other confidences": lambda: ANSWERS.assign(confidence=[0.51, np.nan]).to_parquet(
        CELLS / "fast/predictions.parquet"
    ),
    "another class": lambda: ANSWERS.assign(prediction=[3, 5]).to_parquet(CELLS / "fast/predictions.parquet"),
    "other columns": lambda: ANSWERS[["item", "prediction"]].to_parquet(CELLS / "fast/predictions.parquet"),
    "fewer items": lambda: ANSWERS.head(1).to_parquet(CELLS / "none/predictions.parquet"),
    "no answers": lambda: (CELLS / "none/predictions.parquet").unlink(),
    "damaged answers": lambda: (CELLS / "none/predictions.parquet").write_bytes(b"PAR1"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.usefixtures("project")
def test_it_is_not_used_otherwise(change):
    change()
    assert run_graphs.find(TRAINED) is None
