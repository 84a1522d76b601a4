"""The contract that every model of the next character keeps, and what makes each of them itself."""

import inspect
from collections import Counter

import numpy as np
import pytest
import skops.io
import torch
from torch import nn
from torch.nn import functional as F

from assay.artifacts.onnx.export import export
from assay.models.baselines.unigram import Unigram
from assay.models.generation import sampling
from assay.models.language.gpt import GPT
from assay.models.language.ngram import NGram
from assay.models.layers.causal_attention import CausalAttention, KeyValues
from tests.artifacts.onnx.test_export import assert_same_logits
from tests.models.knobs import CLASSICAL_LANGUAGE, NEURAL_LANGUAGE

VOCABULARY, LENGTH = 9, 12
GIVEN = {"vocabulary": VOCABULARY, "shape": (LENGTH,), "seed": 0}

neural = pytest.mark.parametrize("name", sorted(NEURAL_LANGUAGE))
classical = pytest.mark.parametrize("name", sorted(CLASSICAL_LANGUAGE))
every = pytest.mark.parametrize("name", sorted(NEURAL_LANGUAGE | CLASSICAL_LANGUAGE))


@pytest.fixture
def build(model_class):
    def make(name, seed=0, **changed):
        torch.manual_seed(seed)
        kind = model_class(name)
        named = inspect.signature(kind).parameters
        knobs = (NEURAL_LANGUAGE | CLASSICAL_LANGUAGE)[name]
        given = {key: value for key, value in GIVEN.items() if key in named}
        return kind(**given, **{**knobs, **changed})

    return make


@pytest.fixture(scope="module")
def source():
    """Windows of ids: each id tells the next in three of four cases; inputs (N, T), targets (N, T)."""
    rng = np.random.default_rng(0)
    follower, ids = rng.permutation(np.arange(2, VOCABULARY)), [2]
    for _ in range(400 * LENGTH):
        ids.append(follower[ids[-1] - 2] if rng.random() < 0.75 else rng.integers(2, VOCABULARY))
    ids = np.array(ids)
    return ids[:-1].reshape(-1, LENGTH), ids[1:].reshape(-1, LENGTH)


def some_windows(batch, shape=(LENGTH,)):
    generator = torch.Generator().manual_seed(batch)
    return torch.randint(0, VOCABULARY, (batch, *shape), generator=generator)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def nats(logits, targets):
    return F.cross_entropy(torch.as_tensor(logits).flatten(0, 1), torch.as_tensor(targets).flatten()).item()


def logits_of(model):
    """Return how any of the models answers tensors."""
    if isinstance(model, nn.Module):
        return model.eval()
    return lambda ids: torch.from_numpy(model.outputs(ids.numpy()))


@every
def test_no_place_sees_what_comes_after_it(name, build, source):
    model = build(name)
    if name in CLASSICAL_LANGUAGE:
        model.fit(*source)
    answer, windows = logits_of(model), some_windows(6)
    expected = answer(windows)
    assert expected.shape == (6, LENGTH, VOCABULARY)
    assert expected.dtype == torch.float32
    for place in range(1, LENGTH):
        changed = windows.clone()
        changed[:, place:] = (changed[:, place:] + 1) % VOCABULARY
        close(answer(changed)[:, :place], expected[:, :place])
    if name != "unigram":
        assert not torch.allclose(answer(changed)[:, -1], expected[:, -1])


@neural
def test_gradient_reaches_every_parameter(name, build):
    model = build(name)
    logits = model(some_windows(64))
    F.cross_entropy(logits.flatten(0, 1), some_windows(65)[:64].flatten()).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


@neural
def test_learns_the_source(name, build, source):
    model, (ids, targets) = build(name), [torch.from_numpy(part) for part in source]
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(4):
        for rows in torch.arange(300).split(20):
            optimiser.zero_grad()
            F.cross_entropy(model(ids[rows]).flatten(0, 1), targets[rows].flatten()).backward()
            optimiser.step()
    assert nats(model.eval()(ids[300:]).detach(), targets[300:]) < 1.15  # the source has 1.01, chance 1.95


@classical
def test_learns_the_source_from_counts(name, build, source):
    ids, targets = source
    model = build(name)
    model.fit(ids[:300], targets[:300])
    limit = 2.0 if name == "unigram" else 1.15
    assert nats(model.outputs(ids[300:]), targets[300:]) < limit
    assert isinstance(model.parameters(), int)
    assert model.parameters() > 0


@classical
def test_counted_logits_are_log_probabilities(name, build, source):
    model = build(name)
    model.fit(*source)
    np.testing.assert_allclose(np.exp(model.outputs(some_windows(20).numpy())).sum(axis=2), 1, rtol=1e-5)


