"""Which values the weights take, that training keeps them shared, and that the file gives each bit back."""

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.cluster import KMeans
from torch import nn

from assay.artifacts import huffman, store
from assay.artifacts.formats import FORMATS
from assay.compression.methods import cluster as method
from assay.compression.methods.cluster import (
    cluster,
    compress,
    k_means,
    layer_weights,
    shared_values,
    train_values,
)
from assay.compression.methods.prune_magnitude import prune
from assay.config import registry
from assay.models.image.mlp import MLP
from assay.provenance.records import Skip
from tests.compression.conftest import TEXT_ROWS, context, make_text, written
from tests.compression.methods.test_other_forms import network, twin  # noqa: F401
from tests.compression.support.test_integers import KNOBS

ARGUMENTS = {"shape": [1, 8, 8], "num_classes": 10, "hidden": [64, 64], "dropout": 0.0}
FORM = FORMATS["clustered"]


def test_k_means_agrees_with_scikit_learn():
    values = np.sort(np.random.default_rng(0).beta(2, 3, size=3000))  # without tails, so no cluster is empty
    start = np.linspace(values[0], values[-1], 16)
    expected = KMeans(16, init=start[:, None], n_init=1, max_iter=500, tol=0).fit(values[:, None])
    np.testing.assert_allclose(
        k_means(values, 16), np.sort(expected.cluster_centers_.ravel()), rtol=0, atol=1e-6
    )


def test_a_hand_worked_clustering():
    """From centroids -1 and 5: the middle is 2; then 0 and 4, which stay."""
    values = np.array([1.0, 0.0, 5.0, -1.0, 0.0, 3.0], np.float32)
    assert shared_values(values, 2).tolist() == [0.0, 0.0, 4.0, 0.0, 0.0, 4.0]


def test_each_weight_takes_the_nearest_centroid():
    values = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    found = shared_values(values, 8)
    centroids = np.unique(found)
    assert len(centroids) == 8
    nearest = centroids[np.abs(values[:, None] - centroids).argmin(axis=1)]
    np.testing.assert_array_equal(found, nearest)


def test_an_empty_cluster_keeps_its_centroid():
    assert k_means(np.array([0.0, 0.1, 1.0]), 3).tolist() == pytest.approx([0.05, 0.5, 1.0])


def test_few_values_stay_as_they_are():
    values = np.array([3.0, 1.0, 1.0, 100.0, 0.0], np.float32)
    np.testing.assert_array_equal(shared_values(values, 3), values)
    np.testing.assert_array_equal(shared_values(np.zeros(4, np.float32), 2), np.zeros(4))


def distinct(weight):
    return len(torch.unique(weight[weight != 0]))


def test_the_model_is_not_modified_and_small_tensors_stay():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(40, 40), nn.BatchNorm1d(40), nn.Linear(40, 4))
    before = copy.deepcopy(model.state_dict())
    shared = cluster(model, 3)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    changed = [name for name, value in shared.state_dict().items() if not torch.equal(before[name], value)]
    assert changed == ["0.weight"]
    assert distinct(shared[0].weight) == 8


def test_zeros_of_a_pruned_network_stay():
    torch.manual_seed(0)
    pruned = prune(MLP(**ARGUMENTS), 0.9)
    shared = cluster(pruned, 2)
    for one, other in zip(layer_weights(pruned), layer_weights(shared), strict=True):
        assert torch.equal(one == 0, other == 0)
        assert distinct(other) <= (4 if other.numel() > 640 else 640)


def learned_context(learned, digits, tmp_path, **changed):
    (images, targets), (others, theirs) = digits
    torch.manual_seed(0)
    model, target = learned(MLP(**ARGUMENTS)), "assay.models.image.mlp:MLP"
    of = {"target": target, "arguments": ARGUMENTS, "folder": tmp_path} | changed
    return context(model, images, targets, validation=(others[:300], theirs[:300]), **of)


