"""Inputs prepared in the graph have the bits of inputs prepared outside of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from assay.artifacts.onnx import preprocessing
from assay.tasks.image_classification import normalised
from assay.tasks.table_features import standardised

RNG = np.random.default_rng(0)


def graph(*shape):
    """Return a graph that returns its inputs (N, *shape)."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
        for name in ("inputs", "logits")
    ]
    made = helper.make_graph(
        [helper.make_node("Identity", ["inputs"], ["logits"])], "same", values[:1], values[1:]
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def outputs(model, inputs):
    onnx.checker.check_model(model, full_check=True)
    running = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return running.run(None, {"inputs": inputs})


def test_images_are_normalised_as_the_task_does():
    images = RNG.integers(0, 256, (5, 3, 9, 7), dtype=np.uint8)
    facts = {"mean": 0.1306604762738429, "std": 0.30810780717887876}
    found, ready = outputs(preprocessing.of_images(graph(3, 9, 7), facts["mean"], facts["std"]), images)
    expected = normalised(torch.from_numpy(images), facts).numpy()
    assert (found == expected).all()
    assert (ready == expected).all()


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_rows_are_standardised_as_the_task_does(scale, precision):
    rows = (RNG.normal(size=(50, 4)) * scale).astype(precision)
    encoder = SimpleNamespace(mean=rows.mean(axis=0).tolist(), std=rows.std(axis=0).tolist())
    model = preprocessing.of_rows(graph(4), encoder.mean, encoder.std, precision)
    (found,) = outputs(model, rows)
    assert (found == standardised(torch.from_numpy(rows), encoder).numpy()).all()


def test_numbers_are_returned_in_their_unit():
    numbers = RNG.normal(size=(9, 1)).astype(np.float32)
    (found,) = outputs(preprocessing.in_unit(graph(1), 152.1334, 77.0931), numbers)
    assert found.dtype == np.float64
    assert (found == numbers.astype(np.float64) * 77.0931 + 152.1334).all()
