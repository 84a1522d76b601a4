"""A smaller network begins as the strongest units of a larger one."""

import copy

import pytest
import torch
from torch import nn

from assay.compression.support.student_init import inherit
from assay.models.image.cnn import CNN
from assay.models.image.mlp import MLP
from tests.compression.conftest import TEXT_ROWS, make_text

ARGUMENTS = {"shape": [1, 2, 2], "num_classes": 3, "dropout": 0.0}


def test_the_strongest_units_are_taken_over_in_their_order():
    torch.manual_seed(0)
    model, heir = (MLP(**ARGUMENTS, hidden=[size]).eval() for size in (4, 2))
    first, last = (layer for layer in model.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        for unit, scale in enumerate([5.0, 0.1, 0.2, 3.0]):
            first.weight[unit] *= scale
            last.weight[:, unit] *= scale
    before = copy.deepcopy(model.state_dict())
    given = inherit(heir, model, torch.randn(8, 1, 2, 2))
    made, read = (layer for layer in heir.modules() if isinstance(layer, nn.Linear))
    assert torch.equal(made.weight, first.weight[[0, 3]])
    assert torch.equal(made.bias, first.bias[[0, 3]])
    assert torch.equal(read.weight, last.weight[:, [0, 3]])
    assert set(given) == set(heir.state_dict())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_heir_of_one_size_answers_as_the_network_does():
    torch.manual_seed(0)
    model, heir = (MLP(**ARGUMENTS, hidden=[4]).eval() for _ in range(2))
    images = torch.randn(8, 1, 2, 2)
    inherit(heir, model, images)
    assert torch.equal(heir(images), model(images))


def test_where_silent_units_go_the_heir_answers_as_the_network_does():
    torch.manual_seed(0)
    knobs = {"shape": [1, 28, 28], "num_classes": 10, "dropout": 0.0}
    model, heir = (
        CNN(**knobs, channels=[4, 4, 4], dense=6).eval(),
        CNN(**knobs, channels=[2, 3, 4], dense=4).eval(),
    )
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    with torch.no_grad():  # what goes makes nothing and is not read
        for layer, reader, silent in zip(layers, layers[1:], ([1, 2], [0], [], [3, 5]), strict=False):
            layer.weight[silent] = 0.0
            layer.bias[silent] = 0.0
            per_unit = reader.weight.shape[1] // len(layer.weight)
            for unit in silent:
                reader.weight[:, unit * per_unit : (unit + 1) * per_unit] = 0.0
    images = torch.randn(8, 1, 28, 28)
    assert set(inherit(heir, model, images)) == set(heir.state_dict())
    torch.testing.assert_close(heir(images), model(images))


def test_of_a_vocabulary_the_commonest_words_are_taken_over():
    model = nn.Embedding(6, 3)
    heir = nn.Embedding(4, 3)
    ids = torch.arange(6).view(2, 3)
    assert inherit(heir, model, ids) == ["weight"]
    assert torch.equal(heir.weight, model.weight[:4])


def test_what_does_not_fit_stays_as_it_was_drawn():
    model, heir = MLP(**ARGUMENTS, hidden=[2]).eval(), MLP(**ARGUMENTS, hidden=[5]).eval()
    before = copy.deepcopy(heir.state_dict())
    given = inherit(heir, model, torch.randn(8, 1, 2, 2))
    assert set(given) < set(before)
    for name, value in heir.state_dict().items():
        assert name in given or torch.equal(value, before[name])


@pytest.mark.parametrize("row", sorted(TEXT_ROWS))
def test_networks_of_texts_give_to_smaller_ones(row):
    model = make_text(row)
    assert inherit(copy.deepcopy(model), model, torch.randint(3, 400, (3, 12)))
