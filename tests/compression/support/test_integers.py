"""The graph really holds integers, and what it answers is what the network answered."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from assay.compression.methods import int8_dynamic, int8_static
from assay.config import registry
from assay.provenance.records import Skip
from tests.compression.conftest import TEXT_ROWS, context, make_text, written

KNOBS = {
    "mlp": {"hidden": [64], "dropout": 0.0},
    "cnn": {"channels": [8, 16, 16], "dense": 32, "dropout": 0.0},
    "rnn": {"hidden": 48, "layers": 2, "dropout": 0.0},
    "lstm": {"hidden": 48, "layers": 2, "dropout": 0.0},
    "transformer": {"patch": 2, "width": 32, "depth": 2, "heads": 4, "dropout": 0.0},
    "resnet_small": {"widths": [8, 16, 32], "blocks": 1},
    "inception_small": {"dropout": 0.0},
    "alexnet_small": {"channels": [8, 12, 16, 16, 12], "dense": 32, "dropout": 0.0},
    "vgg_small": {"width": 4, "convolutions": 2, "dense": 16, "dropout": 0.0},
    "lenet5": {},
}
EXPECTED = {
    "mlp": "MatMulInteger",
    "rnn": "MatMulInteger",
    "lstm": "DynamicQuantizeLSTM",
    "transformer": "MatMulInteger",
}
FLOAT = onnx.TensorProto.FLOAT
DYNAMIC = {*EXPECTED, "bag_of_embeddings", "tanh", "gru", "text_transformer"}
# Trained in a moment; the others need minutes, and their graphs are checked with the weights they start from.
LEARNED = ["mlp", "cnn", "rnn", "lstm", "transformer"]


def make(name):
    torch.manual_seed(0)
    return registry.load(registry.MODELS[name].target)(shape=(1, 8, 8), num_classes=10, **KNOBS[name]).eval()


def fitting(name, of, calibration_items=80):
    """Compress by the method that is made for such a network."""
    if name in DYNAMIC:
        return int8_dynamic.compress(of)
    return int8_static.compress(of, calibration_items=calibration_items)


def logits(model, images):
    with torch.inference_mode():
        return model(images).numpy()


@pytest.mark.parametrize("name", LEARNED)
def test_keeps_logits_and_accuracy(name, learned, digits, tmp_path):
    (train, _), (images, targets) = digits
    model = learned(make(name))
    of = context(model, train)
    expected = logits(model, images)
    found = written(fitting(name, of), tmp_path, of).outputs(images.numpy())
    full, integer = ((scores.argmax(1) == targets.numpy()).mean() for scores in (expected, found))
    assert full > 0.8
    assert integer > full - 0.01
    assert np.abs(found - expected).mean() < 0.08 * expected.std()
    assert not np.array_equal(found, expected)


def test_every_network_that_classifies_is_tested():
    """The others in test_other_forms.py, those of other people in tests/models/test_pretrained.py."""
    forms = {"image -> class", "text -> class"}
    networks = {
        name
        for name, model in registry.MODELS.items()
        if model.loop == "supervised" and forms & set(model.signatures) and not model.pretrained
    }
    assert set(KNOBS) | {name for name, _ in TEXT_ROWS.values()} == networks


@pytest.mark.parametrize("name", sorted(KNOBS))
def test_the_weights_are_integers(name, tmp_path):
    model = make(name)
    inputs = np.random.default_rng(0).normal(size=(96, 1, 8, 8)).astype(np.float32)
    of = context(model, inputs)
    made = fitting(name, of)
    graph = made.model.graph
    if name in EXPECTED:
        assert made.facts["operators"][EXPECTED[name]] > 0
        assert not {"LSTM", "ConvInteger"} & {node.op_type for node in graph.node}
    else:
        assert_convolutions_are_quantised(graph)
    held = sum(int(np.prod(t.dims)) for t in graph.initializer if t.data_type == onnx.TensorProto.INT8)
    assert held >= 0.85 * made.parameters
    assert 0.85 <= made.facts["quantised_share"] < 1  # biases stay
    assert made.parameters == sum(p.numel() for p in model.parameters())
    assert written(made, tmp_path, of).outputs(inputs).shape == (96, 10)


TEXT_OPERATORS = {
    "text_cnn": "QuantizeLinear",
    "lstm": "DynamicQuantizeLSTM",
    "text_transformer": "MatMulInteger",
}


@pytest.mark.parametrize("row", sorted(TEXT_ROWS))
def test_networks_of_texts_keep_their_logits_with_tables_of_integers(row, texts, tmp_path):
    ids, targets = texts
    model = make_text(row).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for batch in torch.arange(800).repeat(12).split(50):
        loss = nn.functional.cross_entropy(model(ids[batch]), targets[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    of = context(model.eval(), ids[:800])
    made = fitting(row, of, calibration_items=200)
    expected, found = logits(model, ids[800:]), written(made, tmp_path, of).outputs(ids[800:].numpy())
    full, integer = ((scores.argmax(1) == targets[800:].numpy()).mean() for scores in (expected, found))
    assert full > 0.8
    assert integer > full - 0.01
    assert np.abs(found - expected).mean() < 0.08 * expected.std()
    assert made.facts["operators"].get(TEXT_OPERATORS.get(row, "DequantizeLinear"), 0) > 0
    graph = made.model.graph
    tables = [tuple(t.dims) for t in graph.initializer if t.data_type == onnx.TensorProto.UINT8 and t.dims]
    assert (400, 16) in tables
    assert made.facts["quantised_share"] > (0.75 if row == "gru" else 0.9 if row != "tanh" else 0.85)


def test_a_tanh_network_of_texts_is_unrolled_where_its_table_is_the_smaller_part():
    model = make_text("tanh", words=10, hidden=40)
    made = int8_dynamic.compress(context(model, np.ones((4, 12), np.int64)))
    assert made.facts["operators"]["MatMulInteger"] > 10
    assert made.facts["quantised_share"] > 0.9


def assert_convolutions_are_quantised(graph):
    """Each convolution's weights come from integers, and so do what it reads, but for those that read few channels."""
    makers = {output: node.op_type for node in graph.node for output in node.output}
    plain = {t.name: t.dims[1] for t in graph.initializer if t.data_type == FLOAT and len(t.dims) > 1}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    shallow = [node for node in convolutions if plain.get(node.input[1], 9) <= 4]
    convolutions = [node for node in convolutions if node not in shallow]
    assert convolutions
    assert shallow
    for node in convolutions:
        assert [makers[name] for name in node.input[:2]] == ["DequantizeLinear"] * 2, node.name


