"""The contract that every model of texts keeps, and what makes each of them itself."""

import inspect

import numpy as np
import pytest
import skops.io
import torch
from knobs import CELLS, CLASSICAL_TEXT, NEURAL_TEXT
from sklearn import linear_model, naive_bayes, svm
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from torch import nn

from assay.models import text_recurrent
from assay.models.bag_of_embeddings import BagOfEmbeddings
from assay.models.class_scores import FLOOR
from assay.models.text_cnn import TextCNN
from assay.models.text_encoder import Attention, attention_mask
from assay.models.text_recurrent import TextRecurrent
from assay.models.text_transformer import TextTransformer
from assay.models.word_counts import WordCounts
from assay.models.word_embedding import WordEmbedding, cut, mean_over_words

VOCABULARY, LENGTH, NUM_CLASSES = 60, 20, 7
GIVEN = {"vocabulary": VOCABULARY, "shape": (LENGTH,), "num_classes": NUM_CLASSES}
# A row of its own for each cell in each direction: they are networks of their own.
NEURAL = {name: (name, knobs) for name, knobs in NEURAL_TEXT.items() if name != "text_recurrent"} | {
    f"{cell}{'_both_ways' * both}": (
        "text_recurrent",
        {**NEURAL_TEXT["text_recurrent"], "cell": cell, "bidirectional": both},
    )
    for cell in CELLS
    for both in (False, True)
}

neural = pytest.mark.parametrize("row", sorted(NEURAL))
classical = pytest.mark.parametrize("name", sorted(CLASSICAL_TEXT))


def provided(kind, **changed):
    """Return those of the task's arguments that a model names, as the pipeline gives them."""
    arguments = {**GIVEN, "seed": 0, **changed}
    return {name: arguments[name] for name in arguments if name in inspect.signature(kind).parameters}


@pytest.fixture
def build(model_class):
    def make(row, seed=0, **changed):
        name, knobs = NEURAL[row]
        torch.manual_seed(seed)
        return model_class(name)(**provided(model_class(name)), **{**knobs, **changed})

    return make


@pytest.fixture
def make_classical(model_class):
    def make(name, num_classes=4, seed=0, **changed):
        kind = model_class(name)
        return kind(
            **provided(kind, num_classes=num_classes, seed=seed), **{**CLASSICAL_TEXT[name], **changed}
        )

    return make


def some_texts(count, seed=0, shortest=1):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, VOCABULARY, (count, LENGTH), generator=generator)
    lengths = torch.randint(shortest, LENGTH + 1, (count, 1), generator=generator)
    return ids * (torch.arange(LENGTH) < lengths)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@neural
def test_gives_one_finite_logit_a_class(row, build):
    logits = build(row)(some_texts(5))
    assert logits.shape == (5, NUM_CLASSES)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


@neural
def test_gradient_reaches_every_parameter_but_the_padding(row, build):
    model = build(row)
    texts = some_texts(64, shortest=LENGTH)
    nn.functional.cross_entropy(model(texts), torch.arange(64) % NUM_CLASSES).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []
    reached = model.embedding.table.weight.grad.abs().sum(dim=1) > 0
    assert not reached[0]
    assert reached[1:].all()


@neural
def test_learns_sixteen_texts_by_heart(row, build):
    model = build(row)
    texts, targets = some_texts(16, shortest=4), torch.arange(16) % NUM_CLASSES
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(200):
        logits = model(texts)
        loss = nn.functional.cross_entropy(logits, targets)
        if loss < 0.1:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1
    assert (logits.argmax(1) == targets).all()


@neural
def test_padding_does_not_matter(row, build):
    model = build(row).eval()
    for words in range(1, 11):
        text = some_texts(1, shortest=LENGTH)[:, :words]
        padded = nn.functional.pad(text, (0, 5))
        # Beside a longer text, so that the padding is not cut off.
        beside = torch.cat([padded, torch.ones(1, words + 5, dtype=torch.int64)])
        close(model(beside)[:1], model(text))
        close(model(padded), model(text))


@neural
def test_a_text_of_padding_alone_is_no_nan(row, build):
    model = build(row)
    empty = torch.zeros(2, LENGTH, dtype=torch.int64)
    beside = torch.cat([empty, some_texts(1, shortest=LENGTH)])
    assert torch.isfinite(model(empty)).all()
    nn.functional.cross_entropy(model(beside), torch.arange(3)).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    close(model(beside)[:2], model(empty))


@neural
def test_one_text_does_not_change_anothers_logits(row, build):
    model, texts = build(row).eval(), some_texts(8)
    for item in range(8):
        close(model(texts)[item : item + 1], model(texts[item : item + 1]))


