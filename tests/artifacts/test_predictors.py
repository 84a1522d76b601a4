"""Every kind of predictor handles any number of items, and batches that differ in length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.artifacts.formats import FORMATS
from assay.artifacts.onnx.export import export
from assay.artifacts.onnx.step_export import parts_of
from assay.artifacts.predictors import EstimatorPredictor, ModulePredictor
from assay.config import registry
from assay.data.special_tokens import BEGIN
from assay.models.image.mlp import MLP
from tests.models.knobs import NEURAL_PAIRS

BATCH = 4
COUNTS = [1, BATCH, BATCH + 1, 2 * BATCH + 1]
SOURCE, TARGET, VOCABULARY = 8, 7, 30
LENGTHS = {"source_length": SOURCE, "vocabulary": VOCABULARY}


def record(form, **arguments):
    return {"format": form, "parameters": 0, "arguments": arguments}


def images(count):
    return np.random.default_rng(0).normal(size=(count, 1, 8, 8)).astype(np.float32)


def pairs(count):
    """Return inputs (N, S + T) with batches of different lengths: a target of 6 words, then shorter ones."""
    ids = np.random.default_rng(0).integers(4, VOCABULARY, (count, SOURCE + TARGET))
    ids[:, SOURCE:] *= np.arange(TARGET) <= np.maximum(6 - np.arange(count), 1)[:, None]
    ids[:, SOURCE] = BEGIN
    return ids


def network():
    torch.manual_seed(0)
    return MLP(shape=(1, 8, 8), num_classes=10, hidden=[6], dropout=0.0).eval()


def writer():
    torch.manual_seed(0)
    family = registry.load(registry.MODELS["seq2seq_attention"].target)
    return family(**LENGTHS, **NEURAL_PAIRS["seq2seq_attention"]).eval()


def estimator():
    model = registry.load(registry.MODELS["copy_source"].target)(**LENGTHS, seed=0)
    model.fit(pairs(20), pairs(20)[:, SOURCE:])
    return model


def of_graph(form, folder, graph):
    kept = FORMATS[form]
    kept.write(folder / kept.file, graph)
    return kept.predictor((folder / kept.file).read_bytes(), record(form, **LENGTHS))


MAKERS = {
    "network": (lambda _: ModulePredictor(network(), record("safetensors")), images),
    "graph": (lambda folder: of_graph("onnx", folder, export(network(), torch.zeros(1, 1, 8, 8))), images),
    "openvino": (
        lambda folder: of_graph("openvino", folder, export(network(), torch.zeros(1, 1, 8, 8))),
        images,
    ),
    "writer": (lambda _: ModulePredictor(writer(), record("safetensors")), pairs),
    "two graphs": (
        lambda folder: of_graph(
            "onnx_steps",
            folder,
            {part.name: part.graph for part in parts_of(writer(), torch.from_numpy(pairs(1)))},
        ),
        pairs,
    ),
    "estimator": (lambda _: EstimatorPredictor(estimator(), record("skops")), pairs),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_batches_of_any_number_and_length_give_the_outputs_of_one(kind, tmp_path):
    make, items = MAKERS[kind]
    predictor = make(tmp_path)
    for count in COUNTS:
        inputs = items(count)
        whole, sliced = (predictor.outputs(inputs, batch_size=size) for size in (count, BATCH))
        assert sliced.shape == whole.shape
        assert len(sliced) == count
        if items is images:
            np.testing.assert_allclose(sliced, whole, atol=0.05 if kind == "openvino" else 1e-5)
            continue
        for row, words in enumerate((inputs[:, SOURCE:] != 0).sum(axis=1)):  # the padding is not read
            np.testing.assert_allclose(sliced[row, :words], whole[row, :words], atol=1e-5)