def test_the_lstm_is_a_quarter_of_its_size(tmp_path):
    model = make("lstm")
    of = context(model, np.zeros((1, 1, 8, 8), np.float32))
    written(int8_dynamic.compress(of), tmp_path, of)
    full = 4 * sum(parameter.numel() for parameter in model.parameters())
    assert (tmp_path / "model.onnx").stat().st_size < 0.4 * full


class Gated(nn.Module):
    """A GRU, of which onnxruntime has no operator of 8 bits, under a head."""

    def __init__(self):
        super().__init__()
        self.gru, self.head = nn.GRU(8, 16, batch_first=True), nn.Linear(16, 10)

    def forward(self, images):
        return self.head(self.gru(images.flatten(1, 2))[0][:, -1])


def test_what_would_stay_in_full_precision_is_skipped_with_the_reason():
    of = context(Gated(), np.zeros((1, 1, 8, 8), np.float32))
    for method in (lambda: int8_dynamic.compress(of), lambda: int8_static.compress(of, calibration_items=1)):
        with pytest.raises(Skip, match="11% of Gated's weights"):
            method()


def test_an_lstm_has_no_static_operator():
    with pytest.raises(Skip, match="8-bit operators for only"):
        int8_static.compress(context(make("lstm"), np.zeros((1, 1, 8, 8), np.float32)), calibration_items=1)


@pytest.mark.parametrize("name", ["vgg_small", "resnet_small", "inception_small"])
def test_convolutions_stay_as_they_are_where_ranges_are_measured_at_each_call(name):
    with pytest.raises(Skip, match="8-bit operators for only"):
        int8_dynamic.compress(context(make(name), np.zeros((1, 1, 8, 8), np.float32)))


def test_a_graph_left_in_full_precision_is_an_error(monkeypatch):
    monkeypatch.setattr("assay.compression.methods.int8_dynamic.OPERATORS", ["Attention"])
    with pytest.raises(RuntimeError, match="quantised 0% of the weights"):
        int8_dynamic.compress(context(make("mlp"), np.zeros((1, 1, 8, 8), np.float32)))


def test_only_so_many_items_are_measured():
    """An outlier beyond them changes nothing, within them much."""
    inputs = np.random.default_rng(0).normal(size=(20, 1, 8, 8)).astype(np.float32)
    outlier = inputs.copy()
    outlier[15] *= 1000
    asked = (inputs, 10), (outlier, 10), (outlier, 20)
    written = [
        int8_static.compress(context(make("cnn"), items), calibration_items=count).model.SerializeToString()
        for items, count in asked
    ]
    assert written[0] == written[1] != written[2]


def test_a_mask_takes_no_values_from_the_scores_under_it(tmp_path):
    torch.manual_seed(0)
    model = registry.load(registry.MODELS["gpt"].target)(
        shape=(16,), vocabulary=60, width=32, depth=2, heads=2, dropout=0.0
    ).eval()
    with torch.no_grad():  # so sharp that attention matters
        for name, weight in model.named_parameters():
            weight.mul_(8.0 if weight.ndim > 1 and "blocks" in name else 1.0)
    ids = torch.randint(3, 60, (80, 16), generator=torch.Generator().manual_seed(1))
    of = context(model, ids)
    found = written(int8_static.compress(of, calibration_items=80), tmp_path, of).outputs(ids.numpy())
    expected = logits(model, ids)
    assert np.abs(found - expected).mean() < 0.1 * expected.std()  # 0.04; 0.44 if the mask counts
