"""Which rank an energy asks for, that the network is that of the factors, and which layers stay whole."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

from assay.artifacts import store
from assay.artifacts.compact_weights import product
from assay.artifacts.formats import FORMATS
from assay.artifacts.store import count_parameters
from assay.compression.methods import int8_dynamic
from assay.compression.methods.low_rank import compress, decompose, factor, held, rank_of, replaceable
from assay.config import registry
from assay.models.image.mlp import MLP
from assay.models.resizing import Factored
from assay.provenance.records import Skip
from tests.compression.conftest import TEXT_ROWS, context, make_text, written
from tests.compression.methods.test_other_forms import network, twin  # noqa: F401
from tests.compression.support.test_integers import KNOBS

ARGUMENTS = {"shape": [1, 8, 8], "num_classes": 10, "hidden": [128, 128], "dropout": 0.0}
FORM = FORMATS["low_rank"]


def with_spectrum(rows, columns, values):
    """Return a random matrix (rows, columns) with these singular values."""
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(size, len(values))))[0] for size in (rows, columns))
    return torch.from_numpy((left * values @ right.T).astype(np.float32))


@pytest.mark.parametrize(
    ("values", "energy", "rank"),
    [
        ([3.0, 2.0, 1.0], 9 / 14 - 1e-9, 1),
        ([3.0, 2.0, 1.0], 0.65, 2),
        ([3.0, 2.0, 1.0], 13 / 14 + 1e-9, 3),
        ([1.0, 1.0], 0.5, 1),
        ([1.0, 0.0], 0.999, 1),
        ([0.0, 0.0], 0.9, 1),
    ],
)
def test_hand_worked_ranks(values, energy, rank):
    assert rank_of(torch.tensor(values), energy) == rank


def linear(weight):
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
    return layer


def test_the_layer_is_the_best_one_of_its_rank():
    """Against NumPy's decomposition of the same matrix, cut off where the energy is reached."""
    weight = with_spectrum(30, 50, [9.0, 7.0, 5.0, 3.0, 1.0, 0.5])
    model = nn.Sequential(linear(weight))
    inputs = torch.randn(4, 50)
    made = factor(model, decompose(model, inputs[:1]), 0.9)
    left, values, right = np.linalg.svd(weight.numpy(), full_matrices=False)
    rank = int(np.searchsorted(np.cumsum(values**2) / np.sum(values**2), 0.9)) + 1
    assert isinstance(made[0], Factored)
    assert [tuple(part.weight.shape) for part in made[0]] == [(rank, 50), (30, rank)]
    nearest = (left[:, :rank] * values[:rank]) @ right[:rank]
    np.testing.assert_allclose((made[0][1].weight @ made[0][0].weight).detach(), nearest, atol=1e-5)
    expected = inputs.numpy() @ nearest.T + model[0].bias.detach().numpy()
    np.testing.assert_allclose(made(inputs).detach(), expected, atol=1e-4)


@pytest.mark.parametrize("energy", [0.5, 0.8, 0.95])
def test_the_energy_is_kept_and_no_rank_is_spared(energy):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(300, 100, bias=False))
    with torch.no_grad():
        model[0].weight.mul_(torch.arange(1, 301) ** -1.0)
    made = factor(model, decompose(model, torch.randn(1, 300)), energy)
    whole, kept = model[0].weight.detach(), (made[0][1].weight @ made[0][0].weight).detach()
    assert kept.square().sum() >= energy * whole.square().sum()
    rank = len(made[0][0].weight)
    values = np.linalg.svd(whole.numpy(), compute_uv=False)
    assert np.sum(values[: rank - 1] ** 2) < energy * whole.square().sum()


def test_a_layer_is_factored_only_where_it_holds_fewer_numbers():
    """Of 12 x 12 two factors of rank 6 hold as many."""
    model = nn.Sequential(linear(with_spectrum(12, 12, [1.0] * 6)), linear(with_spectrum(12, 12, [1.0] * 5)))
    made = factor(model, decompose(model, torch.zeros(1, 12)), 0.99)
    assert [type(layer) for layer in made] == [nn.Linear, Factored]
    assert held(made) == count_parameters(made) == count_parameters(model) - 144 + 120


