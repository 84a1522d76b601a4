"""A kept graph with a network's own weights is the graph that exporting it would give; what is not sure is not kept.

Every family is exported so in test_onnx_export.py.
"""

import errno

import onnx
import pytest
import torch
from torch import nn

from assay import onnx_cache, onnx_export
from assay.models.mlp import MLP
from assay.models.text_recurrent import TextRecurrent
from assay.onnx_export import export

IMAGE = torch.zeros(1, 1, 8, 8)
TEXT = torch.ones(1, 20, dtype=torch.int64)


@pytest.fixture(autouse=True)
def somewhere_else(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def traced(monkeypatch):
    """Count what is exported, with PyTorch's exporter."""
    calls, trace = [], onnx_export.trace
    monkeypatch.setattr(onnx_export, "trace", lambda *given: calls.append(given) or trace(*given))
    return calls


def mlp(seed=0, hidden=(6,), dropout=0.0):
    torch.manual_seed(seed)
    return MLP(shape=(1, 8, 8), num_classes=10, hidden=list(hidden), dropout=dropout).eval()


def lstm(seed=0, length=20):
    torch.manual_seed(seed)
    return TextRecurrent(
        vocabulary=60,
        num_classes=4,
        words=60,
        width=6,
        cell="lstm",
        bidirectional=True,
        hidden=5,
        layers=1,
        dropout=0.0,
        length=length,
        vectors="tuned",
    ).eval()


def kept():
    return sorted(onnx_cache.FOLDER.glob("*/*.onnx"))


@pytest.mark.parametrize(("make", "example"), [(mlp, IMAGE), (lstm, TEXT)], ids=["mlp", "lstm"])
def test_other_weights_give_the_bytes_of_an_export(make, example, traced):
    export(make(0), example)
    again = export(make(1), example)
    assert len(traced) == 1
    kept()[0].unlink()
    assert again.SerializeToString(deterministic=True) == export(make(1), example).SerializeToString(
        deterministic=True
    )
    assert len(traced) == 2


def test_holds_no_weights():
    model = mlp(hidden=(2000,))
    export(model, IMAGE)
    assert kept()[0].stat().st_size < 4 * sum(weight.numel() for weight in model.parameters()) / 10


@pytest.mark.parametrize(
    ("model", "example"), [(mlp(hidden=(7,)), IMAGE), (mlp(hidden=(6, 6)), IMAGE), (mlp(dropout=0.5), IMAGE)]
)
def test_another_network_is_exported(model, example, traced):
    export(mlp(), IMAGE)
    export(model, example)
    assert len(traced) == 2


def test_another_setting_that_no_weight_shows_is_exported(traced):
    export(lstm(), TEXT)
    export(lstm(length=10), TEXT)
    assert len(traced) == 2


def test_other_code_exports_anew_and_leaves_no_old_graphs(monkeypatch, traced):
    export(mlp(), IMAGE)
    monkeypatch.setattr(onnx_cache, "digest", lambda _: "0" * 64)
    before = kept()
    export(mlp(), IMAGE)
    assert len(traced) == 2
    assert len(kept()) == 1
    assert kept() != before


@pytest.mark.parametrize("harm", ["cut", "flip", "empty"])
def test_a_harmed_file_is_made_again(harm, traced):
    whole = export(mlp(), IMAGE)
    path = kept()[0]
    data = bytearray(path.read_bytes())
    if harm == "flip":
        data[-1] ^= 1
    path.write_bytes({"cut": data[:-20], "flip": data, "empty": b""}[harm])
    assert export(mlp(), IMAGE) == whole
    assert len(traced) == 2
    assert export(mlp(), IMAGE) == whole
    assert len(traced) == 2


def test_a_full_disk_is_no_failure(monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(onnx_cache, "replacing", full)
    assert isinstance(export(mlp(), IMAGE), onnx.ModelProto)
    assert kept() == []


class Foreign(nn.Module):
    def forward(self, images):
        return images.flatten(1)


def with_setting(value):
    model = mlp()
    model.setting = value
    return model


@pytest.mark.parametrize(
    "model",
    [nn.Sequential(Foreign(), nn.Linear(64, 10)), with_setting(torch.ones(3)), with_setting(lambda: 1)],
    ids=["not ours", "a tensor that is no weight", "a function"],
)
def test_what_is_not_known_is_not_kept(model):
    export(model.eval(), IMAGE)
    assert kept() == []


def test_a_weight_under_another_name_is_not_kept():
    graph = onnx.helper.make_graph(
        [], "graph", [], [], [onnx.numpy_helper.from_array(torch.ones(2).numpy(), "other")]
    )
    model = nn.PReLU(2)
    nn.init.ones_(model.weight)
    made = onnx.helper.make_model(graph)
    assert onnx_cache.exported(model, (), lambda: made) is made
    assert kept() == []
    nn.init.zeros_(model.weight)
    onnx_cache.exported(model, (), lambda: made)
    assert len(kept()) == 1