@neural
def test_words_beyond_the_knob_are_unknown(row, build):
    model, texts = build(row).eval(), some_texts(16)
    unknown = torch.where(texts < 50, texts, 1)
    assert not torch.equal(texts, unknown)
    assert torch.equal(model(texts), model(unknown))
    assert model.embedding.table.num_embeddings == 50
    assert build(row, words=1000).embedding.table.num_embeddings == VOCABULARY


@neural
def test_the_memory_format_changes_nothing(row, build):
    model, texts = build(row).eval(), some_texts(4)
    expected = model(texts)
    assert torch.equal(model.to(memory_format=torch.channels_last)(texts), expected)


@neural
def test_trains_in_bfloat16(row, build):
    model = build(row)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(some_texts(4))
    logits.float().sum().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@neural
def test_weights_make_the_same_model_again(row, build):
    first, second = build(row, seed=1).eval(), build(row, seed=2).eval()
    texts = some_texts(4)
    assert not torch.equal(first(texts), second(texts))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(texts), second(texts))


@neural
def test_the_seed_decides_the_initial_weights(row, build):
    first, second = build(row, seed=3), build(row, seed=3)
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key


@neural
def test_dropout_acts_in_training_only(row, build):
    model, texts = build(row, dropout=0.5), some_texts(4)
    assert not torch.equal(model(texts), model(texts))
    model.eval()
    assert torch.equal(model(texts), model(texts))


@pytest.mark.parametrize("row", ["tanh_both_ways", "lstm", "text_transformer"])
def test_only_the_first_words_are_read(row, build):
    model, texts = build(row, length=6).eval(), some_texts(4, shortest=LENGTH)
    assert torch.equal(model(texts), model(texts[:, :6]))
    assert not torch.equal(model(texts), model(texts[:, :5]))


def test_the_padding_cut_off_is_what_no_text_needs():
    ids = torch.tensor([[3, 0, 0, 0, 0], [4, 5, 0, 0, 0]])
    assert cut(ids).tolist() == [[3, 0], [4, 5]]
    assert cut(ids[:, [0, 1, 1, 2, 3]]).tolist() == [[3, 0, 0, 0], [4, 5, 5, 0]]  # two at a time
    assert cut(ids[:, [0, 1, 1]]).tolist() == [[3, 0, 0], [4, 5, 5]]
    assert cut(ids * 0).tolist() == [[0, 0], [0, 0]]


def test_the_padding_vector_is_zero():
    table = WordEmbedding(5, 3).table.weight
    assert not table[0].any()
    assert table[1:].all()


def test_the_mean_is_over_words():
    vectors = torch.tensor([[[1.0], [3.0], [100.0]], [[1.0], [2.0], [3.0]]])
    real = torch.tensor([[True, True, False], [False, False, False]])
    assert mean_over_words(vectors, real).tolist() == [[2.0], [0.0]]


def test_a_bag_has_no_order():
    model = BagOfEmbeddings(vocabulary=9, num_classes=3, words=9, width=4, dropout=0.0).eval()
    close(model(torch.tensor([[2, 3, 4, 0]])), model(torch.tensor([[4, 2, 3, 0]])))


def test_text_cnn_is_the_best_of_every_phrase():
    torch.manual_seed(0)
    knobs = {"words": 9, "width": 4, "kernels": [2, 3], "filters": 5, "dropout": 0.0, "vectors": "tuned"}
    model, text = TextCNN(vocabulary=9, num_classes=3, **knobs), torch.tensor([[5, 2, 8, 3, 0, 0]])
    maxima = []
    for convolution, kernel in zip(model.convolutions, [2, 3], strict=True):
        phrases = [text[:, start : start + kernel] for start in range(4 - kernel + 1)]
        answers = [convolution(model.embedding(phrase).transpose(1, 2)).relu() for phrase in phrases]
        maxima.append(torch.cat(answers, dim=2).amax(dim=2))
    close(model(text), model.head(torch.cat(maxima, dim=1)))


def test_text_cnn_with_two_channels_adds_each_filters_answers(build):
    model, texts = build("text_cnn", vectors="both").eval(), some_texts(4, shortest=LENGTH)
    single = build("text_cnn", vectors="tuned").eval()
    single.load_state_dict({name: value for name, value in model.state_dict().items() if "fixed" not in name})
    with torch.no_grad():
        single.embedding.table.weight += model.fixed.table.weight
    close(model(texts), single(texts))
    assert model.STARTS == {"embedding": "embedding", "fixed": "embedding"}


