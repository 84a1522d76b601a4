"""The contract of the models that write a text after reading one."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import skops.io
import torch
from torch import nn

from assay.artifacts.onnx.export import export
from assay.artifacts.onnx_session import OnnxPredictor
from assay.data.special_tokens import BEGIN, END
from assay.models.baselines.copy_source import CopySource
from assay.models.layers.source_and_target import Copying
from assay.models.seq2seq.seq2seq_attention import AdditiveAttention
from assay.models.seq2seq.seq2seq_transformer import Attention, Seq2SeqTransformer, waves
from assay.models.seq2seq.word_by_word import translations
from assay.tasks.sequence_to_sequence import SequenceToSequence, pack
from tests.models.knobs import CLASSICAL_PAIRS, NEURAL_PAIRS

VOCABULARY, SOURCE, TARGET = 20, 8, 7
GIVEN = {"source_length": SOURCE, "target_length": TARGET, "vocabulary": VOCABULARY}
ROWS = {
    **NEURAL_PAIRS,
    **{
        f"{name}, copying": {**NEURAL_PAIRS[name], "copying": True}
        for name in NEURAL_PAIRS
        if name != "seq2seq_lstm"
    },
}
neural = pytest.mark.parametrize("row", sorted(ROWS))
classical = pytest.mark.parametrize("name", sorted(CLASSICAL_PAIRS))


def some_pairs(count: int, seed: int = 0, shortest: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Return packed inputs (N, S + T) and targets (N, T): a target is its source, each id one higher."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(4, VOCABULARY - 1, (count, SOURCE), generator=generator)
    lengths = torch.randint(shortest, TARGET, (count, 1), generator=generator)
    source[torch.arange(SOURCE) >= lengths] = 0
    target = torch.where(source > 0, source + 1, 0)[:, : TARGET - 1]
    inputs, targets, _ = pack(source, target)
    return inputs, targets


@pytest.fixture
def build(model_class):
    def make(row, seed=0, **changes):
        torch.manual_seed(seed)
        family = model_class(row.partition(",")[0])
        named = inspect.signature(family).parameters
        given = {name: value for name, value in GIVEN.items() if name in named}
        return family(**given, **{**ROWS[row], **changes})

    return make


@pytest.fixture
def make_classical(model_class):
    def make(name, seed=0):
        return model_class(name)(
            source_length=SOURCE, vocabulary=VOCABULARY, seed=seed, **CLASSICAL_PAIRS[name]
        )

    return make


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@neural
def test_gives_one_finite_logit_a_word(row, build):
    inputs, targets = some_pairs(5, shortest=TARGET - 1)
    outputs = build(row)(inputs)
    assert outputs.shape == (5, TARGET, VOCABULARY)
    assert outputs.dtype == torch.float32
    assert torch.isfinite(outputs).all()
    assert SequenceToSequence().smoothed_loss(outputs, targets, 0.1).isfinite()


@neural
def test_gradient_reaches_every_parameter(row, build):
    model, (inputs, targets) = build(row), some_pairs(8)
    SequenceToSequence().loss(model(inputs), targets).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@neural
def test_learns_pairs_by_heart(row, build):
    model, (inputs, targets) = build(row), some_pairs(12)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(200):
        loss = SequenceToSequence().loss(model(inputs), targets)
        if loss < 0.1:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1


@neural
def test_neither_neighbours_nor_padding_change_a_text(row, build):
    model, (inputs, _) = build(row).eval(), some_pairs(8)
    together = model(inputs)
    for item in range(8):
        alone = model(inputs[item : item + 1])[0]
        close(alone, together[item, : len(alone)])


@neural
def test_no_word_depends_on_a_later_one(row, build):
    model, (inputs, _) = build(row).eval(), some_pairs(4, shortest=TARGET - 1)
    other = inputs.clone()
    other[:, SOURCE + 4 :] = 5
    close(model(other)[:, :4], model(inputs)[:, :4])
    assert not torch.allclose(model(other)[:, 4:], model(inputs)[:, 4:], atol=1e-4)


@neural
def test_the_source_is_read_to_its_end(row, build):
    model, (inputs, _) = build(row).eval(), some_pairs(4, shortest=TARGET - 1)
    other = inputs.clone()
    other[:, TARGET - 2] = 4 + (inputs[:, TARGET - 2] - 3) % 10
    assert not torch.allclose(model(other), model(inputs), atol=1e-5)


@neural
def test_trains_in_bfloat16(row, build):
    model, (inputs, targets) = build(row), some_pairs(4)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = model(inputs)
    SequenceToSequence().smoothed_loss(outputs.float(), targets, 0.1).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@neural
def test_dropout_acts_in_training_only(row, build):
    model, (inputs, _) = build(row, dropout=0.5), some_pairs(4)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


@neural
def test_weights_make_the_same_model_again(row, build):
    first, second = build(row, seed=1).eval(), build(row, seed=2).eval()
    inputs, _ = some_pairs(4)
    assert not torch.equal(first(inputs), second(inputs))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(inputs), second(inputs))


@neural
def test_the_graph_says_the_same(row, build):
    model, (inputs, _) = build(row).eval(), some_pairs(6)
    record = {"format": "onnx", "parameters": 0, "arguments": {}}
    found = OnnxPredictor(export(model, inputs[:1]).SerializeToString(), record).outputs(inputs.numpy())
    expected = model(inputs).detach()
    close(torch.from_numpy(found)[:, : expected.shape[1]], expected)


@pytest.mark.parametrize("row", [row for row in sorted(ROWS) if "copying" in row])
def test_copying_gives_log_probabilities(row, build):
    outputs = build(row).eval()(some_pairs(4)[0])
    close(outputs.exp().sum(dim=2), torch.ones(outputs.shape[:2]))


def test_copying_by_hand():
    copying = Copying(2)
    nn.init.zeros_(copying.gate.weight)
    nn.init.constant_(copying.gate.bias, -1.0986123)  # a quarter is copied
    logits = torch.log(torch.tensor([[[0.2, 0.3, 0.5]]]))
    weights, source = torch.tensor([[[0.4, 0.1, 0.5]]]), torch.tensor([[2, 1, 2]])
    expected = [0.75 * 0.2, 0.75 * 0.3 + 0.25 * 0.1, 0.75 * 0.5 + 0.25 * 0.9]
    close(copying(torch.zeros(1, 1, 2), logits, weights, source).exp(), torch.tensor([[expected]]))


def test_attention_is_torchs():
    torch.manual_seed(0)
    ours, states, source = Attention(12, 3), torch.randn(2, 4, 12), torch.randn(2, 5, 12)
    real = torch.tensor([[True] * 5, [True, True, True, False, False]])
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": torch.cat([ours.queries.weight, ours.keys_values.weight]),
            "in_proj_bias": torch.cat([ours.queries.bias, ours.keys_values.bias]),
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    found = ours(states, *ours.remember(source), real[:, None, None])
    expected = theirs(states, source, source, key_padding_mask=~real, average_attn_weights=False)
    for one, other in zip(found, expected, strict=True):
        close(one, other)


def test_additive_attention_by_hand():
    attention = AdditiveAttention(1, 1, 1)
    for layer in (attention.queries, attention.keys, attention.score):
        nn.init.ones_(layer.weight)
    nn.init.zeros_(attention.queries.bias)
    encoded = torch.tensor([[[1.0], [2.0], [9.0]]])
    real = torch.tensor([[True, True, False]])
    gathered, weights = attention(torch.tensor([[[0.5]]]), attention.keys(encoded), encoded, real)
    expected = torch.softmax(torch.tensor([1.5, 2.5]).tanh(), dim=0)
    close(weights[0, 0], torch.cat([expected, torch.zeros(1)]))
    close(gathered[0, 0, 0], expected[0] + 2 * expected[1])


def test_positions_are_the_papers():
    found = waves(5, 4)
    close(found[3], torch.tensor([np.sin(3.0), np.sin(0.03), np.cos(3.0), np.cos(0.03)]).float())


def test_the_transformer_refuses_what_does_not_divide():
    with pytest.raises(ValueError, match="not a multiple of heads = 3"):
        Seq2SeqTransformer(**GIVEN, **{**NEURAL_PAIRS["seq2seq_transformer"], "heads": 3})


def written(model, inputs: np.ndarray) -> np.ndarray:
    return model.outputs(inputs).argmax(axis=2)


def test_copies_the_source():
    inputs, targets = (part.numpy() for part in some_pairs(9))
    model = make(CopySource, inputs, targets)
    for row, words in zip(inputs, written(model, inputs), strict=True):
        source = row[:SOURCE][row[:SOURCE] > 0].tolist()
        assert words.tolist()[: len(source) + 1] == [*source, END]


def make(family, inputs, targets):
    model = family(source_length=SOURCE, vocabulary=VOCABULARY, seed=0)
    model.fit(inputs, targets)
    return model


def test_learns_what_words_mean(make_classical):
    inputs, targets = (part.numpy() for part in some_pairs(300))
    model = make_classical("word_by_word")
    model.fit(inputs, targets)
    new_inputs, new_targets = (part.numpy() for part in some_pairs(40, seed=1))
    real = new_targets[:, : (new_targets > 0).any(axis=0).sum()]
    assert (written(model, new_inputs) == real)[real > 0].mean() > 0.9


def test_model_1_by_hand():
    """One round on two pairs, from equal shares; the empty word has its part: das Haus, das; the house, the."""
    das, haus, the, house = 4, 5, 6, 7
    source = np.array([[das, haus], [das, 0]])
    targets = np.array([[the, house, END], [the, END, 0]])
    found = translations(source, targets, 8, 1).toarray()
    counts = np.array([1 / 3 + 1 / 2, 1 / 3])  # the, house by das, and by the empty word alike
    np.testing.assert_allclose(found[das, [the, house]], counts / counts.sum())
    np.testing.assert_allclose(found[BEGIN, [the, house]], counts / counts.sum())
    np.testing.assert_allclose(found[haus, [the, house]], [0.5, 0.5])
    assert found[END, END] == 1
    later = translations(source, targets, 8, 30).toarray()
    assert later[haus, house] > 0.99 > later[haus, the] + 0.98


@classical
def test_logits_are_finite_log_probabilities(name, make_classical):
    inputs, targets = (part.numpy() for part in some_pairs(60))
    model = make_classical(name)
    model.fit(inputs, targets)
    logits = model.outputs(inputs)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(np.exp(logits).sum(axis=2), 1, rtol=1e-4)
    assert isinstance(model.parameters(), int)
    assert model.parameters() > 0


@classical
def test_does_not_depend_on_the_seed(name, make_classical):
    inputs, targets = (part.numpy() for part in some_pairs(60))
    first, second = make_classical(name, seed=1), make_classical(name, seed=2)
    for model in (first, second):
        model.fit(inputs, targets)
    np.testing.assert_array_equal(first.outputs(inputs), second.outputs(inputs))
    assert "does not depend on the seed" in " ".join(inspect.getmodule(type(first)).__doc__.split())


@classical
def test_skops_gives_it_back(name, make_classical):
    inputs, targets = (part.numpy() for part in some_pairs(60))
    model = make_classical(name)
    model.fit(inputs, targets)
    data = skops.io.dumps(model)
    itself = f"{type(model).__module__}.{type(model).__qualname__}"
    trusted = [itself, *inspect.getmodule(type(model)).MODEL.trusted]
    assert sorted(skops.io.get_untrusted_types(data=data)) == sorted(trusted)
    again = skops.io.loads(data, trusted=trusted)
    np.testing.assert_array_equal(again.outputs(inputs), model.outputs(inputs))