def test_the_model_is_not_modified():
    model = nn.ModuleDict({"a": nn.Linear(40, 40), "b": nn.LSTM(40, 40)})
    model.forward = lambda inputs: model["b"](model["a"](inputs))
    before = copy.deepcopy(model.state_dict())
    factor(model, decompose(model, torch.zeros(1, 40)), 0.3)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.state_dict().keys() == before.keys()


class Tied(nn.Module):
    """Reads one layer's weight itself, has another's in common with a table, and one that is its own."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(30, 20)
        self.read, self.own, self.head = nn.Linear(20, 20), nn.Linear(20, 20), nn.Linear(20, 30)
        self.head.weight = self.table.weight

    def forward(self, ids):
        states = F.linear(self.table(ids), self.read.weight)
        return self.head(self.own(states))


def test_layers_that_are_read_or_shared_stay_whole():
    torch.manual_seed(0)
    model, ids = Tied(), torch.zeros(1, 3, dtype=torch.int64)
    assert replaceable(model, ids) == ["own", "head"]
    assert list(decompose(model, ids)) == ["own.weight"]
    made = factor(model, decompose(model, ids), 0.3)
    assert isinstance(made.own, Factored)
    assert isinstance(made.head, nn.Linear)
    assert made.head.weight is made.table.weight
    assert made(ids).shape == (1, 3, 30)


def test_a_network_that_was_factored_is_not_taken_apart_again():
    model = nn.Sequential(Factored(20, 3, 20, bias=True), nn.Linear(20, 20))
    assert replaceable(model, torch.zeros(1, 20)) == ["1"]


def learned_context(learned, digits, tmp_path, model=None, **changed):
    (images, targets), (others, theirs) = digits
    torch.manual_seed(0)
    model = learned(model or MLP(**ARGUMENTS))
    of = {"target": "assay.models.image.mlp:MLP", "arguments": ARGUMENTS, "folder": tmp_path} | changed
    return context(model, images, targets, validation=(others[:300], theirs[:300]), **of)


ENERGIES = [0.95, 0.9, 0.8, 0.6, 0.3]


def test_what_is_read_back_is_smaller_and_answers_the_same(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.05)
    store.save(tmp_path / "dense", of.model, target="", arguments={})
    made = compress(of, energies=ENERGIES, fine_tune=0, rate=0.3)
    loaded = written(made, tmp_path, of)
    file = (tmp_path / "model.safetensors").read_bytes()
    assert made.facts["resized"]
    assert made.parameters == count_parameters(loaded.model) < 0.85 * count_parameters(of.model)
    assert len(file) < 0.9 * (tmp_path / "dense" / "model.safetensors").stat().st_size
    images = of.splits["train"].inputs
    with torch.inference_mode():
        np.testing.assert_array_equal(loaded.outputs(images[:256].numpy()), made.model(images[:256]))
    written(compress(of, energies=ENERGIES, fine_tune=0, rate=0.3), tmp_path, of)
    assert (tmp_path / "model.safetensors").read_bytes() == file


def test_the_lowest_energy_within_the_budget_is_chosen(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.05)
    made = compress(of, energies=ENERGIES, fine_tune=0, rate=0.3)
    assert [trial["energy"] for trial in made.trials] == ENERGIES
    chosen = [trial["energy"] for trial in made.trials if trial["lost"] <= 0.05][-1]
    assert 0.3 < chosen < 0.95
    expected = factor(of.model, decompose(of.model, of.splits["train"].inputs[:1]), chosen)
    assert held(expected) == made.parameters
    assert of.lost(of.score(of.model), of.score(made.model)) <= 0.05


def test_trained_a_lower_energy_stays_within_the_budget(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.03)
    plain = compress(of, energies=ENERGIES, fine_tune=0, rate=0.3)
    tuned = compress(of, energies=ENERGIES, fine_tune=0.3, rate=0.5)
    assert tuned.parameters < plain.parameters
    assert of.lost(of.score(of.model), of.score(tuned.model)) <= 0.03
    assert any(trial.get("tuned_lost", 1) <= 0.03 for trial in tuned.trials)


def test_where_none_stays_within_the_budget_the_gentlest_is_trained(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=-1.0)
    made = compress(of, energies=[0.7, 0.3], fine_tune=0.05, rate=0.3)
    assert "tuned_lost" in made.trials[0]
    assert "tuned_lost" not in made.trials[1]
    expected = factor(of.model, decompose(of.model, of.splits["train"].inputs[:1]), 0.7)
    assert made.parameters == held(expected)


def recurrent(name, learned, digits, tmp_path, **changed):
    entry, arguments = registry.MODELS[name], {"shape": [1, 8, 8], "num_classes": 10, **KNOBS[name]}
    torch.manual_seed(0)
    model = registry.load(entry.target)(**arguments)
    return learned_context(
        learned, digits, tmp_path, model, target=entry.target, arguments=arguments, **changed
    )


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_recurrent_matrices_are_kept_as_factors(name, learned, digits, tmp_path):
    of = recurrent(name, learned, digits, tmp_path, max_relative_drop=1.0)
    made = compress(of, energies=[0.6], fine_tune=0, rate=0.3)
    loaded = written(made, tmp_path, of)
    stored = safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert made.parameters == sum(tensor.numel() for tensor in stored.values()) < count_parameters(of.model)
    key = "recurrent.weight_hh_l0"
    assert key not in stored
    found, whole = loaded.model.get_parameter(key).detach(), of.model.get_parameter(key).detach()
    left, values, right = np.linalg.svd(whole.numpy(), full_matrices=False)
    rank = len(stored[key + "|right"])
    np.testing.assert_allclose(found, (left[:, :rank] * values[:rank]) @ right[:rank], atol=1e-5)
    assert found.square().sum() >= 0.6 * whole.square().sum()
    images = of.splits["train"].inputs[:256]
    with torch.inference_mode():
        np.testing.assert_array_equal(loaded.outputs(images.numpy()), made.model(images))


def test_trained_recurrent_matrices_stay_products(learned, digits, tmp_path):
    of = recurrent("lstm", learned, digits, tmp_path, max_relative_drop=-1.0)
    made = compress(of, energies=[0.6], fine_tune=0.1, rate=0.5)
    loaded = written(made, tmp_path, of)
    plain = factor(of.model, decompose(of.model, of.splits["train"].inputs[:1]), 0.6)
    key = "recurrent.weight_hh_l0"
    assert torch.equal(loaded.model.get_parameter(key), plain.get_parameter(key))
    assert not torch.equal(loaded.model.get_parameter("head.1.bias"), plain.get_parameter("head.1.bias"))
    assert made.trials[0]["tuned_score"] == pytest.approx(of.score(loaded), abs=1e-6)


@pytest.mark.parametrize("name", ["mlp", "lstm"])
def test_int8_takes_it_further(name, learned, digits, tmp_path):
    of = recurrent(name, learned, digits, tmp_path, max_relative_drop=0.05)
    (first := tmp_path / "first").mkdir()
    made = compress(of, energies=[0.95, 0.9, 0.8], fine_tune=0, rate=0.3)
    loaded = written(made, first, of)
    then = replace(of, model=loaded.model, record={**of.record, **made.facts, "format": made.format})
    integers = int8_dynamic.compress(then)
    found = written(integers, tmp_path, then)
    assert integers.facts["quantised_share"] > 0.5
    assert of.score(found) > of.score(loaded) - 0.02
    size = (tmp_path / "model.onnx").stat().st_size
    if name == "mlp":
        assert size < 0.6 * (first / "model.safetensors").stat().st_size


def test_energies_must_fall():
    of = context(MLP(**ARGUMENTS), torch.randn(3, 1, 8, 8))
    with pytest.raises(ValueError, match="they must decrease"):
        compress(of, energies=[0.8, 0.9], fine_tune=0, rate=0.3)


def test_where_nothing_gets_smaller_it_is_skipped():
    model = nn.Sequential(nn.Flatten(), linear(torch.eye(64)))
    of = context(model, torch.randn(30, 1, 8, 8), torch.arange(30) % 10, max_relative_drop=0.0)
    with pytest.raises(Skip, match=r"none of the 1 matrices of Sequential .* with 90% of its energy"):
        compress(of, energies=[0.99, 0.9], fine_tune=0, rate=0.3)
    with pytest.raises(Skip, match="none of the 0 matrices of BatchNorm2d"):
        compress(replace(of, model=nn.BatchNorm2d(1)), energies=[0.9], fine_tune=0, rate=0.3)


def test_where_only_a_loss_beyond_the_budget_is_smaller_it_is_skipped(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.01)
    with pytest.raises(Skip, match="within the budget none of the 3 matrices of MLP"):
        compress(of, energies=[0.9999, 0.05], fine_tune=0, rate=0.3)


@pytest.mark.parametrize("name", [*sorted(KNOBS), *sorted(TEXT_ROWS)])
def test_networks_that_classify_are_read_back(name, tmp_path):
    torch.manual_seed(0)
    if name in KNOBS and name not in TEXT_ROWS:
        entry, arguments = registry.MODELS[name], {"shape": (1, 8, 8), "num_classes": 10, **KNOBS[name]}
        model, inputs = registry.load(entry.target)(**arguments).eval(), torch.randn(5, 1, 8, 8)
    else:
        row, knobs = TEXT_ROWS[name]
        entry, model, inputs = registry.MODELS[row], make_text(name), torch.randint(0, 400, (5, 12))
        arguments = {"vocabulary": 400, "num_classes": 4, "words": 400, "dropout": 0.0, **knobs}
    of = context(model, inputs, target=entry.target, arguments=arguments, max_relative_drop=1.0)
    check_is_read_back(of, tmp_path)


def test_networks_of_other_forms_are_read_back(network, tmp_path):  # noqa: F811
    check_is_read_back(replace(network, max_relative_drop=1.0), tmp_path)


def check_is_read_back(of, folder):
    inputs = of.splits["train"].inputs
    if not any(len(each[1]) > 1 for each in decompose(of.model, inputs[:1]).values()):
        with pytest.raises(Skip, match="none of the"):
            compress(of, energies=[0.5], fine_tune=0, rate=0.3)
        return
    made = compress(of, energies=[0.5], fine_tune=0, rate=0.3)
    assert made.parameters < count_parameters(of.model)
    loaded = written(made, folder, of)
    stored = safetensors.torch.load_file(folder / "model.safetensors")
    assert sum(tensor.numel() for tensor in stored.values()) < sum(
        tensor.numel() for tensor in of.model.state_dict().values()
    )
    with torch.inference_mode():
        np.testing.assert_allclose(
            loaded.outputs(inputs.numpy()), made.model(inputs).float().numpy(), rtol=1e-4, atol=1e-4
        )


def factors(**changed):
    stored = {"w|left": torch.ones(6, 2), "w|right": torch.ones(2, 5), "b": torch.ones(6)} | changed
    return {name: tensor for name, tensor in stored.items() if tensor is not None}


def test_hand_worked_factors():
    state = FORM.decode(factors())
    assert state.keys() == {"w", "b"}
    assert torch.equal(state["w"], torch.full((6, 5), 2.0))
    assert product(torch.tensor([[1e8, 1.0]]), torch.tensor([[1.0], [-1e8]])).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"w|right": None}, r"w: factors of shapes \[6, 2\] and \[0\]"),
        ({"w|right": torch.ones(3, 5)}, r"w: factors of shapes \[6, 2\] and \[3, 5\]"),
        ({"w|left": torch.ones(12)}, r"w: factors of shapes \[12\]"),
        ({"w|left": torch.ones(6, 0), "w|right": torch.ones(0, 5)}, "w: a product of 6 x 5 of rank 0"),
        (
            {"w|left": torch.ones(10**6, 1), "w|right": torch.ones(1, 10**6)},
            "w: a product of 1000000 x 1000000",
        ),
    ],
)
def test_factors_that_do_not_fit_are_refused(changed, reason):
    with pytest.raises(ValueError, match=reason):
        FORM.decode(factors(**changed))