@pytest.mark.parametrize("row", ["text_cnn", "lstm"])
@pytest.mark.parametrize("vectors", ["tuned", "static"])
def test_static_vectors_stay_as_they_begin(row, vectors, build):
    model = build(row, vectors=vectors)
    model(some_texts(8)).square().sum().backward()
    assert (model.embedding.table.weight.grad is None) == (vectors == "static")
    assert model.head.weight.grad is not None


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_text_recurrent_is_torchs_on_packed_texts(cell, bidirectional):
    torch.manual_seed(0)
    knobs = {"words": VOCABULARY, "width": 6, "hidden": 5, "layers": 2, "dropout": 0.0, "length": LENGTH}
    knobs["vectors"] = "tuned"
    model = TextRecurrent(
        vocabulary=VOCABULARY, num_classes=3, cell=cell, bidirectional=bidirectional, **knobs
    )
    theirs = text_recurrent.CELLS[cell](6, 5, num_layers=2, batch_first=True, bidirectional=bidirectional)
    state = {
        key.replace("_l0", f"_l{number}{suffix}"): value
        for number, layer in enumerate(model.layers)
        for part, suffix in ((layer.onward, ""), (layer.back, "_reverse"))
        if part is not None
        for key, value in part.state_dict().items()
    }
    theirs.load_state_dict(state)
    texts = some_texts(8)
    packed = nn.utils.rnn.pack_padded_sequence(
        model.embedding(texts), (texts != 0).sum(1), batch_first=True, enforce_sorted=False
    )
    _, last = theirs(packed)
    last = last[0] if cell == "lstm" else last
    ends = torch.cat([*last[-2 if bidirectional else -1 :]], dim=1)
    close(model(texts), model.head(ends))


def test_attention_is_torchs():
    torch.manual_seed(0)
    ours, states = Attention(12, 3), torch.randn(2, 5, 12)
    real = torch.tensor([[True] * 5, [True, True, True, False, False]])
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.queries_keys_values.weight,
            "in_proj_bias": ours.queries_keys_values.bias,
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    close(ours(states, attention_mask(real)), theirs(states, states, states, key_padding_mask=~real)[0])


def test_text_transformer_heeds_the_order_by_its_positions_alone(build):
    model = build("text_transformer").eval()
    text = some_texts(1, shortest=LENGTH)[:, :6]
    assert not torch.allclose(model(text), model(text.flip(1)), atol=1e-5)
    nn.init.zeros_(model.encoder.positions)
    close(model(text), model(text.flip(1)))


def test_text_transformer_refuses_what_does_not_divide():
    with pytest.raises(ValueError, match="not a multiple of heads = 3"):
        TextTransformer(vocabulary=9, num_classes=2, **{**NEURAL_TEXT["text_transformer"], "heads": 3})


@classical
def test_learns_texts(name, make_classical, texts):
    ids, targets = texts
    model = make_classical(name)
    model.fit(ids[:200], targets[:200])
    logits = model.logits(ids[200:])
    assert logits.shape == (100, 4)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    accuracy = (logits.argmax(axis=1) == targets[200:]).mean()
    assert accuracy > (0.1 if name == "majority" else 0.85)
    assert isinstance(model.parameters(), int)
    assert model.parameters() > 0


@classical
def test_does_not_depend_on_the_seed(name, make_classical, texts):
    ids, targets = texts
    first, second = make_classical(name, seed=1), make_classical(name, seed=2)
    for model in (first, second):
        model.fit(ids[:200], targets[:200])
    np.testing.assert_array_equal(first.logits(ids[200:]), second.logits(ids[200:]))
    assert "does not depend on the seed" in " ".join(inspect.getmodule(type(first)).__doc__.split())


@classical
def test_a_class_without_items_is_never_predicted(name, make_classical, texts):
    ids, targets = texts
    some = np.flatnonzero(np.isin(targets, [0, 1, 3]))
    model = make_classical(name, num_classes=5)
    model.fit(ids[some], targets[some])
    logits = model.logits(ids)
    assert logits.shape == (300, 5)
    assert np.isfinite(logits).all()
    assert set(logits.argmax(axis=1)) <= {0, 1, 3}


@classical
def test_two_classes_are_enough(name, make_classical, texts):
    ids, targets = texts
    some = np.flatnonzero(targets < 2)
    model = make_classical(name, num_classes=2)
    model.fit(ids[some[:100]], targets[some[:100]])
    logits = model.logits(ids[some[100:]])
    assert logits.shape == (len(some) - 100, 2)
    accuracy = (logits.argmax(axis=1) == targets[some[100:]]).mean()
    assert accuracy > (0.3 if name == "majority" else 0.9)


@classical
def test_padding_and_neighbours_do_not_matter_to_a_classical_model(name, make_classical, texts):
    ids, targets = texts
    model = make_classical(name)
    model.fit(ids, targets)
    padded = np.pad(ids[:9], ((0, 0), (0, 7)))
    np.testing.assert_allclose(model.logits(padded), model.logits(ids)[:9], rtol=1e-6)
    odd = np.zeros((4, 20), np.int64)  # no word, one word, one unknown word, unknown words alone
    odd[1, 0], odd[2, 0], odd[3] = 2, 1, 1
    assert np.isfinite(model.logits(odd)).all()


