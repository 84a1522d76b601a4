"""The graph gives the network's logits at every batch size, and the same bytes each time."""

import copy
import logging
import subprocess
import sys
import warnings
from collections import Counter

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from assay import catalogue
from assay.files import sha256
from assay.onnx_export import OnnxLSTM, export, with_onnx_lstm
from tests.models.knobs import NEURAL

SHAPES = [(1, 8, 8), (1, 28, 28)]


def run(graph, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(["logits"], {"images": images.numpy()})[0]


def assert_same_logits(module, graph, shape):
    for batch in (1, 7, 64):
        images = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch))
        with torch.inference_mode():
            expected = module(images).numpy()
        np.testing.assert_allclose(run(graph, images), expected, atol=1e-4, rtol=0)


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


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", sorted(NEURAL))
def test_gives_the_same_logits(name, shape):
    torch.manual_seed(0)
    model = catalogue.load(catalogue.MODELS[name].target)(shape=shape, num_classes=10, **NEURAL[name])
    model = trained_a_little(model, shape)
    assert_same_logits(model, export(model, torch.zeros(1, *shape)), shape)


def test_every_network_of_the_catalogue_is_exported_above():
    networks = {name for name, model in catalogue.MODELS.items() if model.trainer == catalogue.LIGHTNING}
    assert networks == set(NEURAL)


class Recurrent(nn.Module):
    """An LSTM of any kind, of which outputs and both last states are used."""

    def __init__(self, **kind):
        super().__init__()
        self.lstm = nn.LSTM(8, 5, **kind)
        self.batch_first = self.lstm.batch_first

    def forward(self, images):
        rows = images.flatten(1, 2)  # (N, 8, 8)
        outputs, (last, cells) = self.lstm(rows if self.batch_first else rows.transpose(0, 1))
        outputs = outputs.mean(1 if self.batch_first else 0)
        return torch.cat([outputs, *last.unbind(), *cells.unbind()], dim=1)


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"batch_first": True},
        {"batch_first": True, "num_layers": 3},
        {"num_layers": 2, "bidirectional": True},
        {"bias": False, "batch_first": True},
    ],
    ids=str,
)
def test_an_lstm_of_any_kind_is_one_operator_a_layer(kind):
    torch.manual_seed(0)
    model = Recurrent(**kind).eval()
    graph = export(model, torch.zeros(1, 1, 8, 8))
    assert_same_logits(model, graph, (1, 8, 8))
    assert operators(graph)["LSTM"] == kind.get("num_layers", 1)
    initialisers = {tensor.name for tensor in graph.graph.initializer}
    assert all(set(node.input[1:3]) <= initialisers for node in graph.graph.node if node.op_type == "LSTM")


def test_an_lstm_with_projections_is_refused():
    with pytest.raises(ValueError, match="proj_size = 2"):
        export(Recurrent(proj_size=2), torch.zeros(1, 1, 8, 8))


def test_an_lstm_by_itself_is_replaced_too():
    assert isinstance(with_onnx_lstm(nn.LSTM(3, 4)), OnnxLSTM)


def small_net():
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(144, 10))


def test_the_network_is_not_modified():
    model = small_net().train()
    before = copy.deepcopy(model.state_dict())
    export(model, torch.zeros(3, 1, 8, 8))
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    recurrent = Recurrent()
    export(recurrent, torch.zeros(1, 1, 8, 8))
    assert type(recurrent.lstm) is nn.LSTM


def test_normalisation_is_merged_and_dropout_is_gone():
    assert (
        not {"BatchNormalization", "Dropout"} & operators(export(small_net(), torch.zeros(1, 1, 8, 8))).keys()
    )


def test_holds_no_path_address_or_trace():
    graph = export(small_net(), torch.zeros(1, 1, 8, 8))
    data = graph.SerializeToString()
    for trace in (b"/", b"0x", b"Traceback", b".py", b"pkg.torch"):
        assert trace not in b"".join(data.split(b"/Mat")), trace
    assert len(graph.graph.value_info) == 0


WRITE = "import sys; from tests.test_onnx_export import write_graphs; write_graphs(sys.argv[1])"


def write_graphs(path):
    """Write the graphs of two networks, one after the other."""
    graphs = [export(module, torch.zeros(1, 1, 8, 8)) for module in (small_net(), seeded_recurrent())]
    with open(path, "wb") as stream:  # noqa: PTH123
        stream.writelines(graph.SerializeToString(deterministic=True) for graph in graphs)


def seeded_recurrent():
    torch.manual_seed(0)
    return Recurrent(num_layers=2)


def test_two_processes_export_the_same_bytes(tmp_path, monkeypatch):
    write_graphs(tmp_path / "here")
    monkeypatch.setenv("PYTHONHASHSEED", "123")
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / "there")], check=True)
    assert sha256(tmp_path / "here") == sha256(tmp_path / "there")


def test_is_quiet_and_leaves_logging_as_it_was(capfd):
    root, exporter = logging.getLogger(), logging.getLogger("torch.onnx")
    before = (list(root.handlers), exporter.level)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(small_net(), torch.zeros(1, 1, 8, 8))
    assert capfd.readouterr() == ("", "")
    assert (list(root.handlers), exporter.level) == before
