"""Which numbers become narrower, and that the estimator answers as before as far as they can say it."""

import copy

import numpy as np
import pytest
import torch

from assay.compression.context import CompressedModel
from assay.compression.methods.float32 import compress, narrow, narrowed
from assay.config import registry
from assay.models.language.ngram import NGram
from assay.models.layers.word_counts import WordCounts
from assay.models.text.bag_of_embeddings import BagOfEmbeddings
from assay.provenance.records import Skip
from tests.compression.conftest import context, written
from tests.models.knobs import CLASSICAL, CLASSICAL_LANGUAGE, CLASSICAL_TEXT

TEXT = sorted(set(CLASSICAL_TEXT) - {"majority"})


def fitted(name, digits, texts):
    """Return a context of an estimator that has learned images, or texts."""
    entry = registry.MODELS[name]
    if name in TEXT:
        knobs = {"vocabulary": 400, "num_classes": 4, **CLASSICAL_TEXT[name]}
        inputs, targets = texts[0][:300], texts[1][:300]
    else:
        knobs = {"shape": (1, 8, 8), "num_classes": 10, **CLASSICAL[name]}
        inputs, targets = digits[0]
    model = registry.load(entry.target)(seed=0, **knobs)
    model.fit(inputs.numpy(), targets.numpy())
    return context(model, inputs, targets, target=entry.target)


@pytest.mark.parametrize("bits", [32, 16])
@pytest.mark.parametrize("name", ["linear_svm", "rbf_svm", *TEXT])
def test_the_file_is_smaller_and_answers_the_same(name, bits, digits, texts, tmp_path):
    of = fitted(name, digits, texts)
    written(CompressedModel("skops", of.model, of.model.parameters()), tmp_path, of)
    full = (tmp_path / "model.skops").stat().st_size
    made = compress(of, bits=bits)
    loaded = written(made, tmp_path, of)
    assert made.parameters == of.model.parameters()
    assert (tmp_path / "model.skops").stat().st_size < (0.85 if bits == 32 else 0.75) * full
    inputs = of.splits["train"].inputs.numpy()
    found, expected = loaded.outputs(inputs), of.model.outputs(inputs)
    assert (found.argmax(1) == expected.argmax(1)).mean() > (0.999 if bits == 32 else 0.99)
    if name != "rbf_svm":  # a pair that turns over is a whole vote
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if bits == 32 else 0.05)


def test_what_is_float32_already_can_only_be_halved(digits, texts):
    of = fitted("scratch_mlp", digits, texts)
    with pytest.raises(Skip, match="ScratchMLP's numbers already have no more than 32 bits"):
        compress(of, bits=32)
    model = compress(of, bits=16).model
    assert {part.dtype for layer in model.layers for part in layer} == {np.dtype("float16")}


@pytest.mark.parametrize("name", ["decision_tree", "hist_gradient_boosting"])
def test_nodes_of_trees_keep_their_type(name, digits, texts):
    with pytest.raises(Skip, match="'s trees are read by scikit-learn's compiled code"):
        compress(fitted(name, digits, texts), bits=32)


def test_a_sparse_matrix_of_16_bits_is_skipped_with_the_reason():
    model = NGram(vocabulary=9, seed=0, **CLASSICAL_LANGUAGE["ngram"])
    ids = torch.randint(0, 9, (20, 12), generator=torch.Generator().manual_seed(0))
    model.fit(ids.numpy(), ids.roll(-1, 1).numpy())
    with pytest.raises(Skip, match="NGram does not compute with float16: "):
        compress(context(model, ids), bits=16)


def test_a_few_wide_numbers_among_others_are_skipped_with_the_reason():
    model = Told(np.zeros(2))
    model.others = np.zeros(6, np.float32)
    with pytest.raises(Skip, match="only 25% of Told's numbers have more than 32 bits"):
        narrowed(model, 32)


class Told:
    """Answers with the logarithms of what it holds."""

    def __init__(self, numbers):
        self.numbers, self.again = numbers, [{"numbers": (numbers,)}]
        self.counts = np.arange(3)

    def outputs(self, inputs):
        return np.log(np.tile(self.numbers, (len(inputs), 1)))

    def parameters(self):
        return len(self.numbers)


def test_numbers_too_small_for_16_bits_are_skipped_where_they_are_needed():
    """The smallest half-width number is 6e-8; less is 0, whose logarithm is infinite."""
    with pytest.raises(Skip, match="Told has infinite outputs"), np.errstate(divide="ignore"):
        compress(context(Told(np.array([1.0, 1e-9])), np.zeros((2, 1))), bits=16)


def test_an_array_that_is_held_twice_stays_one_and_integers_stay():
    model = Told(np.array([0.5, 0.25]))
    found = narrowed(model, 32)
    assert found.numbers is found.again[0]["numbers"][0]
    assert found.numbers.dtype == np.float32
    assert found.counts.dtype == model.counts.dtype
    assert model.numbers.dtype == np.float64


def test_what_is_too_large_for_16_bits_keeps_32():
    assert narrow(np.array([65504.0]), 16).dtype == np.float16
    assert narrow(np.array([65505.0]), 16).dtype == np.float32
    assert narrow(np.array([]), 16).dtype == np.float16


def test_the_model_is_not_modified_and_its_pairs_of_words_stay(digits, texts):
    of = fitted("naive_bayes", digits, texts)
    before = copy.deepcopy(of.model.estimator.feature_log_prob_)
    model = compress(of, bits=16).model
    assert of.model.estimator.feature_log_prob_.dtype == np.float64
    np.testing.assert_array_equal(of.model.estimator.feature_log_prob_, before)
    assert isinstance(model.words, WordCounts)
    np.testing.assert_array_equal(model.words.pairs, of.model.words.pairs)


def test_the_same_bytes_each_time(digits, texts, tmp_path):
    of = fitted("tfidf_linear_svm", digits, texts)
    contents = []
    for _ in range(2):
        written(compress(of, bits=32), tmp_path, of)
        contents.append((tmp_path / "model.skops").read_bytes())
    assert contents[0] == contents[1]


def test_networks_are_skipped():
    model = BagOfEmbeddings(vocabulary=9, num_classes=2, words=9, width=2, dropout=0.0)
    with pytest.raises(Skip, match="BagOfEmbeddings is a network"):
        narrowed(model, 32)
