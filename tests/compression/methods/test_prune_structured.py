"""Every network without some of its units is the network that does not read them, smaller, and still a network."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from assay.compression.methods import int8_dynamic, int8_static, onnx, prune_magnitude
from assay.compression.methods.prune_structured import compress, prune, weakest
from assay.compression.support import dependency_graph
from assay.data.special_tokens import BEGIN
from assay.models.generation.beam_search import search, words_of
from assay.models.image.mlp import MLP
from assay.models.language.gpt import GPT
from assay.models.seq2seq.seq2seq_attention import Seq2SeqAttention
from assay.models.seq2seq.seq2seq_lstm import Seq2SeqLSTM
from assay.models.seq2seq.seq2seq_transformer import Seq2SeqTransformer
from assay.models.text.hugging_face import HuggingFace
from assay.provenance.records import Skip
from tests.compression.conftest import TEXT_ROWS, context, make_text, written
from tests.compression.methods.test_other_forms import network, twin  # noqa: F401
from tests.compression.support.test_integers import KNOBS, make
from tests.models.knobs import NEURAL_PAIRS

IMAGES = torch.randn(12, 1, 8, 8, generator=torch.Generator().manual_seed(1))
TEXTS = torch.randint(1, 400, (12, 12), generator=torch.Generator().manual_seed(1)) * (
    torch.arange(12) < torch.arange(1, 13).unsqueeze(1)
)
CLASSIFYING = {
    **{name: (lambda name=name: make(name), IMAGES) for name in KNOBS},
    **{f"text {row}": (lambda row=row: make_text(row), TEXTS) for row in TEXT_ROWS},
}
WITHOUT_UNITS = {"CBOW", "SkipGram"}
"""Their two tables meet in the output."""
EXPORTED = {"GPT", "Seq2SeqTransformer"}
"""Their caches hold what is left of each layer's heads; an export of every family would take minutes."""
ARGUMENTS = {"shape": [1, 8, 8], "num_classes": 10, "hidden": [64, 64], "dropout": 0.0}


def answers(model, inputs):
    with torch.inference_mode():
        return model(inputs)


def count(model):
    return sum(weight.numel() for weight in model.parameters())


