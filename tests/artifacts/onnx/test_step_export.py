"""The graphs of a network that writes word by word say what it says, and write what it writes."""

import copy
import io
import zipfile
from collections import Counter
from functools import cache

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

from assay.artifacts import onnx_bundle
from assay.artifacts.formats import FORMATS
from assay.artifacts.onnx.export import INPUT
from assay.artifacts.onnx.step_export import LOGITS, STEP, Part, parts_of, step_layers, stored
from assay.compression.methods import int8_dynamic, int8_static
from assay.compression.methods import onnx as full_precision
from assay.compression.support import integers
from assay.config import registry
from assay.data.special_tokens import BEGIN, END
from assay.models.generation.beam_search import search, writer
from tests.compression.conftest import context
from tests.models.knobs import NEURAL_PAIRS

SOURCE, TARGET, VOCABULARY = 8, 7, 60
# An export takes seconds; networks that do not copy are exported in compression/test_other_forms.py.
ROWS = {
    "seq2seq_lstm": {},
    "seq2seq_attention": {"copying": True},
    "seq2seq_transformer": {"copying": True},
}


def arguments_of(row):
    lengths = {"source_length": SOURCE} | ({"target_length": TARGET} if row == "seq2seq_transformer" else {})
    return {**lengths, "vocabulary": VOCABULARY, **NEURAL_PAIRS[row], **ROWS[row]}


def make(row):
    torch.manual_seed(1)
    model = registry.load(registry.MODELS[row].target)(**arguments_of(row)).eval()
    with torch.no_grad():  # at first all words are nearly as likely
        for weight in model.parameters():
            weight.mul_(2.5)
        model.vectors.bias[END] += 1.0
    return model


def some_pairs(count):
    """Return inputs (N, S + T): sources and targets of all lengths."""
    generator = torch.Generator().manual_seed(count)
    ids = torch.randint(4, VOCABULARY, (count, SOURCE + TARGET), generator=generator)
    ids[:, :SOURCE] *= torch.arange(SOURCE) < (1 + torch.arange(count) % 6)[:, None]
    ids[:, SOURCE:] *= torch.arange(TARGET) < torch.randint(1, 5, (count, 1), generator=generator)
    ids[:, SOURCE] = BEGIN
    return ids


@cache
def exported(row):
    """Return a network's graphs: several seconds."""
    return parts_of(make(row), some_pairs(1))


def predictor(row, graphs, folder):
    form = FORMATS["onnx_steps"]
    form.write(folder / form.file, graphs)
    record = {"format": "onnx_steps", "parameters": 0, "arguments": arguments_of(row)}
    return form.predictor((folder / form.file).read_bytes(), record)


def logits(model, inputs):
    with torch.inference_mode():
        return model(inputs).numpy()


def test_every_network_that_writes_is_exported():
    assert set(ROWS) == set(NEURAL_PAIRS)


every_row = pytest.mark.parametrize("row", sorted(ROWS))


@every_row
def test_the_logits_of_known_texts_are_the_networks(row, tmp_path):
    model, found = make(row), predictor(row, {part.name: part.graph for part in exported(row)}, tmp_path)
    for count in (1, 2, 9):
        inputs = some_pairs(count)
        expected = logits(model, inputs)
        assert expected.shape[1] < TARGET  # columns of padding are cut
        np.testing.assert_allclose(found.outputs(inputs.numpy()), expected, atol=1e-4, rtol=1e-4)
        by_two = found.on_threads(2).outputs(inputs.numpy(), batch_size=2)
        np.testing.assert_allclose(by_two, expected, atol=1e-4, rtol=1e-4)


@every_row
def test_the_texts_are_the_networks(row, tmp_path):
    model, found = make(row), predictor(row, {part.name: part.graph for part in exported(row)}, tmp_path)
    assert writer(found, TARGET) is found
    source = some_pairs(9)[:, :SOURCE]
    for beam in (1, 3):
        expected = search(model, source, beam=beam, longest=TARGET)
        assert len({tuple(text) for text in expected}) > 4
        np.testing.assert_array_equal(search(found, source, beam=beam, longest=TARGET), expected)


