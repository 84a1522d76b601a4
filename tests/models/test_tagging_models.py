"""The contract that every model that tags words keeps, and what makes each of them itself."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import onnxruntime
import pytest
import skops.io
import torch
from torch import nn

from assay.artifacts.onnx.export import INPUT, export
from assay.models.layers.crf import CRF
from assay.models.layers.word_reader import WordReader
from assay.models.tagging.transformer_tagger import TransformerTagger, waves
from assay.tasks.tagging import TASK
from assay.training.warm_start import Start
from tests.models.knobs import CLASSICAL_TAGGING, NEURAL_TAGGING

VOCABULARY, ALPHABET, LENGTH, CHARACTERS, NUM_CLASSES = 60, 12, 11, 5, 5
GIVEN = {
    "vocabulary": VOCABULARY,
    "alphabet": ALPHABET,
    "shape": (LENGTH, 1 + CHARACTERS),
    "num_classes": NUM_CLASSES,
}
neural = pytest.mark.parametrize("name", sorted(NEURAL_TAGGING))
pathwise = pytest.mark.parametrize("length", [1, 2, 5])


def provided(kind, **changed):
    """Return those of the task's arguments that a model names, as the pipeline gives them."""
    arguments = {**GIVEN, "seed": 0, **changed}
    return {name: arguments[name] for name in arguments if name in inspect.signature(kind).parameters}


@pytest.fixture
def build(model_class):
    def make(name, seed=0, **changed):
        torch.manual_seed(seed)
        return model_class(name)(**provided(model_class(name)), **{**NEURAL_TAGGING[name], **changed})

    return make


def some_sentences(count, seed=0, shortest=1):
    """Return inputs (N, T, 1 + L) and targets (N, T), both padded."""
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(1, VOCABULARY, (count, LENGTH, 1), generator=generator)
    characters = torch.randint(1, ALPHABET, (count, LENGTH, CHARACTERS), generator=generator)
    sizes = torch.randint(1, CHARACTERS + 1, (count, LENGTH, 1), generator=generator)
    lengths = torch.randint(shortest, LENGTH + 1, (count, 1), generator=generator)
    targets = torch.randint(0, NUM_CLASSES, (count, LENGTH), generator=generator)
    real = torch.arange(LENGTH) < lengths
    inputs = torch.cat([words, characters * (torch.arange(CHARACTERS) < sizes)], dim=2)
    return inputs * real.unsqueeze(2), targets.masked_fill(~real, -1)


def loss_of(model, inputs, targets):
    return model.loss(inputs, targets) if hasattr(model, "loss") else TASK.loss(model(inputs), targets)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def real(inputs):
    return inputs[:, :, 0] > 0


@neural
def test_gives_each_word_one_finite_score_a_tag(name, build):
    inputs, _ = some_sentences(5)
    scores = build(name)(inputs)
    assert scores.shape == (5, LENGTH, NUM_CLASSES)
    assert scores.dtype == torch.float32
    assert torch.isfinite(scores).all()


@neural
def test_gradient_reaches_every_parameter_but_the_padding(name, build):
    model = build(name)
    loss_of(model, *some_sentences(64)).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            assert not module.weight.grad[0].any()


@neural
def test_learns_sixteen_sentences_by_heart(name, build):
    model = build(name)
    inputs, targets = some_sentences(16)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        loss = loss_of(model, inputs, targets)
        if loss < 0.05:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (model(inputs).argmax(2) == targets)[real(inputs)].all()


@neural
def test_padding_does_not_matter(name, build):
    model = build(name).eval()
    inputs, _ = some_sentences(9)
    together = model(inputs)
    for item in range(9):
        length = int(real(inputs)[item].sum())
        alone = model(inputs[item : item + 1, :length])
        close(together[item : item + 1, :length], alone)


@neural
def test_a_sentence_of_padding_alone_is_no_nan(name, build):
    model = build(name)
    inputs, targets = some_sentences(3)
    inputs[1], targets[1] = 0, -1
    loss_of(model, inputs, targets).backward()
    assert torch.isfinite(model(inputs)).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@neural