def assert_same(model, other):
    state = other.state_dict()
    assert repr(model) == repr(other)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def check(model, inputs):
    """Assert that units which nothing reads can be taken away without any effect; return the smaller network."""
    stacks = dependency_graph.find(model, inputs)
    gone = [unit for stack in stacks for unit in weakest(model, stack, 0.4)]
    silent = dependency_graph.silenced(model, gone)
    smaller = dependency_graph.without(silent, gone)
    expected = answers(silent, inputs)
    torch.testing.assert_close(answers(smaller, inputs), expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(answers(model, inputs), expected, rtol=1e-5, atol=1e-6)
    assert count(smaller) < count(model)
    return smaller


@pytest.mark.parametrize("name", sorted(CLASSIFYING))
def test_units_that_nothing_reads_can_be_taken_from_every_network_that_classifies(name):
    make, inputs = CLASSIFYING[name]
    check(make(), inputs)


def test_units_that_nothing_reads_can_be_taken_from_every_other_network(network):  # noqa: F811
    inputs = network.splits["train"].inputs
    if type(network.model).__name__ in WITHOUT_UNITS:
        with pytest.raises(Skip, match="no units that can be removed"):
            compress(network, ratios=[0.5], fine_tune=0, rate=0.3)
        return
    check(network.model, inputs[:12])


def hugging_face():
    config = {
        "model_type": "bert", "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 32,
    }  # fmt: skip
    torch.manual_seed(0)
    model = HuggingFace(
        vocabulary=400, num_classes=4, config=config, pieces=2, before=[2], after=[3], length=24
    )
    model.get_buffer("words").copy_(torch.randint(4, 40, (400, 2)))
    return model.eval()


def test_units_that_nothing_reads_can_be_taken_from_a_network_of_others():
    model = hugging_face()
    smaller = check(model, TEXTS)
    assert count(smaller) < count(model) - 2 * 12 * 33  # of both layers, inner units at least


@pytest.mark.parametrize("name", sorted(CLASSIFYING))
def test_half_is_smaller_and_reads_back(name, tmp_path):
    make, inputs = CLASSIFYING[name]
    model = make()
    entry = f"{type(model).__module__}:{type(model).__name__}"
    of = context(model, inputs, target=entry, arguments=arguments(name), max_relative_drop=2.0)
    made = compress(of, ratios=[0.25, 0.5], fine_tune=0, rate=0.3)
    assert [trial["ratio"] for trial in made.trials] == [0.25, 0.5]
    assert made.parameters == count(made.model) < count(model)
    expected = answers(made.model, inputs)
    again = written(made, tmp_path, of)
    assert_same(again.model, made.model)
    np.testing.assert_allclose(again.outputs(inputs.numpy()), expected.numpy(), rtol=1e-5, atol=1e-6)
    assert again.model.training is False


@pytest.mark.parametrize(
    "name", ["cnn", "lstm", "resnet_small", "transformer", "text lstm", "text text_transformer"]
)
def test_half_is_exported(name, tmp_path):
    make, inputs = CLASSIFYING[name]
    model = make()
    smaller = context(prune(model, dependency_graph.find(model, inputs), 0.5), inputs)
    found = written(onnx.compress(smaller), tmp_path, smaller).outputs(inputs.numpy())
    np.testing.assert_allclose(found, answers(smaller.model, inputs).numpy(), rtol=1e-3, atol=1e-5)


def arguments(name):
    if name in KNOBS:
        return {"shape": [1, 8, 8], "num_classes": 10, **KNOBS[name]}
    knobs = TEXT_ROWS[name.removeprefix("text ")][1]
    return {"words": 400, "dropout": 0.0, **knobs, "vocabulary": 400, "num_classes": 4}


def test_every_other_network_learns_on_and_reads_back(network, tmp_path):  # noqa: F811
    if type(network.model).__name__ in WITHOUT_UNITS:
        return
    of = dataclasses.replace(network, folder=tmp_path, max_relative_drop=10.0)
    made = compress(of, ratios=[0.5], fine_tune=0.1, rate=0.3)
    assert set(made.trials[0]) == {"ratio", "score", "lost", "tuned_score", "tuned_lost"}
    inputs = network.splits["train"].inputs
    expected = answers(made.model, inputs)
    assert expected.isfinite().all()
    again = written(made, tmp_path, of)
    assert_same(again.model, made.model)
    np.testing.assert_allclose(again.outputs(inputs.numpy()), expected.numpy(), rtol=1e-5, atol=1e-5)
    if type(network.model).__name__ in EXPORTED:
        smaller = dataclasses.replace(of, model=again.model)
        graph = written(onnx.compress(smaller), tmp_path, smaller).outputs(inputs.numpy())
        np.testing.assert_allclose(graph[:, : expected.shape[1]], expected.numpy(), rtol=1e-3, atol=1e-4)


PAIRS = {
    "lstm": (Seq2SeqLSTM, NEURAL_PAIRS["seq2seq_lstm"]),
    "attention": (Seq2SeqAttention, NEURAL_PAIRS["seq2seq_attention"]),
    "transformer": (Seq2SeqTransformer, {**NEURAL_PAIRS["seq2seq_transformer"], "target_length": 7}),
}
COPYING = {
    name: (family, {**knobs, "copying": True})
    for name, (family, knobs) in PAIRS.items()
    if "copying" in knobs
}
PAIRS |= {f"{name} copying": pair for name, pair in COPYING.items()}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_smaller_networks_judge_word_by_word_as_they_judge_whole_texts(name):
    family, knobs = PAIRS[name]
    torch.manual_seed(0)
    model = family(source_length=6, vocabulary=30, **knobs).eval()
    inputs = torch.randint(4, 30, (5, 6 + 7))
    inputs[:, 6] = BEGIN
    smaller = check(model, inputs)
    for _ in range(2):  # also what is left once more
        memory, outputs = smaller.start(inputs[:, :6]), []
        with torch.inference_mode():
            for words in inputs[:, 6:].T:
                output, memory = smaller.step(words, memory)
                outputs.append(output)
        found = torch.stack(outputs, dim=1)
        torch.testing.assert_close(found, answers(smaller, inputs), rtol=1e-4, atol=1e-5)
        smaller = prune(smaller, dependency_graph.find(smaller, inputs), 0.3)
    assert len(words_of(search(smaller, inputs[:, :6], beam=2, longest=7))) == 5


def test_a_smaller_gpt_generates_the_same_with_its_cache():
    torch.manual_seed(0)
    model = GPT(vocabulary=20, shape=(8,), width=16, depth=2, heads=4, dropout=0.0).eval()
    smaller = check(model, torch.randint(0, 20, (9, 8)))
    assert smaller.blocks[0].attention.output.in_features == 8
    prompts = torch.randint(0, 20, (3, 2))
    cached, plain = (
        smaller.generate(prompts, 12, torch.Generator().manual_seed(0), cached=cached)
        for cached in (True, False)
    )
    assert torch.equal(cached, plain)


def learned_context(learned, digits, tmp_path, name="cnn", **changed):
    (images, targets), (others, theirs) = digits
    model = learned(make(name))
    entry = f"{type(model).__module__}:{type(model).__name__}"
    return context(
        model, images, targets, validation=(others[:300], theirs[:300]), folder=tmp_path, target=entry,
        arguments=arguments(name), **changed,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["cnn", "lstm", "transformer"])
def test_trained_on_the_smaller_network_is_within_its_budget(name, learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, name, max_relative_drop=0.03)
    made = compress(of, ratios=[0.25, 0.5], fine_tune=1.0, rate=1.0)
    gentle, strong = made.trials
    assert strong["tuned_score"] > strong["score"]
    assert strong["tuned_lost"] <= 0.03
    assert "tuned_score" not in gentle  # the strongest was enough
    assert of.score(made.model) == strong["tuned_score"]
    assert made.parameters < count(of.model) * (0.62 if name == "transformer" else 0.32)


def test_where_none_stays_within_the_budget_the_gentlest_is_left(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=-1.0)
    made = compress(of, ratios=[0.25, 0.75], fine_tune=0.02, rate=0.3)
    assert made.model.features[0].out_channels == 6
    assert all(trial["tuned_lost"] > -1.0 for trial in made.trials)
    assert of.score(made.model) == made.trials[0]["tuned_score"]


def test_without_training_the_curve_decides(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=0.5)
    made = compress(of, ratios=[0.125, 0.25, 0.875], fine_tune=0, rate=0.3)
    assert all("tuned_score" not in trial for trial in made.trials)
    chosen = [trial for trial in made.trials if trial["lost"] <= 0.5][-1]
    assert chosen["ratio"] < 0.875
    assert of.score(made.model) == chosen["score"]


def test_the_same_bytes_twice_and_the_model_as_it_was(learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, max_relative_drop=1.0)
    before = copy.deepcopy(of.model.state_dict())
    files = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        written(compress(of, ratios=[0.5], fine_tune=0.05, rate=0.3), tmp_path / name, of)
        files.append((tmp_path / name / "model.safetensors").read_bytes())
    assert files[0] == files[1]
    assert all(torch.equal(before[name], value) for name, value in of.model.state_dict().items())


@pytest.mark.parametrize("name", ["cnn", "lstm", "transformer"])
def test_integers_and_zeros_can_follow(name, learned, digits, tmp_path):
    of = learned_context(learned, digits, tmp_path, name, max_relative_drop=1.0)
    made = compress(of, ratios=[0.5], fine_tune=0.3, rate=1.0)
    smaller = dataclasses.replace(of, model=made.model, record={**of.record, **made.facts})
    full = of.score(made.model)
    integer = (
        int8_static.compress(smaller, calibration_items=80)
        if name == "cnn"
        else int8_dynamic.compress(smaller)
    )
    assert of.score(written(integer, tmp_path, smaller)) > full - 0.05
    zeros = prune_magnitude.compress(smaller, sparsities=[0.3], fine_tune=0, rate=0.3)
    assert of.score(written(zeros, tmp_path, smaller)) == zeros.trials[0]["score"]


def linear(*weights):
    layer = nn.Linear(len(weights[0]), len(weights), bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights))
    return layer