@classical
def test_targets_that_are_none_are_not_counted(name, build, source):
    ids, targets = source
    first, second = build(name), build(name)
    first.fit(ids[:100], targets[:100])
    ignored = np.concatenate([targets[:100], np.full_like(targets[100:], -100)])
    second.fit(ids, ignored)
    np.testing.assert_array_equal(first.outputs(ids[:9]), second.outputs(ids[:9]))


@classical
def test_does_not_depend_on_the_seed(name, build, source, model_class):
    models = [build(name), model_class(name)(vocabulary=VOCABULARY, seed=7, **CLASSICAL_LANGUAGE[name])]
    for model in models:
        model.fit(*source)
    np.testing.assert_array_equal(*(model.outputs(source[0][:9]) for model in models))
    assert "does not depend on the seed" in " ".join(inspect.getmodule(type(models[0])).__doc__.split())


@classical
def test_skops_gives_it_back(name, build, source):
    model = build(name)
    model.fit(*source)
    written = skops.io.dumps(model)
    itself = f"{type(model).__module__}.{type(model).__qualname__}"
    trusted = [itself, *inspect.getmodule(type(model)).MODEL.trusted]
    assert sorted(skops.io.get_untrusted_types(data=written)) == sorted(trusted)
    again = skops.io.loads(written, trusted=trusted)
    np.testing.assert_array_equal(again.outputs(source[0][:9]), model.outputs(source[0][:9]))
    assert again.parameters() == model.parameters()


@neural
def test_one_window_does_not_change_anothers_logits(name, build):
    model, windows = build(name).eval(), some_windows(4)
    close(model(windows)[:2], model(windows[:2]))


@neural
def test_trains_in_bfloat16(name, build):
    model = build(name)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(some_windows(4))
    logits.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@neural
def test_the_seed_decides_the_weights_and_they_make_the_model_again(name, build):
    first, same, other = build(name, seed=1).eval(), build(name, seed=1).eval(), build(name, seed=2).eval()
    windows = some_windows(4)
    assert torch.equal(first(windows), same(windows))
    assert not torch.equal(first(windows), other(windows))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(windows), other(windows))


@neural
def test_dropout_acts_in_training_only(name, build):
    model, windows = build(name, dropout=0.5), some_windows(4)
    assert not torch.equal(model(windows), model(windows))
    model.eval()
    assert torch.equal(model(windows), model(windows))


@neural
def test_the_graph_gives_the_networks_logits(name, build):
    model = build(name).eval()
    assert_same_logits(model, export(model, some_windows(1)), (LENGTH,), some_windows)


def test_a_unigram_is_the_frequencies():
    model = Unigram(vocabulary=4, seed=0)
    model.fit(np.zeros((1, 5), np.int64), np.array([[2, 2, 3, -100, 2]]))
    np.testing.assert_allclose(
        np.exp(model.outputs(np.zeros((1, 2), np.int64)))[0, 1], [1 / 8, 1 / 8, 4 / 8, 2 / 8]
    )


def test_a_bigram_is_the_frequencies_after_each(build):
    model = build("bigram", alpha=1.0)
    model.fit(np.array([[2, 3, 2]]), np.array([[3, 2, 3]]))
    chances = np.exp(model.outputs(np.array([[2, 3, 4]])))[0]
    np.testing.assert_allclose(chances[[0, 1, 2], [3, 2, 5]], [3 / 11, 2 / 10, 1 / 9], rtol=1e-6)


def kneser_ney(windows, seen, following, order, discount):
    """Return the chance of ``following`` after ``seen``, by the formula, from pairs (characters, target)."""

    def chance(context, tables):
        if context is None:
            return 1 / VOCABULARY
        table = tables(len(context))
        counts = {gram[-1]: count for gram, count in table.items() if gram[:-1] == context}
        shorter = chance(context[1:] if context else None, continuation)
        if not counts:
            return shorter
        total = sum(counts.values())
        kept = max(counts.get(following, 0) - discount, 0) / total
        return kept + discount * len(counts) / total * shorter

    def raw(length):
        return Counter(
            (*text[place - length + 1 : place + 1], target)
            for text, targets in windows
            for place, target in enumerate(targets)
            if place + 1 >= length
        )

    def continuation(length):
        return Counter(gram[1:] for gram in raw(length + 1))

    return chance(tuple(seen[max(len(seen) - order + 1, 0) :]), raw)


