"""Which weights go, and that what is kept on disk is smaller and the same."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from assay import artifacts
from assay.compression.prune import compress, prunable, prune
from assay.files import sha256, write_json
from assay.models.mlp import MLP
from assay.records import Skip
from tests.compression.conftest import TEXT_ROWS, make_text

NO_INPUTS = np.zeros((0, 1, 8, 8), np.float32)
ARGUMENTS = {"shape": [1, 8, 8], "num_classes": 10, "hidden": [64, 64], "dropout": 0.0}


def linear(*weights):
    layer = nn.Linear(len(weights[0]), len(weights))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights))
        layer.bias.fill_(1e-9)
    return layer


def test_zeroes_the_smallest_of_the_whole_model():
    model = nn.Sequential(linear([0.5, -0.1, 3.0]), linear([0.2], [-4.0], [0.3]))
    pruned = prune(model, 0.5)
    assert torch.equal(pruned[0].weight, torch.tensor([[0.5, 0.0, 3.0]]))
    assert torch.equal(pruned[1].weight, torch.tensor([[0.0], [-4.0], [0.0]]))


def test_of_equal_weights_only_as_many_as_asked_go():
    pruned = prune(linear([1.0, -1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]), 0.25)
    assert pruned.weight.tolist() == [[0.0, 0.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]]


def test_weights_that_are_zero_go_first_and_no_negative_zero_is_left():
    pruned = prune(linear([-0.0, -0.25, 0.0, 9.0]), 0.75)
    assert pruned.weight.view(torch.int32)[0, :3].tolist() == [0, 0, 0]


@pytest.mark.parametrize("sparsity", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_prunes_the_asked_fraction(sparsity):
    torch.manual_seed(0)
    weights = prunable(prune(MLP(**ARGUMENTS), sparsity))
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    assert zeros == round(sparsity * (64 * 64 * 2 + 64 * 10))


def test_the_model_is_not_modified():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 10))
    before = copy.deepcopy(model.state_dict())
    prune(model, 0.9)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_biases_and_normalisation_stay():
    model = nn.ModuleList(
        [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LSTM(3, 4), nn.RNN(3, 4), nn.Embedding(3, 2)]
    )
    pruned = dict(prune(model, 0.99).named_parameters())
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, pruned[name])}
    recurrent = {f"{layer}.weight_{kind}_l0" for layer in (2, 3) for kind in ("ih", "hh")}
    assert changed == {"0.weight", "4.weight"} | recurrent


@pytest.mark.parametrize("sparsity", [0.0, 1.0, -0.1, 1.2, float("nan")])
def test_a_sparsity_out_of_range_is_refused(sparsity):
    with pytest.raises(ValueError, match="more than 0 and less than 1"):
        prune(nn.Linear(3, 3), sparsity)


def test_a_sparsity_that_prunes_nothing_is_refused():
    with pytest.raises(ValueError, match="of 9 weights is none"):
        prune(nn.Linear(3, 3), 0.01)


def test_a_model_without_such_layers_is_skipped(tmp_path):
    with pytest.raises(Skip, match="BatchNorm2d has no Linear, convolution, recurrent or embedding layer"):
        compress(nn.BatchNorm2d(3), inputs=NO_INPUTS, folder=tmp_path, sparsity=0.5)
    assert list(tmp_path.iterdir()) == []


def test_what_is_on_disk_is_smaller_and_the_same_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    model = MLP(**ARGUMENTS)
    dense = artifacts.save(tmp_path / "dense", model, target="assay.models.mlp:MLP", arguments=ARGUMENTS)
    entry = compress(model, inputs=NO_INPUTS, folder=tmp_path / "pruned", sparsity=0.75)
    weights, biases = 64 * 64 * 2 + 64 * 10, 64 * 2 + 10
    assert entry == {"format": "sparse", "parameters": weights // 4 + biases}
    path = tmp_path / "pruned" / "model.safetensors"
    assert path.stat().st_size < 0.32 * (tmp_path / "dense" / "model.safetensors").stat().st_size
    write_json(tmp_path / "pruned" / "status.json", {"files": {path.name: sha256(path)}})
    loaded = artifacts.load_module(tmp_path / "pruned", {**dense, **entry})
    for name, expected in prune(model, 0.75).state_dict().items():
        assert loaded.state_dict()[name].numpy().tobytes() == expected.numpy().tobytes(), name
    images = torch.randn(3, 1, 8, 8)
    found = artifacts.load(tmp_path / "pruned", {**dense, **entry}).logits(images.numpy())
    np.testing.assert_array_equal(found, prune(model, 0.75).eval()(images).detach().numpy())


@pytest.mark.parametrize("row", sorted(TEXT_ROWS))
def test_networks_of_texts_are_pruned_too(row, tmp_path):
    model = make_text(row)
    entry = compress(model, inputs=np.zeros((0, 12), np.int64), folder=tmp_path, sparsity=0.75)
    total = sum(weight.numel() for weight in prunable(model))
    assert total > 0.9 * sum(parameter.numel() for parameter in model.parameters())
    assert entry["parameters"] == sum(p.numel() for p in model.parameters()) - round(0.75 * total)
    texts = torch.randint(0, 400, (3, 12))
    assert torch.isfinite(prune(model, 0.75).eval()(texts)).all()
