"""Training on a GPU gives the same result as on the processor.

    ASSAY_TEST_GPU=1 pytest tests/training/test_training_gpu.py

Without that variable they are skipped: the other tests see no GPU, so that they are the same on every machine.
"""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from assay import paths
from assay.config import registry
from assay.config.matrix import Matrix
from assay.config.params import load_params
from assay.config.training import TrainingParams
from assay.pipeline.worker import client, launch
from assay.training import checkpoint, supervised
from benchmarks.compression_pairs import SUITE, families
from tests.training.learning import CPU, Interruption, KilledAfter, convolutional, learn, noise, perceptron

GPU = CPU.model_copy(update={"accelerator": "gpu"})
FAMILIES = sorted(
    name for name, entry in registry.MODELS.items() if entry.loop == "supervised" and not entry.pretrained
)
NEAR = {"32-true": 0.01, "bf16-mixed": 0.05}
"""The relative tolerance of the loss: what rounding may change in four steps."""


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    """Return a network of every family with its initial weights, and items to train on."""
    contexts = families(Matrix(load_params(paths.PARAMS), SUITE), tmp_path_factory.mktemp("twins"))
    return {family.name: family for family in contexts}


def test_every_family_is_tried(contexts):
    assert sorted(contexts) == FAMILIES


def without_dropout(model):
    """Return the network without dropout, whose random numbers differ between devices."""
    for module in model.modules():
        for name in ("p", "chance", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return model


@pytest.mark.parametrize("precision", list(NEAR))
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_the_loss_of_training_on_the_processor(name, precision, contexts, tmp_path):
    context, losses = contexts[name].context, []
    for trainer in (CPU, GPU.model_copy(update={"precision": precision})):
        model = without_dropout(copy.deepcopy(context.model)).train()
        result = supervised.train(
            model,
            context.task,
            context.splits["train"],
            context.splits["validation"],
            params=TrainingParams(**context.cell["training"]),
            trainer=trainer,
            seed=0,
            threads=1,
            augment=None,
            folder=tmp_path,
        )
        assert {weight.device.type for weight in model.parameters()} == {"cpu"}
        losses.append(result.history[-1]["validation_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=NEAR[precision])


@pytest.mark.parametrize("make", [perceptron, convolutional])
def test_a_killed_run_resumes_to_the_same_losses(make, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    settings = {"trainer": GPU, "augment": noise, "epochs": 4}
    expected = learn(tmp_path / "whole", make(), **settings)
    with pytest.raises(Interruption):
        learn(tmp_path / "killed", make(), task=KilledAfter(2), **settings)
    assert (tmp_path / "killed" / "last.ckpt").exists()
    task = KilledAfter(2)  # would raise at a third epoch
    result = learn(tmp_path / "killed", make(), task=task, **settings)
    assert task.left == 0
    losses = [[row["validation_loss"] for row in run.history] for run in (result, expected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_takes_the_processors_steps(tmp_path):
    models = [perceptron(), perceptron()]
    for model, trainer in zip(models, (CPU, GPU), strict=True):
        learn(tmp_path, model, trainer=trainer, augment=noise)
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


JOB = """
from pathlib import Path
from tests.training.learning import learn, perceptron
from tests.training.test_training_gpu import GPU

def main(argv):
    print(learn(Path(argv[0]), perceptron(), trainer=GPU).history[-1]["validation_accuracy"])
    return 0
"""


def test_a_job_of_the_server_trains_on_it(tmp_path, monkeypatch):
    """If an import of the server started CUDA, no process forked from it could use CUDA."""
    package = tmp_path / "path" / "cell"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "stage.py").write_text(JOB)
    folders = [
        package.parent,
        Path.cwd(),
        *os.environ.get("PYTHONPATH", "").split(os.pathsep),
    ]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    server = launch.start(launch.needed(["train"]))
    try:
        command = [sys.executable, "-S", "-E", client.__file__, "cell.stage", str(tmp_path / "job")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.5
