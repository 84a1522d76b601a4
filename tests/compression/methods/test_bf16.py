"""Half-width weights in the file, half-width products in OpenVINO, and what is answered stays near."""

import copy
import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from assay.artifacts.onnx.export import export
from assay.artifacts.openvino import OpenVinoPredictor, computes_in_half
from assay.compression.methods.bf16 import HALF, compress, halved, rounded
from assay.provenance.records import Skip
from tests.compression.conftest import TEXT_ROWS, context, make_text
from tests.compression.support.test_integers import KNOBS, make

IMAGES = np.random.default_rng(0).normal(size=(70, 1, 8, 8)).astype(np.float32)
PRODUCTS = {"rnn": {"FullyConnected": 1, "RNNSeq": 2}, "lstm": {"FullyConnected": 1, "RNNSeq": 2}}


def read(graph, **changed):
    record = {"format": "openvino", "parameters": 1, "arguments": {}, **changed}
    return OpenVinoPredictor(graph.SerializeToString(deterministic=True), record)


def logits(model, inputs):
    with torch.inference_mode():
        return model(torch.from_numpy(inputs)).numpy()


def half(of):
    """Return what the method leaves; None, after the reason was checked, where the processor cannot do it."""
    if computes_in_half():
        return compress(of)
    with pytest.raises(Skip, match="neither AMX nor AVX-512"):
        compress(of)
    return None


def assert_halved(model, inputs):
    """Answers stay near, products are computed in half, and most weights are of 16 bits in the file."""
    made = half(context(model, inputs))
    if made is None:
        return None
    expected, found = logits(model, inputs), read(made.model).outputs(inputs)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 0.05 * expected.std()
    assert not np.array_equal(found, expected)
    assert made.facts["operators"]
    halves = [t for t in made.model.graph.initializer if t.data_type == onnx.TensorProto.BFLOAT16]
    assert sum(int(np.prod(t.dims)) for t in halves) > 0.85 * made.parameters
    assert made.parameters == sum(p.numel() for p in model.parameters())
    return made.facts["operators"]


@pytest.mark.parametrize("name", sorted(KNOBS))
def test_networks_of_images(name):
    operators = assert_halved(make(name), IMAGES)
    assert operators == PRODUCTS.get(name, operators) or operators is None


@pytest.mark.parametrize("row", sorted(TEXT_ROWS))
def test_networks_of_texts(row, texts):
    assert_halved(make_text(row), texts[0][:70].numpy())


def test_accuracy_is_kept(learned, digits):
    (train, _), (images, targets) = digits
    model = learned(make("cnn"))
    found = read(halved(export(model, train))).outputs(images.numpy())
    full, less = (
        (each.argmax(1) == targets.numpy()).mean() for each in (logits(model, images.numpy()), found)
    )
    assert full > 0.8
    assert less > full - 0.01


def test_the_same_bytes_each_time_and_the_model_is_not_modified():
    model = make("cnn")
    before = copy.deepcopy(model.state_dict())
    made = [half(context(model, IMAGES)) for _ in range(2)]
    assert len({each and each.model.SerializeToString(deterministic=True) for each in made}) == 1
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_numbers_are_rounded_as_pytorch_rounds_them():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(10_000, generator=generator) * 10.0 ** torch.randint(
        -30, 30, (10_000,), generator=generator
    )
    halfway = torch.tensor([1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8), 0.0, -0.0, torch.inf, -torch.inf])
    values = torch.cat([values, halfway])
    expected = values.to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    np.testing.assert_array_equal(rounded(values.numpy()), expected)


def test_what_is_finite_stays_finite():
    lowest = np.array([np.finfo(np.float32).min, np.finfo(np.float32).max])
    np.testing.assert_array_equal(rounded(lowest), [0xFF7F, 0x7F7F])


def test_a_graph_is_the_same_in_another_runtime():
    """In onnxruntime weights are rounded and activations are not: nothing but the casts was added."""
    model = make("mlp")
    graph = halved(export(model, torch.from_numpy(IMAGES)))
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    for weight in model.parameters():
        if weight.ndim >= 2:
            weight.data = weight.data.bfloat16().float()
    np.testing.assert_allclose(session.run(None, {"inputs": IMAGES})[0], logits(model, IMAGES), atol=1e-5)
    assert {t.name.endswith(HALF) for t in graph.graph.initializer if len(t.dims) >= 2} == {True}


def test_the_predictor_has_what_the_record_says_and_any_number_of_threads():
    predictor = read(export(make("mlp"), torch.from_numpy(IMAGES)), parameters=7, arguments={"a": 1})
    assert (predictor.format, predictor.parameters, predictor.arguments) == ("openvino", 7, {"a": 1})
    assert predictor.compiled.get_property("INFERENCE_NUM_THREADS") == 1
    two = predictor.on_threads(2)
    assert two.compiled.get_property("INFERENCE_NUM_THREADS") == 2
    np.testing.assert_allclose(two.outputs(IMAGES, batch_size=9), predictor.outputs(IMAGES), atol=0.02)


@pytest.mark.parametrize("data", [b"", b"no graph"])
def test_what_is_no_graph_is_refused_in_one_line(data):
    with pytest.raises(ValueError, match=r"^model\.onnx: OpenVINO refuses it: [^\n]+$"):
        OpenVinoPredictor(data, {"format": "openvino", "parameters": 1, "arguments": {}})


def without_openvino(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "openvino" else find(name, *rest)
    )


def test_without_openvino_it_is_skipped_and_a_file_is_refused(monkeypatch):
    without_openvino(monkeypatch)
    with pytest.raises(Skip, match=r"openvino is not installed; pip install 'assay\[bf16\]'"):
        compress(context(make("mlp"), IMAGES))
    with pytest.raises(ValueError, match=r"model\.onnx is run by OpenVINO: openvino is not installed"):
        OpenVinoPredictor(b"", {})


def test_a_processor_without_half_width_arithmetic_is_skipped(monkeypatch):
    monkeypatch.setattr("assay.compression.methods.bf16.computes_in_half", lambda: False)
    with pytest.raises(Skip, match="the processor has neither AMX nor AVX-512 arithmetic"):
        compress(context(make("mlp"), IMAGES))


def test_a_graph_computed_in_full_width_is_an_error(monkeypatch):
    monkeypatch.setattr("assay.compression.methods.bf16.computes_in_half", lambda: True)
    monkeypatch.setattr(OpenVinoPredictor, "in_half", lambda _: {"Reorder": 1})
    with pytest.raises(RuntimeError, match="no product in bfloat16"):
        compress(context(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval(), IMAGES))