@classical
def test_skops_gives_it_back(name, make_classical, texts):
    ids, targets = texts
    model = make_classical(name)
    model.fit(ids[:200], targets[:200])
    written = skops.io.dumps(model)
    itself = f"{type(model).__module__}.{type(model).__qualname__}"
    trusted = [itself, *getattr(inspect.getmodule(type(model)), "TRUSTED", ())]
    assert sorted(skops.io.get_untrusted_types(data=written)) == sorted(trusted)
    again = skops.io.loads(written, trusted=trusted)
    np.testing.assert_array_equal(again.logits(ids[200:]), model.logits(ids[200:]))
    assert again.parameters() == model.parameters()


def strings(ids):
    """Texts as scikit-learn's vectorisers read them, rare words as the unknown one."""
    return [" ".join(f"w{word if word < 50 else 1:02d}" for word in text if word) for text in ids]


def test_counts_are_scikit_learns(texts):
    ids, _ = texts
    ours = WordCounts(50, 2)
    ours.fit(ids)
    theirs = CountVectorizer(ngram_range=(1, 2), token_pattern=r"w\d+")
    expected = theirs.fit_transform(strings(ids)).toarray()
    names = theirs.get_feature_names_out()
    # Sorted, a word stands before the pairs that it begins: words first is our order.
    order = sorted(range(len(names)), key=lambda column: (" " in names[column], names[column]))
    kept = [c for c in order if " " not in names[c] or expected[:, c].sum() >= 2]
    found = ours.counts(ids)
    assert found.has_sorted_indices
    np.testing.assert_array_equal(found.toarray(), expected[:, kept])


def test_words_alone_have_a_column_each():
    counts = WordCounts(5, 1)
    counts.fit(np.array([[2, 2, 4, 0]]))
    assert counts.counts(np.array([[2, 2, 4, 0], [9, 1, 3, 3]])).toarray().tolist() == [
        [0, 2, 0, 1],
        [2, 0, 2, 0],
    ]


def test_pairs_seen_once_have_no_column():
    counts = WordCounts(9, 2)
    counts.fit(np.array([[2, 3, 4, 0], [2, 3, 0, 0]]))
    assert counts.pairs.tolist() == [2 * 9 + 3]
    assert counts.counts(np.array([[4, 2, 3, 2]])).toarray()[0, 8:].tolist() == [1]


@pytest.fixture
def vectors(texts):
    """Training and test features by scikit-learn's own vectoriser of single words, and the targets."""
    ids, targets = texts

    def make(vectoriser):
        train = vectoriser.fit_transform(strings(ids[:200]))
        return train, targets[:200], vectoriser.transform(strings(ids[200:]))

    return make


WORDS = [f"w{word:02d}" for word in range(1, 50)]
SINGLE = {"vocabulary": WORDS, "token_pattern": r"w\d+"}


def test_naive_bayes_is_scikit_learns(make_classical, texts, vectors):
    train, targets, test = vectors(CountVectorizer(**SINGLE))
    direct = naive_bayes.MultinomialNB(alpha=0.5).fit(train, targets)
    model = make_classical("naive_bayes", ngrams=1)
    model.fit(texts[0][:200], targets)
    np.testing.assert_allclose(
        np.exp(model.logits(texts[0][200:])), direct.predict_proba(test), rtol=1e-4, atol=2 * FLOOR
    )
    assert model.parameters() == 49 * 4 + 4


def test_tfidf_logistic_regression_is_scikit_learns(make_classical, texts, vectors):
    train, targets, test = vectors(TfidfVectorizer(sublinear_tf=True, **SINGLE))
    direct = linear_model.LogisticRegression(C=10.0, max_iter=500, tol=1e-4).fit(train, targets)
    model = make_classical("tfidf_logistic_regression", ngrams=1)
    model.fit(texts[0][:200], targets)
    np.testing.assert_allclose(
        np.exp(model.logits(texts[0][200:])), direct.predict_proba(test), rtol=1e-3, atol=1e-5
    )
    assert model.parameters() == 49 + 49 * 4 + 4


def test_tfidf_linear_svm_is_scikit_learns(make_classical, texts, vectors):
    train, targets, test = vectors(TfidfVectorizer(sublinear_tf=True, **SINGLE))
    direct = svm.LinearSVC(C=1.0, max_iter=500, tol=1e-4, dual=False).fit(train, targets)
    model = make_classical("tfidf_linear_svm", ngrams=1)
    model.fit(texts[0][:200], targets)
    np.testing.assert_allclose(
        model.logits(texts[0][200:]), direct.decision_function(test), rtol=1e-4, atol=1e-4
    )
    assert model.parameters() == 49 + 49 * 4 + 4