@every_row
def test_a_step_returns_only_what_has_changed_and_has_no_recurrent_operator(row):
    _, step = exported(row)
    assert not {"LSTM", "GRU", "RNN"} & operators(step.graph).keys()
    kept = {"seq2seq_lstm": 5, "seq2seq_attention": 6, "seq2seq_transformer": 10}[row]
    changed = {"seq2seq_lstm": 4, "seq2seq_attention": 2, "seq2seq_transformer": 4}[row]
    assert len(step.graph.graph.input) == 1 + kept
    assert len(step.graph.graph.output) == 1 + changed


@every_row
def test_what_calibration_feeds_is_what_the_network_reads(row):
    """Fed word by word, the step's graph gives the network's logits."""
    start, step = exported(row)
    inputs = some_pairs(9)
    expected = logits(make(row), inputs)
    session = onnx_session(step.graph)
    rows = [session.run([LOGITS], feed)[0] for feed in step.feeds(inputs)]
    np.testing.assert_allclose(np.stack(rows, axis=1), expected, atol=1e-4, rtol=1e-4)
    (fed,) = start.feeds(inputs)
    assert fed["source"].shape == (9, 6)


def onnx_session(graph):
    import onnxruntime

    return onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])


def operators(graph):
    return Counter(node.op_type for node in graph.graph.node)


def test_a_network_that_does_not_write_is_one_graph():
    (part,) = parts_of(nn.Linear(3, 2), torch.ones(5, 3))
    assert part.name == LOGITS
    assert [feed[INPUT].shape for feed in part.feeds(torch.ones(70, 3))] == [(64, 3), (6, 3)]
    assert stored({LOGITS: part.graph}) == ("onnx", part.graph)
    assert not step_layers(nn.LSTM(3, 4))


def test_the_layers_of_a_step_are_found():
    model = make("seq2seq_attention")
    assert step_layers(model) == {model.asking, model.writing}


def test_the_same_network_is_the_same_bytes_and_is_not_modified():
    model = make("seq2seq_lstm")
    before = copy.deepcopy(model.state_dict())
    made = full_precision.compress(context(model, some_pairs(2)))
    assert made.format == "onnx_steps"
    assert made.parameters == sum(weight.numel() for weight in model.parameters())
    assert onnx_bundle.pack(made.model) == onnx_bundle.pack(
        {each.name: each.graph for each in exported("seq2seq_lstm")}
    )
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any("path" in text or ".py" in text for text in texts_of(made.model[STEP]))


def texts_of(graph):
    return [node.doc_string + str(node.metadata_props) for node in graph.graph.node]


# Of the twins' shares in 8 bits: the encoder's GRU has no operator, nor has its LSTM with ranges known beforehand.
METHODS = {
    "int8_dynamic": (int8_dynamic.compress, {"seq2seq_attention": 0.6}),
    "int8_static": (
        lambda of: int8_static.compress(of, calibration_items=9),
        {"seq2seq_attention": 0.6, "seq2seq_lstm": 0.5},
    ),
}


@pytest.mark.parametrize("method", sorted(METHODS))
@every_row
def test_weights_become_integers_in_both_graphs(row, method, monkeypatch, tmp_path):
    monkeypatch.setattr(integers, "parts_of", lambda *_, **__: copy.deepcopy(exported(row)))
    model, inputs, (compress, least) = make(row), some_pairs(40), METHODS[method]
    made = compress(context(model, inputs))
    assert made.format == "onnx_steps"
    assert made.parameters == sum(weight.numel() for weight in model.parameters())
    assert least.get(row, 0.85) < made.facts["quantised_share"] < 1  # biases stay
    assert not {"LSTM", "GRU"} & operators(made.model[STEP]).keys()
    found = predictor(row, made.model, tmp_path)
    expected = logits(model, inputs)
    assert np.abs(found.outputs(inputs.numpy()) - expected).mean() < 0.2 * expected.std()
    assert search(found, inputs[:, :SOURCE], beam=2, longest=TARGET).shape == (40, TARGET)


