"""Which weights go, and that what is kept on disk is smaller and the same."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from assay.artifacts import store
from assay.compression.methods.prune_magnitude import compress, frozen, prunable, prune
from assay.models.image.mlp import MLP
from assay.provenance.records import Skip
from tests.compression.conftest import TEXT_ROWS, context, make_text, written

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


def test_a_layer_of_small_weights_does_not_go_as_a_whole():
    model = nn.Sequential(linear([50.0, -10.0, 30.0]), linear([0.3, 0.01, -0.5]))
    pruned = prune(model, 1 / 3)
    assert torch.equal(pruned[0].weight, torch.tensor([[50.0, 0.0, 30.0]]))
    assert torch.equal(pruned[1].weight, torch.tensor([[0.3, 0.0, -0.5]]))


def test_zeros_do_not_make_the_rest_of_their_layer_larger():
    model = nn.Sequential(linear([2.0, 0.0, 0.0, 0.0]), linear([1.0, 1.0, 1.9, 2.1]))
    assert prune(model, 5 / 8)[0].weight[0, 0] == 2.0
    assert prune(nn.Sequential(linear([0.0, 0.0]), linear([1.0, 2.0])), 0.5)[1].weight.tolist() == [
        [1.0, 2.0]
    ]


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


def test_a_sparsity_that_prunes_nothing_is_refused():
    with pytest.raises(ValueError, match="of 9 weights is none"):
        prune(nn.Linear(3, 3), 0.01)


def test_a_model_without_such_layers_is_skipped():
    with pytest.raises(Skip, match="BatchNorm2d has no Linear, convolution, recurrent or embedding layer"):
        prune(nn.BatchNorm2d(3), 0.5)


def test_what_is_on_disk_is_smaller_and_the_same_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    model, target = MLP(**ARGUMENTS).eval(), "assay.models.image.mlp:MLP"
    store.save(tmp_path / "dense", model, target=target, arguments=ARGUMENTS)
    of = context(model, torch.randn(3, 1, 8, 8), target=target, arguments=ARGUMENTS, max_relative_drop=1.0)
    made = compress(of, sparsities=[0.75], fine_tune=0, rate=0.3)
    weights, biases = 64 * 64 * 2 + 64 * 10, 64 * 2 + 10
    assert (made.format, made.parameters) == ("sparse", weights // 4 + biases)
    (tmp_path / "pruned").mkdir()
    loaded = written(made, tmp_path / "pruned", of)
    path = tmp_path / "pruned" / "model.safetensors"
    assert path.stat().st_size < 0.32 * (tmp_path / "dense" / "model.safetensors").stat().st_size
    for name, expected in prune(model, 0.75).state_dict().items():
        assert loaded.model.state_dict()[name].numpy().tobytes() == expected.numpy().tobytes(), name
    images = of.splits["train"].inputs
    with torch.inference_mode():
        np.testing.assert_array_equal(loaded.outputs(images.numpy()), prune(model, 0.75)(images))


def learned_context(learned, digits, tmp_path, **changed):
    (images, targets), (others, theirs) = digits
    model = learned(MLP(**ARGUMENTS))
    return context(
        model, images, targets, validation=(others[:300], theirs[:300]), folder=tmp_path, **changed
    )


def test_trained_on_it_stays_within_its_budget_at_a_higher_sparsity(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.02)
    sparsities = [0.5, 0.8, 0.9, 0.99]
    plain = compress(of, sparsities=sparsities, fine_tune=0, rate=0.3)
    tuned = compress(of, sparsities=sparsities, fine_tune=1.0, rate=0.5)
    assert tuned.parameters < plain.parameters
    assert of.lost(of.score(of.model), of.score(tuned.model)) <= 0.02
    untrained = sum(trial["lost"] <= 0.02 for trial in tuned.trials)
    assert ["tuned_lost" in trial for trial in tuned.trials[:untrained]] == [False] * untrained
    trained = [trial["tuned_lost"] for trial in tuned.trials[untrained:] if "tuned_lost" in trial]
    assert trained
    assert max(trained[:-1]) <= 0.04
    zeros = sum(int((weight == 0).sum()) for weight in prunable(tuned.model))
    last = max(number for number, lost in enumerate(trained) if lost <= 0.02)
    assert zeros == round(sparsities[untrained + last] * (64 * 64 * 2 + 64 * 10))
    assert trained[-1] > 0.04 or untrained + len(trained) == len(sparsities)


def test_where_none_stays_within_the_budget_the_gentlest_is_taken(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=-1.0)
    made = compress(of, sparsities=[0.5, 0.9], fine_tune=0.05, rate=0.3)
    zeros = sum(int((weight == 0).sum()) for weight in prunable(made.model))
    assert zeros == (64 * 64 * 2 + 64 * 10) // 2
    assert "tuned_lost" not in made.trials[1]


def test_zeros_learn_nothing():
    layer = frozen(prune(linear([1.0, 0.1, 2.0]), 0.34))
    layer(torch.ones(1, 3)).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 0.0, 1.0]]


def test_weights_that_do_not_learn_are_pruned_and_stay():
    pruned = frozen(prune(linear([1.0, 2.0, 3.0, 4.0]).requires_grad_(False), 0.5))
    assert pruned.weight.tolist() == [[0.0, 0.0, 3.0, 4.0]]


def test_sparsities_must_rise():
    of = context(MLP(**ARGUMENTS), torch.randn(3, 1, 8, 8))
    with pytest.raises(ValueError, match="they must increase"):
        compress(of, sparsities=[0.5, 0.3], fine_tune=0, rate=0.3)


@pytest.mark.parametrize("row", sorted(TEXT_ROWS))
def test_networks_of_texts_are_pruned_too(row):
    model = make_text(row)
    texts = torch.randint(0, 400, (3, 12))
    made = compress(context(model, texts, max_relative_drop=1.0), sparsities=[0.75], fine_tune=0, rate=0.3)
    total = sum(weight.numel() for weight in prunable(model))
    assert total > 0.9 * sum(parameter.numel() for parameter in model.parameters())
    assert made.parameters == sum(p.numel() for p in model.parameters()) - round(0.75 * total)
    assert torch.isfinite(prune(model, 0.75).eval()(texts)).all()
