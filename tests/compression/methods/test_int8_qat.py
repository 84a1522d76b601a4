"""Training rounds as the runtime will, helps where rounding hurts, and leaves no trace in network or graph."""

import copy
from dataclasses import replace

import numpy as np
import onnxruntime.quantization.quant_utils as reference
import pytest
import torch
from onnx import TensorProto
from torch import nn

from assay.compression.methods import int8_qat, int8_static
from assay.compression.support.fake_quantise import Activation, RoundedWeight, round_activations, rounded
from assay.compression.support.integers import LEAST_SHARE, share_of
from assay.provenance.records import Skip
from tests.compression.conftest import TEXT_ROWS, TRAINING, context, make_text, written

# Fixtures of the networks whose answer is not one class.
from tests.compression.methods.test_other_forms import network, twin  # noqa: F401
from tests.compression.support.test_integers import KNOBS, make

ASKED = {"calibration_items": 80, "fine_tune": 0.3, "rate": 0.3}


def briefly(of):
    """Ask for two steps of training."""
    return replace(of, cell={**of.cell, "training": {**TRAINING, "max_steps": 2, "batch_size": 8}})


def outlier(model, factor):
    """Make one channel of a cnn ``factor`` times as strong, and what reads it as much weaker: the same answers."""
    first, second = model.features[0], model.features[3]
    with torch.no_grad():
        first.weight[0] *= factor
        first.bias[0] *= factor
        second.weight[:, 0] /= factor
    return model


def test_activations_round_as_onnxruntime_does():
    values = torch.linspace(-1.0, 3.0, 101)
    found = round_activations(values, torch.tensor(-0.7), torch.tensor(2.5))
    zero, scale = reference.compute_scale_zp(np.float32(-0.7), np.float32(2.5), np.uint8(0), np.uint8(255))
    integers = np.clip(np.round(values.numpy() / scale) + zero, 0, 255)
    np.testing.assert_allclose(found, (integers - zero) * scale, atol=1e-6)


def test_zero_stays_zero_whatever_the_range():
    for low, high in ((1.0, 2.0), (-2.0, -1.0), (0.0, 0.0), (-0.3, 0.7)):
        assert round_activations(torch.zeros(1), torch.tensor(low), torch.tensor(high)).item() == 0.0


def test_weights_round_as_onnxruntime_does():
    weight = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    weight[2] = 0.0
    found = RoundedWeight()(weight)
    for ours, theirs in zip(found, weight.numpy(), strict=True):
        zero, scale, integers = reference.quantize_data(theirs.ravel(), TensorProto.INT8, symmetric=True)
        assert int(zero) == 0
        np.testing.assert_allclose(ours.ravel(), integers.astype(np.float32) * scale, atol=1e-6)


def test_gradients_pass_but_for_what_is_clipped():
    values = torch.tensor([-5.0, -0.5, 0.2, 9.0], requires_grad=True)
    round_activations(values, torch.tensor(-1.0), torch.tensor(1.0)).sum().backward()
    assert values.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
    weight = torch.randn(3, 5, requires_grad=True)
    RoundedWeight()(weight).sum().backward()
    assert torch.equal(weight.grad, torch.ones(3, 5))


def test_a_range_grows_at_once_shrinks_slowly_and_stays_in_evaluation():
    activation = Activation().train()
    assert activation(torch.tensor([-0.3, 4.0])).tolist() == pytest.approx([-0.3, 4.0])
    activation(torch.tensor([-1.0, 2.0]))
    assert (activation.low.item(), activation.high.item()) == (-1.0, 4.0)
    activation.measuring = False
    activation(torch.tensor([-2.0, 3.0]))
    assert activation.low.item() == -2.0
    assert activation.high.item() == pytest.approx(4.0 - 0.02)
    assert activation.eval()(torch.tensor([100.0])).item() == pytest.approx(activation.high.item(), rel=0.01)
    assert activation.low.item() == -2.0


