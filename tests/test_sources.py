"""The files that a cell depends on are the files that it imports."""

import subprocess
import sys

import pytest

from assay import catalogue, sources

TRAINED = ["assay.stages.train", "assay.training", "assay.tasks.image_classification", "assay.datasets.mnist"]


def test_one_model_is_in_its_own_closure_and_no_other_model_is():
    files = sources.closure(*TRAINED, "assay.models.cnn")
    models = {file for file in files if file.startswith("src/assay/models/")}
    assert "src/assay/models/cnn.py" in models
    assert not models & {f"src/assay/models/{name}.py" for name in catalogue.MODELS if name != "cnn"}


def test_a_classical_model_does_not_depend_on_lightning():
    files = sources.closure("assay.stages.train", "assay.fitting", "assay.models.rbf_svm")
    assert "src/assay/training.py" not in files
    assert "src/assay/fitting.py" in files


def test_the_catalogue_is_left_out():
    assert "src/assay/catalogue.py" not in sources.closure(*TRAINED)


@pytest.mark.parametrize("name", sorted(catalogue.MODELS))
def test_everything_that_python_imports_is_found(name):
    entry = catalogue.MODELS[name]
    modules = ["assay.stages.train", entry.trainer, entry.target.partition(":")[0], "assay.datasets.digits"]
    program = (
        f"import sys, {', '.join(modules)}\n"
        "print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'assay' and m.__file__], sep='\\n')"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    root = sources.ROOT.parent.parent
    imported = {line.removeprefix(f"{root}/") for line in ran.stdout.split()}
    packages = {file for file in imported if file.endswith("__init__.py")}
    assert imported - packages - {"src/assay/catalogue.py"} <= set(sources.closure(*modules))


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"assay\.models\.nowhere"):
        sources.closure("assay.models.nowhere")
