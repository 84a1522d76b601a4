"""The contract of the networks that say a missing word, and what makes each of them itself."""

import inspect

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from assay.artifacts.predictors import ModulePredictor
from assay.data.special_tokens import MASK
from assay.models.layers import missing_word
from assay.models.word_vectors import cbow, glove, skip_gram
from assay.tasks import masked_words
from tests.models.knobs import MASKED

VOCABULARY, LENGTH = 60, 20
GIVEN = {"vocabulary": VOCABULARY, "shape": (LENGTH,), "seed": 0}

every = pytest.mark.parametrize("name", sorted(MASKED))


@pytest.fixture
def build(model_class):
    def make(name, seed=0, **changed):
        kind = model_class(name)
        torch.manual_seed(seed)
        provided = {key: GIVEN[key] for key in GIVEN if key in inspect.signature(kind).parameters}
        return kind(**{**provided, **MASKED[name], **changed})

    return make


def some_texts(count, seed=0):
    """Texts of 5 to 20 words in which an even word is followed by the next odd one; one word each is masked."""
    generator = torch.Generator().manual_seed(seed)
    pairs = 4 + 2 * torch.randint(0, 20, (count, LENGTH // 2), generator=generator)
    ids = torch.stack([pairs, pairs + 1], dim=2).flatten(1)
    lengths = torch.randint(5, LENGTH + 1, (count, 1), generator=generator)
    ids = ids * (torch.arange(LENGTH) < lengths)
    places = (torch.rand(count, 1, generator=generator) * lengths).long()
    targets = ids.gather(1, places).squeeze(1)
    return ids.scatter(1, places, MASK), targets


def learn(model, ids, targets, steps=150):
    """Fit a model as its trainer would."""
    if hasattr(model, "fit"):
        model.fit(ids.numpy(), targets.numpy())
        return
    torch.manual_seed(1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimiser.zero_grad()
        model.loss(ids, targets).backward()
        optimiser.step()
    model.eval()


@every
def test_gives_one_finite_logit_a_word_and_never_says_what_is_none(name, build):
    logits = build(name)(some_texts(5)[0])
    assert logits.shape == (5, VOCABULARY)
    assert torch.isfinite(logits).all()
    rest = logits[:, MASK + 1 : 50]
    for never in (logits[:, : MASK + 1], logits[:, 50:]):
        assert never.max() < rest.min()


@every
def test_learns_which_word_stands_beside_which(name, build):
    model = build(name, **({"window": 1} if "window" in MASKED[name] else {}))
    before = (model(some_texts(200, seed=1)[0]).argmax(dim=1) == some_texts(200, seed=1)[1]).float().mean()
    learn(model, *some_texts(300))
    ids, targets = some_texts(200, seed=1)
    right = (model(ids).argmax(dim=1) == targets).float().mean()
    # A bag of near words knows the pair, not which of its two comes first.
    assert right > 0.3 > 4 * before


@every
def test_the_missing_word_itself_is_not_seen(name, build):
    model, (ids, _) = build(name).eval(), some_texts(8)
    assert ((ids == MASK).sum(dim=1) == 1).all()
    shifted = torch.roll(ids, 1, dims=0)
    torch.testing.assert_close(torch.roll(model(ids), 1, dims=0), model(shifted), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(set(MASKED) - {"glove"}))
def test_the_loss_reads_the_whole_text_whichever_word_is_missing(name, build):
    model, (ids, targets) = build(name), some_texts(16)
    whole = missing_word.unmasked(ids, targets)
    other = whole.scatter(1, torch.zeros(16, 1, dtype=torch.int64), MASK)
    losses = []
    for given, missing in ((ids, targets), (other, whole[:, 0])):
        torch.manual_seed(5)
        losses.append(model.loss(given, missing))
    assert torch.equal(*losses)


@pytest.mark.parametrize("name", sorted(set(MASKED) - {"glove"}))
def test_a_text_of_unknown_words_alone_has_a_finite_loss(name, build):
    ids = torch.ones(3, LENGTH, dtype=torch.int64)
    ids[:, 0] = MASK
    loss = build(name).loss(ids, torch.ones(3, dtype=torch.int64))
    assert torch.isfinite(loss)


def test_glove_fits_the_same_twice(build):
    ids, targets = some_texts(50)
    models = [build("glove") for _ in range(2)]
    for model in models:
        learn(model, ids, targets)
    assert torch.equal(*(model(ids) for model in models))


def test_pairs_are_counted_by_hand():
    ids = np.array([[5, 6, 7, 0], [6, 1, 5, 5]])
    counts = glove.count_pairs(ids, 2, 8).toarray()
    expected = np.zeros((8, 8))
    for first, second, weight in ((5, 6, 1), (6, 7, 1), (5, 7, 0.5), (6, 5, 0.5), (5, 5, 1)):
        expected[first, second] += weight
        expected[second, first] += weight
    np.testing.assert_allclose(counts, expected)


def test_near_is_the_window_around_the_mask_without_unknown_words_and_padding():
    ids = torch.tensor([[4, 5, 1, MASK, 6, 7, 0, 0]])
    assert missing_word.near_mask(ids, 2).tolist() == [[0, 1, 0, 0, 1, 1, 0, 0]]
    assert missing_word.near_mask(ids, 9).tolist() == [[1, 1, 0, 0, 1, 1, 0, 0]]


def test_cbow_sums_its_window_by_hand():
    model = cbow.CBOW(vocabulary=9, **{**MASKED["cbow"], "words": 9, "window": 2})
    values = torch.arange(1.0, 7.0).view(1, 6, 1)
    assert model._sums(values).flatten().tolist() == [5, 8, 12, 16, 13, 9]


def test_skip_gram_is_the_sum_over_pairs_by_hand():
    """One text of three words, a window of two, one noise word, which is then in the text."""
    torch.manual_seed(0)
    model = skip_gram.SkipGram(vocabulary=9, words=9, width=4, window=2, negatives=3, noise=1)
    ids, targets = torch.tensor([[4, MASK, 4]]), torch.tensor([4])
    middle, beside = (table.table.weight.detach()[4] for table in (model.embedding, model.beside))
    product = middle @ beside
    # Six ordered pairs: four at distance 1 with weight 1, two at distance 2 with weight 1/2: five in all, and each
    # word in the middle meets the noise as often as it has pairs.
    expected = -(F.logsigmoid(product) + 3 * F.logsigmoid(-product))
    torch.testing.assert_close(model.loss(ids, targets), expected)


def test_bert_asks_for_a_seventh_of_the_words(build):
    """The loss is the mean over the predicted words; counted through a spy."""
    model = build("bert")
    predicted = []
    say = model._say
    model._say = lambda states: predicted.append(len(states)) or say(states)
    ids, targets = some_texts(500)
    words = int((missing_word.unmasked(ids, targets) > MASK).sum())
    model.loss(ids, targets)
    assert 0.13 < predicted[0] / words < 0.17


def test_bert_refuses_to_read_less_than_a_text(build):
    with pytest.raises(ValueError, match="length = 4 is less than the 20 words of a text"):
        build("bert", length=4)


@every
def test_its_word_vectors_have_neighbours_in_the_report(name, build):
    inputs, targets = some_texts(5)
    split = masked_words.Texts(inputs, targets, np.arange(5), words=tuple(map(str, range(VOCABULARY))))
    record = {"format": "safetensors", "parameters": 0, "arguments": {}}
    answer = masked_words.TASK.predict(ModulePredictor(build(name).eval(), record), split)
    samples = masked_words.TASK.exhibits(answer, split)[0].texts
    near = [row["said"].split(", ") for row in samples if row["given"].startswith("neighbours of ")]
    assert [len(words) for words in near] == [masked_words.NEIGHBOURS] * masked_words.SHOWN_WORDS