def test_what_is_read_back_is_smaller_and_the_same_bit_for_bit(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.02)
    store.save(tmp_path / "dense", of.model, target="", arguments={})
    made = compress(of, bits=[8, 6, 4, 3, 2, 1], fine_tune=0, rate=0.3)
    loaded = written(made, tmp_path, of)
    file = (tmp_path / "model.safetensors").read_bytes()
    assert len(file) < 0.25 * (tmp_path / "dense" / "model.safetensors").stat().st_size
    assert made.parameters == sum(parameter.numel() for parameter in of.model.parameters())
    for name, expected in made.model.state_dict().items():
        assert loaded.model.state_dict()[name].numpy().tobytes() == expected.numpy().tobytes(), name
    images = of.splits["train"].inputs
    with torch.inference_mode():
        np.testing.assert_array_equal(loaded.outputs(images.numpy()), made.model(images))
    written(compress(of, bits=[8, 6, 4, 3, 2, 1], fine_tune=0, rate=0.3), tmp_path, of)
    assert (tmp_path / "model.safetensors").read_bytes() == file


def test_the_fewest_bits_within_the_budget_are_chosen(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.02)
    made = compress(of, bits=[8, 6, 4, 3, 2, 1], fine_tune=0, rate=0.3)
    chosen = [trial["bits"] for trial in made.trials if trial["lost"] <= 0.02][-1]
    assert len(made.trials) == 6
    assert 1 < chosen < 8
    assert max(map(distinct, layer_weights(made.model))) == 2**chosen
    assert of.lost(of.score(of.model), of.score(made.model)) <= 0.02


def test_trained_fewer_bits_stay_within_the_budget(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path)
    lost = of.lost(of.score(of.model), of.score(cluster(of.model, 1)))
    of = replace(of, max_relative_drop=0.9 * lost)
    plain = compress(of, bits=[8, 1], fine_tune=0, rate=0.3)
    tuned = compress(of, bits=[8, 1], fine_tune=0.3, rate=0.5)
    before, after = (max(map(distinct, layer_weights(made.model))) for made in (plain, tuned))
    assert before > 200
    assert after == 2
    assert (
        of.lost(of.score(of.model), of.score(tuned.model))
        == tuned.trials[1]["tuned_lost"]
        <= of.max_relative_drop
    )
    assert "tuned_lost" not in tuned.trials[0]


def test_where_none_stays_within_the_budget_the_gentlest_is_trained(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=-1.0)
    made = compress(of, bits=[3, 1], fine_tune=0.05, rate=0.3)
    assert max(map(distinct, layer_weights(made.model))) == 8
    assert "tuned_lost" in made.trials[0]
    assert "tuned_lost" not in made.trials[1]


def test_training_keeps_exactly_the_shared_values_and_zeros(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path)
    shared = cluster(prune(of.model, 0.5), 3)
    before = [weight.detach().clone() for weight in layer_weights(shared)]
    train_values(of, shared, share=0.1, rate=1.0)
    for old, new in zip(before, layer_weights(shared), strict=True):
        assert not torch.equal(old, new)
        assert torch.equal(old == 0, new == 0)
        if old.numel() >= method.LEAST_NUMBERS:
            for value in torch.unique(old):
                assert len(torch.unique(new[old == value])) == 1
    assert of.score(shared) > 0.9


def test_a_centroid_learns_from_the_mean_of_its_gradients():
    labels = torch.tensor([[0, 1], [1, 2]])
    found = method.means(
        torch.tensor([[5.0, 1.0], [4.0, 2.0]]), labels=labels, fixed=torch.tensor([True, False, False])
    )
    assert found.tolist() == [[0.0, 2.5], [2.5, 2.0]]


def test_lenet_300_100_pruned_and_clustered_is_thirty_times_smaller(tmp_path):
    torch.manual_seed(0)
    model = MLP(shape=[1, 28, 28], num_classes=10, hidden=[300, 100], dropout=0.0)
    with torch.no_grad():
        for weight in layer_weights(model):
            weight.normal_(std=weight.shape[1] ** -0.5)
    shared = cluster(prune(model, 0.92), 5)
    FORM.write(tmp_path / "model", shared)
    size = (tmp_path / "model").stat().st_size
    assert 20_000 < size < 4 * sum(parameter.numel() for parameter in model.parameters()) / 38
    again = FORM.decode(safetensors.torch.load_file(tmp_path / "model"))
    for name, expected in shared.state_dict().items():
        assert again[name].numpy().tobytes() == expected.numpy().tobytes(), name


