"""The contract that every classical model of texts keeps, and scikit-learn beside those that it has too."""

import inspect

import numpy as np
import pytest
import skops.io
from sklearn import linear_model, naive_bayes, svm
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from assay.models.layers.class_scores import FLOOR
from assay.models.layers.word_counts import WordCounts
from tests.models.knobs import CLASSICAL_TEXT

GIVEN = {"vocabulary": 60, "shape": (20,)}
classical = pytest.mark.parametrize("name", sorted(CLASSICAL_TEXT))


@pytest.fixture
def make_classical(model_class):
    def make(name, num_classes=4, seed=0, **changed):
        kind = model_class(name)
        arguments = {**GIVEN, "num_classes": num_classes, "seed": seed}
        named = inspect.signature(kind).parameters  # of what the pipeline gives, a model takes what it names
        provided = {argument: value for argument, value in arguments.items() if argument in named}
        return kind(**provided, **{**CLASSICAL_TEXT[name], **changed})

    return make


@classical
def test_learns_texts(name, make_classical, texts):
    ids, targets = texts
    model = make_classical(name)
    model.fit(ids[:200], targets[:200])
    logits = model.outputs(ids[200:])
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
    np.testing.assert_array_equal(first.outputs(ids[200:]), second.outputs(ids[200:]))
    assert "does not depend on the seed" in " ".join(inspect.getmodule(type(first)).__doc__.split())


@classical
def test_a_class_without_items_is_never_predicted(name, make_classical, texts):
    ids, targets = texts
    some = np.flatnonzero(np.isin(targets, [0, 1, 3]))
    model = make_classical(name, num_classes=5)
    model.fit(ids[some], targets[some])
    logits = model.outputs(ids)
    assert logits.shape == (300, 5)
    assert np.isfinite(logits).all()
    assert set(logits.argmax(axis=1)) <= {0, 1, 3}


@classical
def test_two_classes_are_enough(name, make_classical, texts):
    ids, targets = texts
    some = np.flatnonzero(targets < 2)
    model = make_classical(name, num_classes=2)
    model.fit(ids[some[:100]], targets[some[:100]])
    logits = model.outputs(ids[some[100:]])
    assert logits.shape == (len(some) - 100, 2)
    accuracy = (logits.argmax(axis=1) == targets[some[100:]]).mean()
    assert accuracy > (0.3 if name == "majority" else 0.9)


@classical
def test_padding_and_neighbours_do_not_matter_to_a_classical_model(name, make_classical, texts):
    ids, targets = texts
    model = make_classical(name)
    model.fit(ids, targets)
    padded = np.pad(ids[:9], ((0, 0), (0, 7)))
    np.testing.assert_allclose(model.outputs(padded), model.outputs(ids)[:9], rtol=1e-6)
    odd = np.zeros((4, 20), np.int64)  # no word, one word, one unknown word, unknown words alone
    odd[1, 0], odd[2, 0], odd[3] = 2, 1, 1
    assert np.isfinite(model.outputs(odd)).all()


@classical
def test_skops_gives_it_back(name, make_classical, texts):
    ids, targets = texts
    model = make_classical(name)
    model.fit(ids[:200], targets[:200])
    written = skops.io.dumps(model)
    itself = f"{type(model).__module__}.{type(model).__qualname__}"
    trusted = [itself, *inspect.getmodule(type(model)).MODEL.trusted]
    assert sorted(skops.io.get_untrusted_types(data=written)) == sorted(trusted)
    again = skops.io.loads(written, trusted=trusted)
    np.testing.assert_array_equal(again.outputs(ids[200:]), model.outputs(ids[200:]))
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
        np.exp(model.outputs(texts[0][200:])), direct.predict_proba(test), rtol=1e-4, atol=2 * FLOOR
    )
    assert model.parameters() == 49 * 4 + 4


def test_tfidf_logistic_regression_is_scikit_learns(make_classical, texts, vectors):
    train, targets, test = vectors(TfidfVectorizer(sublinear_tf=True, **SINGLE))
    direct = linear_model.LogisticRegression(C=10.0, max_iter=500, tol=1e-4).fit(train, targets)
    model = make_classical("tfidf_logistic_regression", ngrams=1)
    model.fit(texts[0][:200], targets)
    np.testing.assert_allclose(
        np.exp(model.outputs(texts[0][200:])), direct.predict_proba(test), rtol=1e-3, atol=1e-5
    )
    assert model.parameters() == 49 + 49 * 4 + 4


def test_tfidf_linear_svm_is_scikit_learns(make_classical, texts, vectors):
    train, targets, test = vectors(TfidfVectorizer(sublinear_tf=True, **SINGLE))
    direct = svm.LinearSVC(C=1.0, max_iter=500, tol=1e-4, dual=False).fit(train, targets)
    model = make_classical("tfidf_linear_svm", ngrams=1)
    model.fit(texts[0][:200], targets)
    np.testing.assert_allclose(
        model.outputs(texts[0][200:]), direct.decision_function(test), rtol=1e-4, atol=1e-4
    )
    assert model.parameters() == 49 + 49 * 4 + 4