def test_what_the_graph_merges_is_not_rounded_between():
    layers = [
        nn.Conv2d(5, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
    ]
    model = nn.Sequential(*layers, nn.Conv2d(6, 6, 1)).eval()
    with rounded(model, torch.randn(8, 5, 8, 8)):
        there = {name for name, each in model.named_modules() if isinstance(each, Activation)}
    assert there == {"0.reads", "3.reads", "6.reads", "6.writes"}


def test_a_convolution_that_reads_few_channels_is_not_rounded_nor_is_it_in_the_graph():
    model = make("cnn")
    with rounded(model, torch.randn(8, 1, 8, 8)):
        there = {name for name, each in model.named_modules() if isinstance(each, Activation)}
        assert not isinstance(getattr(model.features[0], "parametrizations", None), nn.ModuleDict)
    assert "features.0.reads" not in there
    assert "features.3.reads" in there
    images = np.random.default_rng(0).normal(size=(20, 1, 8, 8)).astype(np.float32)
    graph = int8_static.compress(context(model, images), calibration_items=20).model.graph
    makers = {output: node.op_type for node in graph.node for output in node.output}
    first, second, _ = [node for node in graph.node if node.op_type == "Conv"]
    assert [makers.get(name) for name in first.input[:2]] == [None, None]
    assert [makers[name] for name in second.input[:2]] == ["DequantizeLinear"] * 2
    pooled = next(node for node in graph.node if node.op_type == "MaxPool")
    assert makers[pooled.input[0]] == "Conv"  # in full precision, as the convolution


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet_small", "transformer"])
def test_no_trace_is_left_in_a_network(name):
    model, images = make(name), torch.randn(70, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    kept = copy.deepcopy(model)
    with rounded(model, images), torch.inference_mode():
        within = model(images)
    with torch.inference_mode():
        assert torch.equal(model(images), kept(images))
        assert not torch.equal(within, kept(images))
    assert str(model) == str(kept)
    assert model.state_dict().keys() == kept.state_dict().keys()
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())


def test_no_trace_is_left_when_training_fails():
    model = make("mlp")
    kept = str(model)
    with pytest.raises(KeyError), rounded(model, torch.randn(2, 1, 8, 8)):
        raise KeyError
    assert str(model) == kept


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_training_sees_what_the_graph_will_answer(name, learned, digits, tmp_path):
    """To the bit but for a value now and then on the edge between two steps."""
    (images, _), _ = digits
    model = outlier(learned(make(name)), 100) if name == "cnn" else learned(make(name))
    of = context(model, images)
    graph = written(int8_static.compress(of, calibration_items=200), tmp_path, of)
    expected = graph.outputs(images[:200].numpy())
    with torch.inference_mode():
        plain = model(images[:200]).numpy()
        with rounded(model, images[:200]):
            found = model(images[:200]).numpy()
    assert np.abs(found - expected).mean() < 0.05 * np.abs(plain - expected).mean()


def test_it_scores_more_where_rounding_hurts(learned, digits, tmp_path):
    (images, targets), (others, theirs) = digits
    model = outlier(learned(make("cnn")), 200)
    before = copy.deepcopy(model.state_dict())
    of = context(model, images, targets, validation=(others, theirs), folder=tmp_path)
    static = int8_static.compress(of, calibration_items=80)
    aware = int8_qat.compress(of, **ASKED)
    full = of.score(model)
    scores = [of.score(written(made, tmp_path, of)) for made in (static, aware)]
    assert scores[0] < full - 0.05
    assert scores[1] > scores[0] + 0.02
    assert aware.facts == static.facts
    assert aware.parameters == static.parameters
    operators = [[node.op_type for node in made.model.graph.node] for made in (static, aware)]
    assert operators[0] == operators[1]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_same_bytes_twice(digits, tmp_path):
    (images, targets), _ = digits
    of = briefly(context(make("cnn"), images[:100], targets[:100], folder=tmp_path))
    first, second = (int8_qat.compress(of, **ASKED).model.SerializeToString() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_recurrent_networks_are_skipped_before_they_are_trained(name):
    with pytest.raises(Skip, match="training can round only"):
        int8_qat.compress(context(make(name), np.zeros((1, 1, 8, 8), np.float32)), **ASKED)


def check(of, folder):
    """Train for two steps and read the graph back."""
    of = briefly(replace(of, folder=folder))
    if share_of(of.model, int8_static.LAYERS) < LEAST_SHARE:
        with pytest.raises(Skip, match="training can round only"):
            int8_qat.compress(of, **ASKED)
        return
    made = int8_qat.compress(of, **ASKED)
    assert made.facts["quantised_share"] > LEAST_SHARE
    assert made.facts["operators"]["QuantizeLinear"] > 0
    inputs = of.splits["train"].inputs.numpy()
    found = written(made, folder, of).outputs(inputs)
    with torch.inference_mode():
        assert found.shape == of.model(torch.from_numpy(inputs)).shape
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", sorted(KNOBS))
def test_networks_of_images(name, tmp_path):
    check(context(make(name), torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))), tmp_path)


@pytest.mark.parametrize("row", sorted(TEXT_ROWS))
def test_networks_of_texts(row, texts, tmp_path):
    check(context(make_text(row), *(part[:20] for part in texts)), tmp_path)


def test_networks_of_other_forms(network, tmp_path):  # noqa: F811
    check(network, tmp_path)