def test_the_ngram_is_kneser_neys_formula(source):
    ids, targets = (part[:12] for part in source)
    model = NGram(vocabulary=VOCABULARY, seed=0, order=4, discount=0.7)
    model.fit(ids, targets)
    windows = list(zip(ids.tolist(), targets.tolist(), strict=True))
    contexts = source[0][[12, 20]]
    chances = np.exp(model.outputs(contexts))
    for row, text in enumerate(contexts.tolist()):
        for place in range(6):
            for following in range(VOCABULARY):
                expected = kneser_ney(windows, text[: place + 1], following, 4, 0.7)
                assert chances[row, place, following] == pytest.approx(expected, rel=1e-5)


def test_a_longer_context_helps_where_the_source_has_one():
    rng = np.random.default_rng(0)
    ids = [2, 3]
    for _ in range(300 * LENGTH):
        ids.append(2 + (ids[-1] + 2 * ids[-2] + (rng.random() < 0.1)) % 7)
    ids = np.array(ids[1:])
    inputs, targets = ids[:-1].reshape(-1, LENGTH), ids[1:].reshape(-1, LENGTH)
    found = {}
    for order in (1, 2, 3, 5):
        model = NGram(vocabulary=VOCABULARY, seed=0, order=order, discount=0.7)
        model.fit(inputs[:200], targets[:200])
        found[order] = nats(model.outputs(inputs[200:]), targets[200:])
    assert min(found[1], found[2]) > found[3] + 1
    assert abs(found[3] - found[5]) < 0.1


def test_an_order_that_does_not_fit_is_refused(build, source):
    with pytest.raises(ValueError, match="order = 30 is too high for 9 ids; lower it"):
        build("ngram", order=30)
    with pytest.raises(ValueError, match="order = 14 is longer than items of 12; lower it"):
        build("ngram", order=14).fit(*source)


@pytest.mark.parametrize("prompt", [1, 5, LENGTH, LENGTH + 5])
def test_gpt_writes_the_same_with_and_without_its_cache(build, prompt):
    model = build("gpt").eval()
    for parameter in model.parameters():
        parameter.data *= 5  # chances far from equal
    prompts = some_windows(3, (prompt,))
    # Far beyond the block, so that what is read moves on.
    texts = [
        model.generate(prompts, 3 * LENGTH, torch.Generator().manual_seed(1), cached=cached)
        for cached in (True, False)
    ]
    assert texts[0].shape == (3, prompt + 3 * LENGTH)
    assert torch.equal(texts[0][:, :prompt], prompts)
    assert torch.equal(*texts)
    assert not torch.equal(texts[0], model.generate(prompts, 3 * LENGTH, torch.Generator().manual_seed(2)))


def test_gpt_reads_each_character_once_where_all_fit(build, monkeypatch):
    model, read = build("gpt").eval(), []
    inner = GPT._read
    monkeypatch.setattr(
        GPT, "_read", lambda self, ids, caches: read.append(ids.shape[1]) or inner(self, ids, caches)
    )
    model.generate(some_windows(2, (5,)), 4, torch.Generator())
    assert read == [5, 1, 1, 1]


def test_gpt_has_nanogpts_number_of_parameters():
    model = GPT(vocabulary=65, shape=(64,), width=128, depth=4, heads=4, dropout=0.0)
    # nanoGPT prints 0.80M for this setting, without the positions.
    assert sum(p.numel() for p in model.parameters()) - model.positions.numel() == 795_904


def test_gpt_refuses_what_does_not_divide(build):
    with pytest.raises(ValueError, match="width = 16 is not a multiple of heads = 3"):
        build("gpt", heads=3)


def test_causal_attention_is_torchs():
    torch.manual_seed(0)
    ours, states = CausalAttention(12, 3, 0.0, bias=True), torch.randn(2, 5, 12)
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.queries_keys_values.weight,
            "in_proj_bias": ours.queries_keys_values.bias,
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    later = torch.ones(5, 5, dtype=torch.bool).triu(1)
    expected = theirs(states, states, states, attn_mask=later)[0]
    close(ours(states), expected)
    cache = KeyValues(5)
    steps = [ours(states[:, :2], cache), *(ours(states[:, place : place + 1], cache) for place in (2, 3, 4))]
    close(torch.cat(steps, dim=1), expected)


def test_what_is_drawn_follows_the_chances():
    logits = torch.tensor([0.0, 0.0, 1.0, 2.0, -torch.inf]).repeat(20_000, 1)
    drawn = sampling.draw(logits, torch.Generator().manual_seed(0)).bincount(minlength=5) / 20_000
    close(drawn[[0, 1, 4]], torch.zeros(3))  # padding and the unknown character are never drawn
    assert abs(drawn[2] - 1 / (1 + np.e)) < 0.02


@pytest.mark.parametrize(("length", "start"), [(1, 0), (8, 0), (9, 4), (12, 4), (13, 8), (16, 8), (17, 12)])
def test_what_is_read_moves_on_by_half_a_block(length, start):
    assert sampling.first_seen(length, 8) == start