def test_words_beyond_the_knob_are_unknown_but_spelt(name, build):
    model = build(name).eval()
    inputs, _ = some_sentences(9)
    unknown = inputs.clone()
    unknown[:, :, 0] = torch.where(inputs[:, :, 0] < 50, inputs[:, :, 0], 1)
    assert not torch.equal(inputs, unknown)
    assert torch.equal(model(inputs), model(unknown))
    assert not torch.equal(model(inputs), model(inputs * (inputs < 5)))


@pytest.mark.parametrize("name", sorted(set(NEURAL_TAGGING) - {"bert_tagger"}))
def test_without_filters_the_characters_are_not_read(name, build):
    model = build(name, filters=0).eval()
    inputs, _ = some_sentences(9)
    words = inputs.clone()
    words[:, :, 1:] = 0
    assert torch.equal(model(inputs), model(words))


@neural
def test_takes_over_word_vectors(name, build):
    model = build(name)
    (here,) = (ours for ours, theirs in model.STARTS.items() if theirs == "embedding")
    model.STARTS = {here: "embedding"}
    table = model.get_submodule(here).table.weight
    drawn, learned = table.detach().clone(), torch.randn(90, table.shape[1])
    rows = torch.arange(20, 20 + VOCABULARY)
    rows[7] = -1
    Start("english/skip_gram/0", {"embedding.table.weight": learned}, rows).into(model)
    assert torch.equal(table[2:7], learned[22:27])
    assert torch.equal(table[7], drawn[7])
    assert torch.equal(table[8:], learned[28 : 20 + len(table)])


@neural
def test_trains_in_bfloat16(name, build):
    model = build(name)
    inputs, targets = some_sentences(4)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(model, inputs, targets)
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@neural
def test_the_seed_decides_the_weights_and_they_make_the_model_again(name, build):
    first, second, other = build(name, seed=3).eval(), build(name, seed=3).eval(), build(name, seed=4).eval()
    inputs, _ = some_sentences(4)
    assert torch.equal(first(inputs), second(inputs))
    assert not torch.equal(first(inputs), other(inputs))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(inputs), other(inputs))


@neural
def test_dropout_acts_in_training_only(name, build):
    model, (inputs, _) = build(name, dropout=0.5), some_sentences(4)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


@neural
def test_the_exported_graph_says_the_same(name, build):
    model, (inputs, _) = build(name).eval(), some_sentences(7, shortest=2)
    graph = export(model, inputs[:1])
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {INPUT: inputs.numpy()})
    mask = real(inputs)
    torch.testing.assert_close(torch.from_numpy(found)[mask], model(inputs)[mask], rtol=1e-3, atol=1e-4)


def test_the_recall_cost_raises_entities_in_training_alone(build):
    inputs, targets = some_sentences(4)
    plain, costly = build("bilstm_crf"), build("bilstm_crf", recall_cost=3.0)
    assert costly.loss(inputs, targets) > plain.loss(inputs, targets)
    assert costly.loss(inputs, targets * 0) == plain.loss(inputs, targets * 0)
    assert costly.eval().loss(inputs, targets) == plain.eval().loss(inputs, targets)
    assert torch.equal(costly(inputs), plain(inputs))


def some_field(length, sentences=4):
    torch.manual_seed(length)
    field = CRF(3)
    for parameter in field.parameters():
        nn.init.normal_(parameter)
    lengths = torch.randint(1, length + 1, (sentences,))
    lengths[0] = length
    return field, torch.randn(sentences, length, 3), lengths


def paths_of(field, scores, length):
    """Return every path through the tags of a sentence, and its score, summed word by word."""
    paths = list(itertools.product(range(3), repeat=length))
    worths = []
    for path in paths:
        worth = field.begin[path[0]] + field.end[path[-1]]
        worth = worth + sum(scores[place, tag] for place, tag in enumerate(path))
        worths.append(worth + sum(field.steps[a, b] for a, b in itertools.pairwise(path)))
    return torch.tensor(paths), torch.stack(worths)


@pathwise
def test_the_likelihood_is_that_of_all_paths(length):
    field, scores, lengths = some_field(length)
    tags = torch.randint(0, 3, scores.shape[:2])
    found = field.nll(scores, tags, lengths)
    for row, size in enumerate(lengths.tolist()):
        paths, worths = paths_of(field, scores[row], size)
        [taken] = (paths == tags[row, :size]).all(dim=1).nonzero().flatten().tolist()
        close(found[row], -worths.log_softmax(0)[taken])