def test_a_table_that_is_held_three_times_counts_once():
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    weights = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(table.T.copy(), "turned")]
    weights += [numpy_helper.from_array(table + 1, "other"), numpy_helper.from_array(table, "waves")]
    part = Part("step", graph_with(weights), frozenset({"waves"}), lambda _: iter(()))
    learned = integers.learned_weights(part)
    small = np.zeros((3, 2), np.int8)
    held = ["table_quantized", "turned_Transposed_quantized", "waves_quantized", "table"]
    quantised = graph_with([numpy_helper.from_array(small, name) for name in held])
    assert list(integers.integer_weights(learned, quantised).values()) == [6]
    other = graph_with([numpy_helper.from_array(small.T.astype(np.uint8), "other_quantized")])
    both = integers.integer_weights(learned, quantised) | integers.integer_weights(learned, other)
    assert sum(both.values()) == 12


def graph_with(weights):
    value = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    nodes = [helper.make_node("Identity", [weights[0].name], ["y"])]
    return helper.make_model(helper.make_graph(nodes, "g", [], [value], weights), ir_version=9)


SHARED = np.arange(400, dtype=np.float32)


def pair(**step):
    """Return two graphs with one weight in both, and one each under a name that both have."""
    both = numpy_helper.from_array(SHARED, "both")
    graphs = {"start": graph_with([both, numpy_helper.from_array(SHARED + 1, "own")])}
    return graphs | {"step": graph_with([both, numpy_helper.from_array(SHARED + 2, "own")])} | step


def test_a_weight_of_both_graphs_is_written_once_and_read_back():
    graphs = pair()
    data = onnx_bundle.pack(graphs)
    assert data.count(SHARED.tobytes()) == 1
    assert data.count((SHARED + 2).tobytes()) == 1
    assert onnx_bundle.unpack(data) == {name: graph.SerializeToString() for name, graph in graphs.items()}
    assert graphs["step"].graph.initializer[0].raw_data  # what is packed is not modified
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert {member.date_time[0] for member in zipped.infolist()} == {1980}


def zipped(members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def referring(names):
    """Return a graph whose weights of these names are in ``start.onnx``."""
    weights = [numpy_helper.from_array(SHARED[:1], name) for name in names]
    for weight in weights:
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="start.onnx")
    return graph_with(weights).SerializeToString()


WHOLE = [(f"{name}.onnx", graph.SerializeToString()) for name, graph in pair().items()]
REFUSED = {
    "nothing": (b"", "not a zip file"),
    "no zip": (WHOLE[0][1], "not a zip file"),
    "cut off": (zipped(WHOLE)[:-100], "not a zip file"),
    "empty": (zipped([]), "a zip of 0 members"),
    "one is missing": (zipped(WHOLE[:1]), "a zip of 1 members"),
    "the other order": (zipped(WHOLE[::-1]), "a zip of 2 members"),
    "one too many": (zipped([*WHOLE, ("more.onnx", b"")]), "a zip of 3 members"),
    "a path": (zipped([WHOLE[0], ("../step.onnx", b"")]), "a zip of 2 members"),
    "a bomb": (zipped([WHOLE[0], ("step.onnx", bytes(10**7))], zipfile.ZIP_DEFLATED), "compressed"),
    "a size that lies": (
        zipped(WHOLE).replace(len(WHOLE[1][1]).to_bytes(4, "little"), (10**9).to_bytes(4, "little")),
        "larger than the file",
    ),
    "another byte": (zipped(WHOLE).replace((SHARED + 2).tobytes(), SHARED.tobytes()), "Bad CRC"),
    "no graph": (zipped([WHOLE[0], ("step.onnx", b"\xff" * 9)]), "refused: "),
    "a weight from nowhere": (
        zipped([WHOLE[0], ("step.onnx", referring(["none"]))]),
        "'none' that start.onnx",
    ),
    "a weight many times": (
        zipped([WHOLE[0], ("step.onnx", referring(["own"] * 9))]),
        "'own' that start.onnx",
    ),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_a_file_that_is_not_two_graphs_is_refused(what):
    data, message = REFUSED[what]
    record = {"format": "onnx_steps", "parameters": 0, "arguments": {"source_length": 3}}
    with pytest.raises(ValueError, match=f"model.onnx.zip is refused: .*{message}|{message}") as caught:
        FORMATS["onnx_steps"].predictor(data, record)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [None, "8", 0, True])
def test_a_record_must_say_how_long_a_source_is(length):
    record = {"format": "onnx_steps", "parameters": 0, "arguments": {"source_length": length}}
    with pytest.raises(ValueError, match="a number of words is expected"):
        FORMATS["onnx_steps"].predictor(onnx_bundle.pack(pair()), record)
