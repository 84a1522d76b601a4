"""The graph gives the network's logits at every batch size, and the same bytes each time."""

import copy
import logging
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from assay.artifacts.onnx import export as onnx_export
from assay.artifacts.onnx.export import OneStep, OnnxRecurrent, export, graph_of, with_operators
from assay.config import registry
from tests.models.knobs import CELLS, NEURAL, NEURAL_TEXT

SHAPES = [(1, 8, 8), (1, 28, 28)]


def run(graph, inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(["logits"], {"inputs": inputs.numpy()})[0]


def some_images(batch, shape):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch))


def some_texts(batch, shape):
    generator = torch.Generator().manual_seed(batch)
    lengths = torch.randint(0, *shape, (batch, 1), generator=generator)  # also one of padding alone
    return torch.randint(1, 60, (batch, *shape), generator=generator) * (torch.arange(*shape) < lengths)


def assert_same_logits(module, graph, shape, some=some_images):
    for batch in (1, 7, 64):
        inputs = some(batch, shape)
        with torch.inference_mode():
            expected = module(inputs).numpy()
        np.testing.assert_allclose(run(graph, inputs), expected, atol=1e-4, rtol=0)


def operators(graph):
    return Counter(node.op_type for node in graph.graph.node)


def trained_a_little(module, shape):
    """Move normalisation's statistics and every weight away from their first values."""
    module.train()
    images = torch.randn(32, *shape) * 2 + 1
    optimiser = torch.optim.SGD(module.parameters(), lr=0.05)
    for _ in range(2):
        nn.functional.cross_entropy(module(images), torch.arange(32) % 10).backward()
        optimiser.step()
    return module.eval()


@pytest.fixture
def export_again(monkeypatch, tmp_path):
    """Export a network once its like, with other weights, has been: nothing is traced then."""
    monkeypatch.chdir(tmp_path)

    def exported(like, model, example):
        export(like, example)
        monkeypatch.setattr(onnx_export, "trace", None)
        return export(model, example)

    return exported


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", sorted(NEURAL))
def test_gives_the_same_logits(name, shape, export_again):
    torch.manual_seed(0)
    like, model = (
        registry.load(registry.MODELS[name].target)(shape=shape, num_classes=10, **NEURAL[name])
        for _ in range(2)
    )
    model = trained_a_little(model, shape)
    assert_same_logits(model, export_again(like, model, torch.zeros(1, *shape)), shape)