@pathwise
def test_the_max_marginals_are_those_of_all_paths(length):
    field, scores, lengths = some_field(length)
    found = field.max_marginals(scores, lengths)
    for row, size in enumerate(lengths.tolist()):
        paths, worths = paths_of(field, scores[row], size)
        for place in range(size):
            for tag in range(3):
                close(found[row, place, tag], worths[paths[:, place] == tag].max() - worths.max())
        assert found[row, :size].argmax(1).tolist() == paths[worths.argmax()].tolist()
        assert not found[row, size:].any()


def test_the_field_learns_which_step_never_happens(build):
    """Tags that depend on the tag before, not on the words, are learned by the steps alone."""
    model = build("bilstm_crf")
    torch.manual_seed(0)
    targets = (torch.randint(0, 2, (32, 1)) + torch.arange(LENGTH)) % 2
    inputs = torch.ones(32, LENGTH, 1 + CHARACTERS, dtype=torch.int64)
    optimiser = torch.optim.Adam(model.crf.parameters(), lr=0.1)
    for _ in range(100):
        optimiser.zero_grad()
        model.loss(inputs, targets).backward()
        optimiser.step()
    steps = model.crf.steps.softmax(1)
    assert steps[0, 1] > 0.9
    assert steps[1, 0] > 0.9


def test_a_words_filters_answer_to_its_best_characters():
    torch.manual_seed(0)
    reader = WordReader(9, 4, ALPHABET, 6, 7, 0.0)
    word = torch.tensor([[[3, 5, 8, 2, 0, 0]]])
    vectors = reader.characters(torch.tensor([[0, 5, 8, 2, 0]])).transpose(1, 2)
    answers = nn.functional.conv1d(vectors, reader.convolution.weight, reader.convolution.bias).relu()
    close(reader(word)[0, 0, 4:], answers.amax(dim=2)[0])


def test_positions_are_the_papers():
    found = waves(50, 8)
    for place, pair in [(0, 0), (7, 1), (49, 3)]:
        angle = place / 10_000 ** (2 * pair / 8)
        close(
            found[place, [pair, pair + 4]], torch.tensor([np.sin(angle), np.cos(angle)], dtype=torch.float32)
        )


@pytest.mark.parametrize(("width", "heads"), [(16, 3), (9, 3)])
def test_the_transformer_refuses_what_does_not_divide(width, heads):
    knobs = {**NEURAL_TAGGING["transformer_tagger"], "width": width, "heads": heads}
    with pytest.raises(ValueError, match=f"width = {width} is not even and a multiple of heads = {heads}"):
        TransformerTagger(**GIVEN, **knobs)


@pytest.fixture
def control(model_class):
    kind = model_class("most_frequent_tag")
    return lambda seed=0: kind(**provided(kind, seed=seed), **CLASSICAL_TAGGING["most_frequent_tag"])


def test_the_control_gives_each_word_its_commonest_tag(control):
    words = torch.tensor([[4, 4, 4, 7], [4, 5, 0, 0], [6, 6, 6, 6]]).unsqueeze(2)
    targets = np.array([[1, 1, 2, 0], [0, 3, -1, -1], [0, 0, 0, 0]])
    model = control()
    model.fit(words.numpy(), targets)
    logits = model.outputs(np.array([[[4], [5], [6], [1], [59], [0]]]))
    assert logits.dtype == np.float32
    assert logits.argmax(2).tolist() == [[1, 3, 0, 0, 0, 0]]
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(np.exp(logits).sum(axis=2), 1, rtol=1e-5)
    assert model.parameters() == VOCABULARY * NUM_CLASSES
    assert "does not depend on the seed" in " ".join(inspect.getmodule(type(model)).__doc__.split())


def test_skops_gives_the_control_back(control):
    inputs, targets = some_sentences(20)
    first, second = control(seed=1), control(seed=2)
    for model in (first, second):
        model.fit(inputs.numpy(), targets.numpy())
    np.testing.assert_array_equal(first.outputs(inputs.numpy()), second.outputs(inputs.numpy()))
    written = skops.io.dumps(first)
    itself = f"{type(first).__module__}.{type(first).__qualname__}"
    assert skops.io.get_untrusted_types(data=written) == [itself]
    again = skops.io.loads(written, trusted=[itself])
    np.testing.assert_array_equal(again.outputs(inputs.numpy()), first.outputs(inputs.numpy()))
