"""Every layer gets back the sizes that it was stored with, and sizes that fit nothing are refused in one line."""

import pytest
import safetensors.torch
import torch
from torch import nn

from assay.artifacts.formats import FORMATS
from assay.models.image.mlp import MLP
from assay.models.resizing import Factored, fit, shapes

TARGET = "assay.models.image.mlp:MLP"
ARGUMENTS = {"shape": [1, 2, 2], "num_classes": 3, "hidden": [8, 6], "dropout": 0.0}

# What a class makes, what was stored, and an input of the latter.
PAIRS = {
    "linear": (lambda: nn.Linear(6, 8), lambda: nn.Linear(4, 5), (4,)),
    "linear without bias": (lambda: nn.Linear(6, 8, bias=False), lambda: nn.Linear(4, 5, bias=False), (4,)),
    "conv1d": (lambda: nn.Conv1d(6, 8, 3), lambda: nn.Conv1d(4, 5, 3), (4, 9)),
    "conv2d": (lambda: nn.Conv2d(6, 8, 3, padding=1), lambda: nn.Conv2d(4, 5, 3, padding=1), (4, 9, 9)),
    "depthwise": (lambda: nn.Conv2d(8, 8, 3, groups=4), lambda: nn.Conv2d(4, 4, 3, groups=4), (4, 9, 9)),
    "batch norm": (lambda: nn.BatchNorm2d(6), lambda: nn.BatchNorm2d(4), (4, 9, 9)),
    "embedding": (lambda: nn.Embedding(9, 6, padding_idx=0), lambda: nn.Embedding(9, 4, padding_idx=0), None),
    **{
        f"{cell.__name__} {directions} {layers}": (
            lambda cell=cell, directions=directions, layers=layers: cell(
                6, 8, num_layers=layers, bidirectional=directions == 2, batch_first=True
            ),
            lambda cell=cell, directions=directions, layers=layers: cell(
                4, 5, num_layers=layers, bidirectional=directions == 2, batch_first=True
            ),
            (7, 4),
        )
        for cell in (nn.RNN, nn.GRU, nn.LSTM)
        for directions in (1, 2)
        for layers in (1, 3)
    },
}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_layer_becomes_the_one_that_was_stored(name):
    made, stored, shape = PAIRS[name]
    torch.manual_seed(0)
    layer, expected = nn.Sequential(made()).eval(), nn.Sequential(stored()).eval()
    for buffer in expected.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    fit(layer, expected.state_dict())
    layer.load_state_dict(expected.state_dict())
    inputs = torch.arange(9)[None] if shape is None else torch.randn(2, *shape)
    found, wanted = layer(inputs), expected(inputs)
    for one, other in zip(tensors(found), tensors(wanted), strict=True):
        assert torch.equal(one, other)
    assert repr(layer) == repr(expected)


def tensors(output):
    return [output] if isinstance(output, torch.Tensor) else [one for part in output for one in tensors(part)]


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_layers_sizes_say_its_shapes(name):
    layer = PAIRS[name][1]()
    found = shapes(layer)
    assert (
        found == {}
        if isinstance(layer, nn.Embedding)
        else set(found) >= {n for n, _ in layer.named_parameters()}
    )
    assert all(tuple(layer.state_dict()[key].shape) == shape for key, shape in found.items())


def test_two_factors_become_two_layers():
    torch.manual_seed(0)
    expected = nn.Sequential(Factored(6, 2, 8, bias=True), nn.Linear(8, 3))
    module = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 3))
    fit(module, expected.state_dict())
    module.load_state_dict(expected.state_dict())
    inputs = torch.randn(4, 6)
    assert torch.equal(module(inputs), expected(inputs))


def test_what_is_not_trained_stays_so():
    module = nn.Sequential(nn.Embedding(9, 6))
    module[0].weight.requires_grad_(False)
    fit(module, {"0.weight": torch.zeros(9, 4)})
    assert not module[0].weight.requires_grad


def test_layers_of_the_same_size_are_left_as_they_are():
    module = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8))
    before = dict(module.named_parameters())
    fit(module, {name: torch.zeros_like(value) for name, value in before.items()})
    assert all(value is before[name] for name, value in module.named_parameters())


def stored(**changed):
    """Return a file's bytes: of the MLP without half of its units, with other weights in their place."""
    half = {**ARGUMENTS, "hidden": [4, 3]}
    return safetensors.torch.save({**MLP(**half).state_dict(), **changed})


def read(data):
    return FORMATS["safetensors"].module(data, {"target": TARGET, "arguments": ARGUMENTS, "resized": True})


def test_the_smaller_network_is_read():
    assert [value.shape[0] for value in read(stored()).parameters()] == [4, 4, 3, 3, 3, 3]


HOSTILE = {
    "a bias of another length": (
        {"hidden.1.0.bias": torch.zeros(3)},
        r"hidden\.1\.0\.bias: shape \(3,\); .*\(4,\)",
    ),
    "more dimensions": (
        {"hidden.1.0.weight": torch.zeros(4, 4, 1)},
        r"hidden\.1\.0\.weight: .* at most \(8, 4\)",
    ),
    "a larger layer": (
        {"hidden.1.0.weight": torch.zeros(9, 4)},
        r"hidden\.1\.0\.weight: .* at most \(8, 4\)",
    ),
    "no dimension": ({"hidden.1.0.weight": torch.tensor(0.0)}, r"hidden\.1\.0\.weight: shape \(\)"),
    "a factor alone": ({"head.0.weight": torch.zeros(2, 3)}, r"Unexpected key\(s\).*head\.0\.weight"),
    "factors that are no matrices": (
        {"head.0.weight": torch.zeros(2), "head.1.weight": torch.zeros(2)},
        r"cannot be loaded: IndexError",
    ),
    "a weight of no layer": ({"other": torch.zeros(2)}, r"Unexpected key\(s\).*other"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_sizes_that_fit_nothing_are_refused_in_one_line(name):
    changed, message = HOSTILE[name]
    with pytest.raises(ValueError, match=message) as caught:
        read(stored(**changed))
    assert "\n" not in str(caught.value)


def test_a_missing_weight_is_refused():
    state = MLP(**{**ARGUMENTS, "hidden": [4, 3]}).state_dict()
    del state["hidden.1.0.bias"]
    with pytest.raises(ValueError, match=r"hidden\.1\.0\.bias"):
        read(safetensors.torch.save(state))


@pytest.mark.parametrize(
    ("layer", "name", "shape"),
    [
        (nn.Conv2d(6, 8, 3), "weight", (8, 6, 2, 3)),
        (nn.BatchNorm2d(6), "running_var", (5,)),
        (nn.LSTM(4, 5), "weight_ih_l0", (12, 4)),
        (nn.GRU(4, 5, num_layers=2, bidirectional=True), "weight_ih_l1", (15, 5)),
        (nn.RNN(4, 5), "weight_hh_l0", (5, 4)),
    ],
)
def test_shapes_of_one_layer_must_fit_each_other(layer, name, shape):
    state = {f"0.{key}": value for key, value in layer.state_dict().items()}
    with pytest.raises(ValueError, match=r"^0\.\w+: shape .* is needed"):
        fit(nn.Sequential(layer), {**state, f"0.{name}": torch.zeros(shape)})