RECURRENT = {"tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}
CELL_KNOBS = [{"cell": cell, "bidirectional": cell != "gru"} for cell in CELLS]
TEXT_ROWS = [(name, {}) for name in sorted(NEURAL_TEXT) if name != "text_recurrent"]
TEXT_ROWS += [("text_recurrent", knobs) for knobs in CELL_KNOBS]


@pytest.mark.parametrize(("name", "changed"), TEXT_ROWS, ids=str)
def test_gives_the_same_logits_of_texts(name, changed, export_again):
    torch.manual_seed(0)
    family = registry.load(registry.MODELS[name].target)
    knobs = {**NEURAL_TEXT[name], **changed}
    like, model = (family(vocabulary=60, num_classes=4, **knobs).eval() for _ in range(2))
    graph = export_again(like, model, torch.ones(1, 20, dtype=torch.int64))
    assert_same_logits(model, graph, (20,), some_texts)
    if changed:
        num_layers = 2 * (1 + changed["bidirectional"])
        assert operators(graph)[RECURRENT[changed["cell"]]] == num_layers


def test_every_network_that_classifies_is_exported_above():
    """The others in compression/test_other_forms.py, those of other people in test_pretrained.py."""
    forms = {"image -> class", "text -> class"}
    networks = {
        name
        for name, model in registry.MODELS.items()
        if model.loop == "supervised" and forms & set(model.signatures) and not model.pretrained
    }
    assert networks == set(NEURAL) | set(NEURAL_TEXT)
    assert {name for name, _ in TEXT_ROWS} == set(NEURAL_TEXT)


def test_a_tanh_network_is_unrolled_if_asked():
    torch.manual_seed(0)
    model = registry.load(registry.MODELS["rnn"].target)(shape=(1, 8, 8), num_classes=10, **NEURAL["rnn"])
    graph = export(model.eval(), torch.zeros(1, 1, 8, 8), unroll_tanh=True)
    assert_same_logits(model, graph, (1, 8, 8))
    assert operators(graph)["RNN"] == 0
    assert operators(graph)["MatMul"] + operators(graph)["Gemm"] >= 2 * 8


class Recurrent(nn.Module):
    """A recurrent layer of any kind, of which outputs and all last states are used."""

    def __init__(self, layers, **kind):
        super().__init__()
        self.layers = layers(8, 5, **kind)
        self.batch_first = self.layers.batch_first

    def forward(self, images):
        rows = images.flatten(1, 2)  # (N, 8, 8)
        outputs, last = self.layers(rows if self.batch_first else rows.transpose(0, 1))
        outputs = outputs.mean(1 if self.batch_first else 0)
        last = torch.cat(last) if isinstance(last, tuple) else last
        return torch.cat([outputs, *last.unbind()], dim=1)


KINDS = [
    (nn.LSTM, {"bias": False}),
    (nn.LSTM, {"batch_first": True, "num_layers": 2, "bidirectional": True}),
    (nn.GRU, {"bias": False}),
    (nn.GRU, {"batch_first": True, "num_layers": 2, "bidirectional": True}),
    (nn.RNN, {"nonlinearity": "relu", "bias": False}),
    (nn.RNN, {"batch_first": True, "num_layers": 2, "bidirectional": True}),
]


@pytest.mark.parametrize(("layers", "kind"), KINDS, ids=str)
def test_a_recurrent_layer_of_any_kind_is_one_operator(layers, kind):
    torch.manual_seed(0)
    model = Recurrent(layers, **kind).eval()
    graph = export(model, torch.zeros(1, 1, 8, 8))
    assert_same_logits(model, graph, (1, 8, 8))
    assert operators(graph)[layers.__name__] == kind.get("num_layers", 1)
    initialisers = {tensor.name for tensor in graph.graph.initializer}
    recurrent = [node for node in graph.graph.node if node.op_type == layers.__name__]
    assert all(set(node.input[1:3]) <= initialisers for node in recurrent)


def test_parts_along_an_axis_are_one_operator_each():
    class Parts(nn.Module):
        def forward(self, inputs):
            first, second, third = inputs.view(-1, 2, 3, 4).permute(2, 0, 1, 3).unbind()
            return first * second - third

    inputs = torch.randn(5, 24)
    graph = export(Parts().eval(), inputs)
    assert operators(graph)["Gather"] == 3
    assert not {"Split", "SplitToSequence", "Slice"} & set(operators(graph))
    np.testing.assert_array_equal(run(graph, inputs), Parts()(inputs).numpy())


def test_an_lstm_with_projections_is_refused():
    with pytest.raises(ValueError, match="proj_size = 2"):
        export(Recurrent(nn.LSTM, proj_size=2), torch.zeros(1, 1, 8, 8))


def test_a_recurrent_layer_by_itself_is_replaced_too():
    assert isinstance(with_operators(nn.LSTM(3, 4), (nn.LSTM,)), OnnxRecurrent)
    assert isinstance(with_operators(nn.RNN(3, 4), (nn.LSTM,)), nn.RNN)


ONE_WAY = [(layers, {"num_layers": 2, "batch_first": True}) for layers in (nn.LSTM, nn.GRU, nn.RNN)]
ONE_WAY += [(nn.LSTM, {"bias": False}), (nn.GRU, {}), (nn.RNN, {"nonlinearity": "relu", "bias": False})]


@pytest.mark.parametrize(("layers", "kind"), ONE_WAY, ids=str)
def test_one_step_of_a_recurrent_layer_is_pytorchs(layers, kind):
    torch.manual_seed(0)
    model = layers(8, 5, **kind)
    states = [torch.randn(model.num_layers, 7, 5) for _ in range(2)]
    last = tuple(states) if layers is nn.LSTM else states[0]
    inputs = torch.randn(7, 1, 8) if model.batch_first else torch.randn(1, 7, 8)
    torch.testing.assert_close(OneStep(model)(inputs, last), model(inputs, last))


def test_a_step_both_ways_is_refused():
    with pytest.raises(ValueError, match="it must be unidirectional"):
        OneStep(nn.GRU(3, 4, bidirectional=True))


class Remainder(nn.Module):
    """Two inputs, two outputs, and a remainder by an axis's size."""

    def forward(self, inputs, *others):
        return (inputs - 5) % inputs.shape[1], inputs + others[0]


def test_a_graph_has_any_number_of_inputs_and_outputs():
    example, sizes = torch.ones(3, 4, dtype=torch.int64), {0: "batch", 1: "words"}
    graph = graph_of(
        Remainder(), {"one": example, "other": example + 1}, ["rest", "sum"], [sizes, (sizes,)], list
    )
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    numbers = np.arange(14).reshape(2, 7)
    rest, total = session.run(["rest", "sum"], {"one": numbers, "other": 10 * numbers})
    np.testing.assert_array_equal(rest, (numbers - 5) % 7)
    np.testing.assert_array_equal(total, 11 * numbers)


class Mixed(nn.Module):
    """Convolution, normalisation, dropout, recurrence: of each thing that the export changes, one."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.ReLU(), nn.Dropout(0.5))
        self.lstm = nn.LSTM(6, 5, batch_first=True)

    def forward(self, images):
        outputs, _ = self.lstm(self.features(images).flatten(1, 2))
        return outputs[:, -1]


def mixed():
    torch.manual_seed(0)
    return Mixed().train()


@pytest.fixture(scope="module")
def graph():
    return export(mixed(), torch.zeros(3, 1, 8, 8))


def test_what_is_pooled_was_clipped_before_and_answers_are_the_same():
    layers = [nn.Conv2d(1, 3, 3), nn.MaxPool2d(3, stride=1, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 1)]
    model, images = nn.Sequential(*layers).eval(), torch.randn(4, 1, 6, 6)
    graph = export(model, images)
    assert [node.op_type for node in graph.graph.node] == ["Conv", "Relu", "MaxPool", "Conv"]
    onnx.checker.check_model(graph)
    with torch.inference_mode():
        np.testing.assert_allclose(run(graph, images), model(images).numpy(), atol=1e-6)


def test_what_is_pooled_for_two_is_clipped_for_one():
    class Both(nn.Module):
        def forward(self, images):
            pooled = nn.functional.max_pool2d(images, 2)
            return pooled.relu() + pooled

    images = torch.randn(4, 1, 6, 6)
    graph = export(Both(), images)
    assert [node.op_type for node in graph.graph.node] == ["MaxPool", "Relu", "Add"]
    np.testing.assert_allclose(run(graph, images), Both()(images).numpy(), atol=1e-6)


def test_the_network_is_not_modified():
    model = mixed()
    before = copy.deepcopy(model.state_dict())
    export(model, torch.zeros(3, 1, 8, 8))
    assert model.training
    assert type(model.lstm) is nn.LSTM
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_is_exported_as_in_evaluation(graph):
    assert_same_logits(mixed().eval(), graph, (1, 8, 8))
    assert not {"BatchNormalization", "Dropout"} & operators(graph).keys()


def test_holds_no_path_address_or_trace(graph):
    words = copy.deepcopy(graph)
    words.graph.ClearField("initializer")  # weights are any bytes
    for trace in (b"/", b"0x", b"Traceback", b".py", b"pkg.torch"):
        assert trace not in words.SerializeToString(), trace
    assert len(graph.graph.value_info) == 0


WRITE = "import sys; from tests.artifacts.onnx.test_export import write_graph; write_graph(sys.argv[1])"


def write_graph(path):
    """Write the graph of :func:`mixed`: run by another process."""
    Path(path).write_bytes(export(mixed(), torch.zeros(1, 1, 8, 8)).SerializeToString())


def test_another_process_exports_the_same_bytes(graph, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "123")
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / "there")], check=True)
    assert (tmp_path / "there").read_bytes() == graph.SerializeToString()


def test_is_quiet_and_leaves_logging_as_it_was(capfd):
    root, exporter = logging.getLogger(), logging.getLogger("torch.onnx")
    before = (list(root.handlers), exporter.level)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(nn.Flatten(), torch.zeros(1, 1, 8, 8))
    assert capfd.readouterr() == ("", "")
    assert (list(root.handlers), exporter.level) == before
