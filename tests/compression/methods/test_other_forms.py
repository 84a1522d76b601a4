"""Networks whose answer is not one class are compressed too, each on the twin of a task that it fits."""

import inspect
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from assay.artifacts.onnx import export as onnx_export
from assay.compression.methods import int8_dynamic, onnx, prune_magnitude
from assay.config import registry
from assay.config.params import load_params
from assay.data.loading import load as load_dataset
from assay.tasks import loading
from tests.compression.conftest import context, written
from tests.models.knobs import TABLES

PARAMS = load_params(Path("params.yaml"))
KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
CLASSIFY = {"image -> class", "text -> class"}
NETWORKS = sorted(
    name
    for name, model in registry.MODELS.items()
    if model.loop == "supervised" and not CLASSIFY & set(model.signatures)
)


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    """Give the folder of a dataset's twin, prepared."""

    @cache
    def made(dataset):
        folder = tmp_path_factory.mktemp(dataset) / f"{dataset}{registry.TWIN}"
        declared = load_dataset(dataset)
        declared.make_twin(folder / "raw", 0)
        declared.prepare(folder / "raw", folder, seed=0, validation_fraction=0.1)
        return folder

    return made


@pytest.fixture(params=NETWORKS)
def network(request, twin):
    """A network with its first weights, and training items."""
    entry = registry.MODELS[request.param]
    row = next(row for row in PARAMS.tasks.values() if registry.TASKS[row.kind].signature in entry.signatures)
    folder, task = twin(row.dataset), loading.load(row.kind)
    family = registry.load(entry.target)
    provided = task.model_arguments(folder)
    named = inspect.signature(family).parameters
    arguments = {name: provided[name] for name in provided if name in named} | KNOBS[request.param]
    torch.manual_seed(0)
    model = family(**arguments).eval()
    items = task.load(folder, ("train",))["train"].take(torch.arange(40))
    items = replace(items, inputs=items.batch(slice(None)).inputs)
    made = context(model, items.inputs, items.targets, task=task, target=entry.target, arguments=arguments)
    return replace(made, splits={"train": items, "validation": items})


def test_some_were_found():
    assert len(NETWORKS) >= 3


def test_the_graph_answers_the_same_for_any_batch_and_is_known_again(network, tmp_path, monkeypatch):
    onnx.compress(network)
    monkeypatch.setattr(onnx_export, "trace", None)  # else what is kept would save nothing
    found = written(onnx.compress(network), tmp_path, network).outputs(inputs_of(network))
    np.testing.assert_allclose(found, expected_of(network), rtol=1e-3, atol=1e-4)


def test_int8_answers_nearly_the_same_for_any_batch(network, tmp_path):
    made = int8_dynamic.compress(network)
    assert made.facts["quantised_share"] > 0.5
    found, expected = written(made, tmp_path, network).outputs(inputs_of(network)), expected_of(network)
    assert found.shape == expected.shape
    usual = expected > expected.min() / 2 if expected.min() < -100 else np.full(expected.shape, True)
    assert np.abs(found - expected)[usual].mean() < 0.2 * expected[usual].std()


def test_pruned_it_is_read_back(network, tmp_path):
    made = prune_magnitude.compress(network, sparsities=[0.25, 0.5], fine_tune=0, rate=0.3)
    assert [trial["sparsity"] for trial in made.trials] == [0.25, 0.5]
    found = written(made, tmp_path, network).outputs(inputs_of(network))
    assert np.isfinite(found).all()


def inputs_of(network):
    return network.splits["train"].inputs.numpy()


def expected_of(network):
    with torch.inference_mode():
        return network.model(network.splits["train"].inputs).numpy()
