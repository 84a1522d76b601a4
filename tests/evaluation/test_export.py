"""An exported model answers without Assay as ``assay predict`` does, bit for bit."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import onnxruntime  # noqa: F401 - linked into the environment of the examples
import pandas as pd
import PIL  # noqa: F401 - linked into the environment of the examples
import pytest
import tokenizers  # noqa: F401 - linked into the environment of the examples

from assay.evaluation import export
from tests.evaluation import own_project
from tests.evaluation.own_project import NETWORKS, STEPS, no_matrix
from tests.models.knobs import TABLES

KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
RUN = "import runpy, sys; sys.path[:0] = [sys.argv.pop(1), '.']; runpy.run_path('example.py', run_name='__main__')"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("only") / "packages"
    return own_project.only(folder, "numpy", "onnxruntime", "PIL", "tokenizers")


def items_of(row, folder):
    """Return files with items of a task."""
    (prepared,) = Path("data/prepared").iterdir()
    table = pd.read_parquet(prepared / "items.parquet")
    if "digit" in row:
        return own_project.some_images(folder)
    if row in ("diabetes", "breast_cancer"):
        table.to_csv("items.csv", index=False)
        return ["items.csv"]
    lines = table["text"].tolist()[:300]
    if row == "reviews_and_news":
        lines = [f"{('ag_news', 'movie_reviews')[place % 2]}\t{line}" for place, line in enumerate(lines)]
    if row == "english":
        lines = [f"____ {line}" for line in lines]
    Path("items.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ["items.txt"]


def export_to(variant, out):
    return export.export(variant, Path(out), suite=None, matrix=no_matrix)


@pytest.mark.parametrize("row", NETWORKS)
def test_its_example_answers_as_predict_does(row, packages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variant = own_project.make(tmp_path, row, NETWORKS[row], KNOBS[NETWORKS[row]])
    files = items_of(row, tmp_path / "images")
    assert own_project.predict(variant, files, "answers.csv") == 0
    expected = [*csv.DictReader(Path("answers.csv").read_text(encoding="utf-8").splitlines())]
    assert len(expected) > 3
    export_to(variant, "exported")
    paths = [str(Path(file).resolve()) for file in files]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN, packages, *paths],
        cwd="exported",
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found = [*csv.DictReader(ran.stdout.splitlines())]
    assert [each | {"file": "", "row": ""} for each in found] == [
        each | {"file": "", "row": ""} for each in expected
    ]
    program = Path("exported/example.py").read_text()
    assert len(program.splitlines()) <= 30
    assert "assay" not in program


def test_it_is_a_folder_with_all_that_is_needed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variant = own_project.make(tmp_path, "ag_news", "text_cnn", KNOBS["text_cnn"])
    written = export_to(variant, "exported")
    names = [path.name for path in written]
    assert names == sorted(
        [
            "model.onnx",
            "labels.json",
            "example.py",
            "requirements.txt",
            "README.md",
            "tokenizer.json",
            export.MARK,
        ]
    )
    assert json.loads(Path("exported/labels.json").read_text())["classes"][0] == "World"
    pins = Path("exported/requirements.txt").read_text().split()
    assert [pin.partition("==")[0] for pin in pins] == ["onnxruntime", "numpy", "tokenizers"]
    assert "reads texts as they are" in Path("exported/README.md").read_text()


def test_only_an_earlier_export_is_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variant = own_project.make(tmp_path, "digits", "mlp", KNOBS["mlp"])
    export_to(variant, "exported")
    Path("exported/more.txt").write_text("old")
    export_to(variant, "exported")
    assert not Path("exported/more.txt").exists()
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("a year's work")
    Path("file").write_text("a file")
    Path("link").symlink_to("mine")
    for out, reason in {
        "mine": "has files and is not an export",
        "file": "not a folder",
        "link": "not a folder",
        "no/where": "there is no folder",
    }.items():
        with pytest.raises(ValueError, match=f"{out}: {reason}"):
            export_to(variant, out)
    assert Path("mine/thesis.txt").read_text() == "a year's work"
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} <= {".assay"}


@pytest.mark.parametrize("row", STEPS)
def test_what_generates_word_by_word_is_refused(row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variant = own_project.make(tmp_path, row, STEPS[row], KNOBS[STEPS[row]])
    with pytest.raises(
        ValueError, match=r"cannot be exported as one graph: .* one pass of the model per word"
    ):
        export_to(variant, "exported")
    assert not Path("exported").exists()