def test_the_units_with_the_smallest_norms_go():
    """Of units with norms 5, 1.4, 5.4 and 2 the second, then the fourth."""
    model = nn.Sequential(linear([3.0], [1.0], [5.0], [0.0]), linear([4.0, 1.0, 2.0, 2.0])).eval()
    stacks = dependency_graph.find(model, torch.randn(9, 1))
    assert prune(model, stacks, 0.25)[0].weight.flatten().tolist() == [3.0, 5.0, 0.0]
    assert prune(model, stacks, 0.5)[1].weight.flatten().tolist() == [4.0, 2.0]


@pytest.mark.parametrize(("ratio", "left"), [(0.01, 3), (0.25, 3), (0.5, 2), (0.75, 1), (0.99, 1)])
def test_of_every_group_at_least_one_goes_and_one_stays(ratio, left):
    model = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 2)).eval()
    assert prune(model, dependency_graph.find(model, torch.randn(9, 2)), ratio)[0].out_features == left


def test_ratios_must_rise():
    of = context(MLP(**ARGUMENTS).eval(), IMAGES)
    with pytest.raises(ValueError, match=r"ratios = \[0.5, 0.3\]; they must increase"):
        compress(of, ratios=[0.5, 0.3], fine_tune=0, rate=0.3)


def test_a_network_whose_units_all_must_stay_is_skipped():
    of = context(MLP(**{**ARGUMENTS, "hidden": []}).eval(), IMAGES, folder=Path())
    with pytest.raises(Skip, match="MLP has no units that can be removed"):
        compress(of, ratios=[0.5], fine_tune=0, rate=0.3)
