"""Networks whose answer is not one class are compressed too, each on the twin of a task that it fits."""

import inspect
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from assay import artifacts, catalogue
from assay.compression import int8, prune
from assay.files import sha256, write_json
from assay.params import load_params
from assay.records import Skip
from tests.models.knobs import TABLES

PARAMS = load_params(Path("params.yaml"))
KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
CLASSIFY = {catalogue.IMAGE_TO_CLASS, catalogue.TEXT_TO_CLASS}
NETWORKS = sorted(
    name
    for name, model in catalogue.MODELS.items()
    if model.trainer == catalogue.LIGHTNING and not CLASSIFY & set(model.forms)
)


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    """Give the folder of a dataset's twin, prepared."""

    @cache
    def made(dataset):
        folder = tmp_path_factory.mktemp(dataset) / f"{dataset}{catalogue.TWIN}"
        module = catalogue.load(catalogue.DATASETS[dataset].module)
        module.make_twin(folder / "raw", 0)
        module.prepare(folder / "raw", folder, seed=0, validation_fraction=0.1)
        return folder

    return made


@pytest.fixture(params=NETWORKS)
def network(request, twin):
    """A network with its first weights, and training items as it reads them."""
    entry = catalogue.MODELS[request.param]
    task = next(row for row in PARAMS.tasks.values() if catalogue.TASKS[row.kind].form in entry.forms)
    folder, module = twin(task.dataset), catalogue.load(catalogue.TASKS[task.kind].module)
    family = catalogue.load(entry.target)
    provided = module.model_arguments(folder)
    named = inspect.signature(family).parameters
    arguments = {name: provided[name] for name in provided if name in named} | KNOBS[request.param]
    torch.manual_seed(0)
    model = family(**arguments).eval()
    return model, entry.target, arguments, module.load(folder, ("train",))["train"].inputs[:40]


def answers(folder, made, target, arguments, inputs):
    record = {"target": target, "arguments": arguments, "parameters": 1, **made}
    write_json(
        folder / "status.json", {"files": {path.name: sha256(path) for path in folder.glob("model.*")}}
    )
    return artifacts.load(folder, record).logits(inputs.numpy())


def test_some_were_found():
    assert len(NETWORKS) >= 3


def test_int8_answers_nearly_the_same_for_any_batch(network, tmp_path):
    model, target, arguments, inputs = network
    asked = {"inputs": inputs.numpy(), "folder": tmp_path, "calibration_items": 20}
    if int8.share_of(model, (nn.GRU,)) > 0.5:
        with pytest.raises(Skip, match="operators of 8 bits for only"):
            int8.compress(model, **asked)
        return
    made = int8.compress(model, **asked)
    assert made["quantised_share"] > 0.5
    found = answers(tmp_path, made, target, arguments, inputs)
    with torch.inference_mode():
        expected = model(inputs).numpy()
    assert found.shape == expected.shape
    usual = expected > expected.min() / 2 if expected.min() < -100 else np.full(expected.shape, True)
    assert np.abs(found - expected)[usual].mean() < 0.2 * expected[usual].std()


def test_pruned_it_is_read_back(network, tmp_path):
    model, target, arguments, inputs = network
    made = prune.compress(model, inputs=inputs.numpy(), folder=tmp_path, sparsity=0.5)
    found = answers(tmp_path, made, target, arguments, inputs)
    assert np.isfinite(found).all()