def test_after_pruning_zeros_are_not_held(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=1.0)
    pruned = context(
        prune(of.model, 0.8),
        of.splits["train"].inputs,
        max_relative_drop=1.0,
        **(of.record | {"format": "sparse"}),
    )
    made = compress(pruned, bits=[4], fine_tune=0, rate=0.3)
    weights = 64 * 64 * 2 + 64 * 10
    assert made.parameters == weights - round(0.8 * weights) + 64 * 2 + 10
    state = written(made, tmp_path, of).model.state_dict()
    assert sum(int((value == 0).sum()) for value in state.values()) == round(0.8 * weights)
    assert any(name.endswith("|gaps") for name in safetensors.torch.load_file(tmp_path / "model.safetensors"))


def test_a_network_with_other_sizes_is_read_back(tmp_path):
    torch.manual_seed(0)
    smaller = MLP(**(ARGUMENTS | {"hidden": [48, 40]})).eval()
    images = torch.randn(3, 1, 8, 8)
    of = context(
        smaller,
        images,
        target="assay.models.image.mlp:MLP",
        arguments=ARGUMENTS,
        resized=True,
        max_relative_drop=1.0,
    )
    made = compress(of, bits=[4], fine_tune=0, rate=0.3)
    found = written(made, tmp_path, of).outputs(images.numpy())
    with torch.inference_mode():
        np.testing.assert_array_equal(found, made.model(images))


def test_bits_must_fall():
    of = context(MLP(**ARGUMENTS), torch.randn(3, 1, 8, 8))
    with pytest.raises(ValueError, match="they must decrease"):
        compress(of, bits=[3, 4], fine_tune=0, rate=0.3)


def test_a_network_of_small_layers_is_skipped():
    with pytest.raises(Skip, match="Linear has no Linear, convolution, recurrent or embedding layer of 512"):
        compress(context(nn.Linear(3, 3), torch.randn(3, 3)), bits=[4], fine_tune=0, rate=0.3)


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
    made = compress(of, bits=[4], fine_tune=0, rate=0.3)
    loaded = written(made, tmp_path, of)
    for key, expected in made.model.state_dict().items():
        assert loaded.model.state_dict()[key].numpy().tobytes() == expected.numpy().tobytes(), key
    assert np.isfinite(loaded.outputs(inputs.numpy())).all()


def test_networks_of_other_forms_are_read_back(network, tmp_path):  # noqa: F811
    made = compress(replace(network, max_relative_drop=1.0), bits=[6, 4], fine_tune=0, rate=0.3)
    loaded = written(made, tmp_path, network)
    for key, expected in made.model.state_dict().items():
        assert loaded.model.state_dict()[key].numpy().tobytes() == expected.numpy().tobytes(), key
    assert np.isfinite(loaded.outputs(network.splits["train"].inputs.numpy())).all()


@pytest.fixture
def tensors():
    """Tensors of few values: many zeros, none, only zeros, long gaps, none at all; and of many, and of integers."""
    torch.manual_seed(0)
    few = torch.randint(1, 9, (60, 50)).float()
    far = torch.zeros(5000)
    far[[3, 257, 258, 1000, 1255, 1256, 2000, 4000]] = 1.5
    negative = few.masked_fill(torch.rand(60, 50) < 0.9, 0.0)
    negative[0, :20] = -0.0
    return {
        "dense": few,
        "sparse": few.masked_fill(torch.rand(60, 50) < 0.9, 0.0),
        "negative": negative,
        "far": far,
        "last": torch.cat([torch.zeros(3000), torch.ones(1)]),
        "zeros": torch.zeros(70, 80),
        "empty": torch.zeros(0, 3),
        "many": torch.randn(2000),
        "scalar": torch.tensor(1.0),
        "count": torch.zeros(600, dtype=torch.int64),
    }


def test_the_format_gives_each_bit_back(tensors):
    stored = FORM.encode(tensors)
    again = FORM.decode(stored)
    assert again.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert again[name].numpy().tobytes() == tensor.numpy().tobytes(), name
        assert again[name].shape == tensor.shape
    assert {name for name in tensors if f"{name}|gaps" in stored} >= {"sparse", "negative", "far", "last"}
    assert "dense|codes" in stored
    assert "dense|gaps" not in stored
    assert {"empty", "many", "scalar", "count"} <= stored.keys()


