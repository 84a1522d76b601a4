"""Graphs of texts cut padding as the networks do, and answer the same; what reads it is left alone."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from assay.artifacts.onnx import padding
from assay.artifacts.onnx.export import INPUT, export
from assay.artifacts.onnx.padding import LENGTH, ignores
from assay.config import registry
from tests.artifacts.onnx.test_export import run
from tests.models.knobs import NEURAL_LANGUAGE, NEURAL_TAGGING, NEURAL_TEXT

LONG = 20


def make(name, table, **arguments):
    torch.manual_seed(0)
    return registry.load(registry.MODELS[name].target)(**arguments, **table[name]).eval()


def texts(lengths, *more):
    ids = torch.randint(1, 60, (len(lengths), LONG, *more), generator=torch.Generator().manual_seed(0))
    for row, length in enumerate(lengths):
        ids[row, length:] = 0
    return ids


def length_seen(graph, inputs):
    """Return how many words of each item are left behind the cut."""
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    model.graph.output[0].name = "padding/kept"
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    model.graph.output[0].type.tensor_type.ClearField("shape")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {INPUT: inputs.numpy()})[0].shape[1]


@pytest.mark.parametrize("name", sorted(NEURAL_TEXT))
def test_a_text_costs_what_its_words_cost_and_is_answered_the_same(name):
    model = make(name, NEURAL_TEXT, vocabulary=60, num_classes=4)
    graph = export(model, texts([LONG]))
    onnx.checker.check_model(graph)
    for lengths, seen in (([7, 3], 8), ([2], 2), ([LONG, 1], LONG), ([0, 0], 2)):
        inputs = texts(lengths)
        with torch.inference_mode():
            expected = model(inputs).numpy()
        np.testing.assert_allclose(run(graph, inputs), expected, atol=1e-5)
        np.testing.assert_allclose(run(graph, inputs[:, :seen].contiguous()), expected, atol=1e-5)
        assert length_seen(graph, inputs) == seen


@pytest.mark.parametrize("name", ["bilstm_tagger", "transformer_tagger", "bert_tagger"])
def test_answers_of_each_word_are_as_many_as_before(name):
    shape = {"shape": (LONG, 17)} if "former" in name or "bert" in name else {}
    alphabet = {} if name == "bert_tagger" else {"alphabet": 60}
    model = make(name, NEURAL_TAGGING, vocabulary=60, num_classes=5, **alphabet, **shape)
    graph = export(model, texts([LONG], 17))
    inputs = texts([7, 3], 17)
    with torch.inference_mode():
        expected = model(inputs).numpy()
    found = run(graph, inputs)
    assert found.shape == (2, LONG, 5)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not found[:, 8:].any()
    assert length_seen(graph, inputs) == 8


class Sum(nn.Module):
    """Counts padding too."""

    def forward(self, ids):
        return ids.float().mean(dim=1, keepdim=True)


class OfOneLength(nn.Module):
    """Knows where each word stands."""

    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.randn(LONG))

    def forward(self, ids):
        return (ids * self.positions).sum(dim=1, keepdim=True)


def test_what_reads_padding_is_left_alone():
    ids = texts([LONG])
    assert not ignores(Sum(), ids)
    assert not ignores(OfOneLength(), ids)
    assert not ignores(Sum(), ids.float())
    assert not ignores(Sum(), ids[:, 0])
    gpt = make("gpt", NEURAL_LANGUAGE, vocabulary=60, shape=(LONG,))
    assert not ignores(gpt, ids)  # it says what comes next at padding too
    names = [axis.dim_param for axis in export(gpt, ids).graph.input[0].type.tensor_type.shape.dim]
    assert LENGTH not in names


def test_a_loop_over_the_words_is_exported_for_one_length():
    knobs = {"alphabet": 60, "vocabulary": 60, "num_classes": 5}
    model, inputs = make("bilstm_crf", NEURAL_TAGGING, **knobs), texts([7, 3], 17)
    assert padding.ignores(model, inputs)
    graph = export(model, inputs)
    assert "Slice" not in {node.op_type for node in graph.graph.node if node.name.startswith("padding")}
    with torch.inference_mode():
        np.testing.assert_allclose(run(graph, inputs), model(inputs).numpy(), atol=1e-4)
