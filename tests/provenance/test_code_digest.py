"""The files that a cell depends on are the files that it imports."""

import hashlib
import json
import shutil
import subprocess
import sys

import pytest

from assay.config import registry
from assay.provenance import code_digest

TRAINED = [
    "assay.pipeline.stages.train",
    "assay.training.supervised",
    "assay.tasks.image_classification",
    "assay.data.datasets.image.mnist",
]
MODULES = {
    name: [
        "assay.pipeline.stages.train",
        registry.LOOPS[entry.loop].module,
        entry.target.partition(":")[0],
        "assay.data.datasets.image.digits",
    ]
    for name, entry in registry.MODELS.items()
}
PROGRAM = """
import importlib, json, os, sys
import pandas, pytorch_lightning, sklearn.ensemble, torchmetrics.classification
for name, modules in json.loads(sys.argv[1]).items():
    if os.fork() == 0:
        for module in modules:
            importlib.import_module(module)
        files = [each.__file__ for key, each in sys.modules.items() if key.split(".")[0] == "assay"]
        print(json.dumps([name, files]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def imported():
    """What Python really imports to train each model, each in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, json.dumps(MODULES)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(line) for line in ran.stdout.splitlines())


@pytest.mark.parametrize("name", sorted(registry.MODELS))
def test_everything_that_python_imports_is_found(name, imported):
    root = code_digest.ROOT.parent.parent
    files = {file.removeprefix(f"{root}/") for file in imported[name]}
    packages = {file for file in files if file.endswith("__init__.py")}
    assert f"src/{MODULES[name][2].replace('.', '/')}.py" in files
    assert files - packages - {"src/assay/config/registry.py"} <= set(code_digest.closure(*MODULES[name]))


def test_one_model_is_in_its_own_closure_and_no_other_model_is():
    files = code_digest.closure(*TRAINED, "assay.models.image.cnn")
    models = {file for file in files if file.startswith("src/assay/models/")}
    assert "src/assay/models/image/cnn.py" in models
    assert not models & {
        f"src/{entry.target.partition(':')[0].replace('.', '/')}.py"
        for name, entry in registry.MODELS.items()
        if name != "cnn"
    }


def test_a_classical_model_does_not_depend_on_lightning():
    files = code_digest.closure(
        "assay.pipeline.stages.train", "assay.training.estimator", "assay.models.tabular.rbf_svm"
    )
    assert "src/assay/training/supervised.py" not in files
    assert "src/assay/training/estimator.py" in files


def test_the_catalogue_is_left_out():
    assert "src/assay/config/registry.py" not in code_digest.closure(*TRAINED)


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"assay\.models\.nowhere"):
        code_digest.closure("assay.models.nowhere")


def test_an_installed_package_has_the_digests_of_a_clone(tmp_path, monkeypatch):
    files = code_digest.closure(*TRAINED)
    cloned = code_digest.digest(files)
    installed = tmp_path / "site-packages" / "assay"
    shutil.copytree(code_digest.ROOT, installed, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_digest, "ROOT", installed)
    for cached in (code_digest.closure, code_digest.digest, code_digest._sha256):
        monkeypatch.setattr(code_digest, cached.__name__, cached.__wrapped__)
    assert code_digest.closure(*TRAINED) == files
    assert code_digest.digest(files) == cloned
    (installed / "files.py").write_text("")
    assert code_digest.digest(files) != cloned


def test_a_file_that_is_no_python_imports_nothing_and_stops_nothing(tmp_path, monkeypatch):
    broken = tmp_path / "broken.py"
    broken.write_text("def (")
    monkeypatch.setattr(code_digest, "_file", lambda _: broken)
    assert code_digest.imports.__wrapped__("assay.models.broken") == ()


def test_the_digest_is_that_of_names_and_bytes(tmp_path, monkeypatch):
    root = tmp_path / "src" / "assay"
    root.mkdir(parents=True)
    monkeypatch.setattr(code_digest, "ROOT", root)
    files = ("src/assay/digest_a.py", "src/assay/digest_b.py")
    for name, text in zip(files, ("a = 1\n", "b = 1\n"), strict=True):
        (tmp_path / name).write_text(text)
    lines = "".join(
        f"{name} {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}\n" for name in files
    )
    assert code_digest.digest(files) == hashlib.sha256(lines.encode()).hexdigest()
    assert code_digest.digest(files[:1]) != code_digest.digest(files[1:]) != code_digest.digest(files)
