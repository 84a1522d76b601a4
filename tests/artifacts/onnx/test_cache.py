"""A kept graph with a network's own weights is the graph that exporting it would give; what is not sure is not kept.

Every family is exported so in test_onnx_export.py.
"""

import errno
import shutil

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from assay.artifacts import kept as kept_results
from assay.artifacts.onnx import cache
from assay.artifacts.onnx import export as onnx_export
from assay.artifacts.onnx.export import export
from assay.artifacts.onnx.step_export import start_and_step
from assay.models.image.lenet5 import LeNet5
from assay.models.image.mlp import MLP
from assay.models.seq2seq.seq2seq_attention import Seq2SeqAttention
from assay.models.text.text_recurrent import TextRecurrent

IMAGE = torch.zeros(1, 1, 8, 8)
TEXT = torch.ones(1, 20, dtype=torch.int64)
WORDS = 4 + torch.arange(20).view(1, 20)


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
    return sorted(cache.FOLDER.glob("*/*.onnx"))


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


def test_weights_that_lie_otherwise_in_memory_are_exported(traced):
    """A weight with one channel keeps its strides after a round trip through channels_last; the trace then differs."""
    model = LeNet5(shape=(1, 8, 8), num_classes=10).eval()
    export(model, IMAGE)
    export(model.to(memory_format=torch.channels_last), IMAGE)
    assert len(traced) == 2


def test_other_code_exports_anew_and_leaves_no_old_graphs(monkeypatch, traced):
    export(mlp(), IMAGE)
    monkeypatch.setattr(cache, "digest", lambda _: "0" * 64)
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

    monkeypatch.setattr(cache, "replacing", full)
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
    assert cache.exported(model, (), lambda: made, lambda _: True) is made
    assert kept() == []
    nn.init.zeros_(model.weight)
    cache.exported(model, (), lambda: made, lambda _: True)
    assert len(kept()) == 1


def rewrite(path, change):
    """Let somebody who knows the format change a kept graph: its digest is right."""
    graph = onnx.load_from_string(path.read_bytes()[cache.DIGEST :])
    data = change(graph) or graph.SerializeToString()
    path.write_bytes(cache._digest(path, data) + data)


def negate(graph):
    """Turn the sign of the first output."""
    name = graph.graph.output[0].name
    for node in graph.graph.node:
        node.output[:] = ["turned" if output == name else output for output in node.output]
    graph.graph.node.append(onnx.helper.make_node("Neg", ["turned"], [name]))


def reverse_words(graph):
    """Read the texts from behind."""
    name, steps = graph.graph.input[0].name, [("starts", -1), ("ends", -(2**40)), ("axes", 1), ("steps", -1)]
    for node in graph.graph.node:
        node.input[:] = ["turned" if given == name else given for given in node.input]
    for key, value in steps:
        graph.graph.initializer.append(onnx.numpy_helper.from_array(np.array([value]), key))
    slicing = onnx.helper.make_node("Slice", [name, *(key for key, _ in steps)], ["turned"])
    graph.graph.node.insert(0, slicing)


def name_a_file(graph):
    graph.graph.initializer.add(name="more", data_type=1, dims=[1], data_location=1)
    graph.graph.initializer[-1].external_data.add(key="location", value="secret")


def no_graph(_):
    return b"\xff no graph"


def another_output(graph):
    graph.graph.output[0].name = graph.graph.node[0].output[0]


CHANGES = [negate, name_a_file, no_graph, another_output]


@pytest.mark.parametrize(
    ("make", "example", "change"),
    [*((mlp, IMAGE, change) for change in CHANGES), (lstm, WORDS, reverse_words), (lstm, WORDS, negate)],
)
def test_a_graph_that_answers_otherwise_is_exported_afresh_and_replaced(make, example, change, traced):
    right = export(make(), example)
    [path] = kept()
    content = path.read_bytes()
    rewrite(path, change)
    assert path.read_bytes() != content
    assert export(make(1), example).SerializeToString(deterministic=True) != right.SerializeToString(
        deterministic=True
    )
    assert (len(traced), path.read_bytes()) == (2, content)
    assert export(make(), example) == right
    assert len(traced) == 2


def writer():
    torch.manual_seed(0)
    knobs = {"width": 6, "hidden": 6, "attention": 4, "dropout": 0.0, "copying": True, "beam": 1}
    return Seq2SeqAttention(source_length=6, vocabulary=20, **knobs).eval()


def test_both_graphs_of_a_network_that_writes_are_checked(traced):
    def graphs():
        return [part.graph.SerializeToString(deterministic=True) for part in start_and_step(writer())]

    right = graphs()
    contents = {path: path.read_bytes() for path in kept()}
    assert len(traced) == len(contents) == 2
    assert graphs() == right
    assert len(traced) == 2
    for path in contents:
        rewrite(path, negate)
    assert graphs() == right
    assert len(traced) == 4
    assert {path: path.read_bytes() for path in kept()} == contents


def test_a_graph_under_another_name_is_not_used(traced):
    export(mlp(hidden=(6,)), IMAGE)
    [first] = kept()
    export(mlp(hidden=(6,), dropout=0.5), IMAGE)
    [second] = set(kept()) - {first}
    shutil.copy(first, second)
    export(mlp(hidden=(6,), dropout=0.5), IMAGE)
    assert len(traced) == 3


def test_from_scratch_nothing_kept_is_read_or_written(traced):
    with kept_results.unused():
        export(mlp(), IMAGE)
        assert kept() == []
    export(mlp(), IMAGE)
    with kept_results.unused():
        export(mlp(), IMAGE)
    assert len(traced) == 3
    export(mlp(), IMAGE)
    assert len(traced) == 3