@pytest.mark.parametrize("count", [1, 254, 255, 256, 257, 509, 510, 511, 512])
def test_gaps_of_any_length(count):
    for place in {0, count // 2, count - 1}:
        kept = np.array([place])
        places, found = FORM.places(FORM.gaps(kept, count).astype(np.uint8))
        assert (places.tolist(), found) == ([place], count)
    places, found = FORM.places(FORM.gaps(np.arange(0), count).astype(np.uint8))
    assert (places.tolist(), found) == ([], count)


def test_hand_worked_gaps():
    assert FORM.gaps(np.array([2, 3, 3 + 256]), 600).tolist() == [2, 0, 255, 0, 255, 85]


def bytes_of(symbols):
    return torch.from_numpy(huffman.encode(np.array(symbols, int)))


def parts(**changed):
    """One clustered tensor with parts that do not belong to it; None takes one away."""
    weight = torch.zeros(100, 20)
    weight[::7, ::3] = torch.arange(1, 8).float()
    stored = FORM.encode({"w": weight})
    assert set(stored) == {"w|codebook", "w|codes", "w|gaps", "w|shape"}
    stored |= {f"w|{part}": tensor for part, tensor in changed.items()}
    return {name: tensor for name, tensor in stored.items() if tensor is not None}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"codes": None}, r"w: its codebook has no \|codes"),
        ({"shape": None}, r"w: its codebook has no \|shape"),
        ({"gaps": None}, r"w: 105 numbers for a weight of shape \[100, 20\]"),
        ({"codebook": torch.ones(3)}, "w: code 6 in a codebook of 3 values"),
        ({"codebook": torch.ones(7, 7)}, "w: a codebook of float32"),
        ({"codebook": torch.ones(7, dtype=torch.float64)}, "w: a codebook of float64"),
        ({"shape": torch.tensor([100, 21], dtype=torch.int32)}, "w: 2000 numbers for a weight of shape"),
        ({"shape": torch.tensor([100, 10], dtype=torch.int32)}, "w: 2000 numbers for a weight of shape"),
        ({"shape": torch.tensor([-100, -20], dtype=torch.int32)}, "w: 2000 numbers for a weight of shape"),
        (
            {"shape": torch.tensor([2**31 - 1] * 3, dtype=torch.int32)},
            "w: 2000 numbers for a weight of shape",
        ),
        ({"shape": torch.tensor([100.0, 20.0])}, "a shape of float32"),
        ({"codes": torch.zeros(7, dtype=torch.uint8)}, "w: Huffman code: Error -3"),
        ({"gaps": torch.zeros(9, dtype=torch.uint8)}, "w: Huffman code: Error -3"),
        ({"gaps": bytes_of([])}, "w: 0 gaps that do not end"),
        ({"gaps": bytes_of([3, 255])}, "w: 2 gaps that do not end"),
        ({"gaps": bytes_of([3, 4])}, "w: 105 codes for 1 weights"),
        ({"gaps": bytes_of([0] * 105 + [100])}, "w: 205 numbers for"),
        ({"gaps": torch.ones(9)}, "w: Huffman code: float32"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changed, reason):
    with pytest.raises(ValueError, match=reason):
        FORM.decode(parts(**changed))


def test_truncated_streams_are_refused():
    stored = parts()
    for part in ("w|codes", "w|gaps"):
        for end in range(len(stored[part])):
            with pytest.raises(ValueError, match=r"w: Huffman code"):
                FORM.decode(stored | {part: stored[part][:end]})


def test_fewer_bits_are_fewer_bytes(tmp_path):
    torch.manual_seed(0)
    model, sizes = MLP(**ARGUMENTS), []
    for bits in (8, 6, 5, 4, 3, 2, 1):
        FORM.write(tmp_path / "model", cluster(model, bits))
        sizes.append((tmp_path / "model").stat().st_size)
    assert all(one > other for one, other in pairwise(sizes))
