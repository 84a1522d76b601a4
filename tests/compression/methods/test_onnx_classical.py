"""The graph says what the estimator says, for any number of items, and is the same bytes each time."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from assay.artifacts.onnx.classical import SKIPPED, WRITERS, columns, ensemble, rounded_down
from assay.artifacts.onnx.graphs import Graph
from assay.compression.methods.onnx_classical import compress
from assay.config import registry
from assay.models.layers.word_counts import WordCounts
from assay.models.word_vectors.glove import GloVe
from assay.provenance.records import Skip
from tests.compression.conftest import context, written
from tests.models.knobs import (
    CLASSICAL,
    CLASSICAL_LANGUAGE,
    CLASSICAL_PAIRS,
    CLASSICAL_TAGGING,
    CLASSICAL_TEXT,
    MASKED,
)

KNOBS = CLASSICAL | CLASSICAL_TEXT | CLASSICAL_LANGUAGE | CLASSICAL_PAIRS | CLASSICAL_TAGGING
TEXT = sorted(set(CLASSICAL_TEXT) - {"majority"})


def make(name, **given):
    return registry.load(registry.MODELS[name].target)(seed=0, **given, **KNOBS[name])


def answers(of, folder):
    """Return what the graph and what the estimator says of the items, which come in batches of 1, 7 and all."""
    made = compress(of)
    assert made.parameters == of.model.parameters()
    predictor = written(made, folder, of)
    inputs = of.splits["train"].inputs.numpy()
    expected = of.model.outputs(inputs).astype(np.float32)
    found = predictor.outputs(inputs)
    for size in (1, 7):
        np.testing.assert_allclose(predictor.outputs(inputs[:14], batch_size=size), found[:14], atol=1e-5)
    assert found.dtype == np.float32
    assert (folder / "model.onnx").read_bytes() == compress(of).model.SerializeToString(deterministic=True)
    return found, expected


def assert_same(found, expected):
    assert (found.argmax(-1) == expected.argmax(-1)).all()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted(set(CLASSICAL) - {"majority"}))
@pytest.mark.parametrize("classes", ["all", "no 3", "0 and 1"])
def test_models_of_images(name, classes, digits, tmp_path):
    """Of all classes, of all but one, of two; there are 12 logits."""
    (images, targets), (others, _) = digits
    chosen = {"all": targets >= 0, "no 3": targets != 3, "0 and 1": targets < 2}[classes]
    model = make(name, shape=(1, 8, 8), num_classes=12)
    model.fit(images[chosen].numpy(), targets[chosen].numpy())
    found, expected = answers(context(model, others), tmp_path)
    if name == "logistic_regression":  # scikit-learn takes a probability from 1 in float32
        assert (found.argmax(1) == expected.argmax(1)).all()
        np.testing.assert_allclose(np.exp(found), np.exp(expected), atol=1e-6)
    else:
        assert_same(found, expected)


@pytest.mark.parametrize("classes", [4, 2])
@pytest.mark.parametrize("ngrams", [1, 2])
@pytest.mark.parametrize("name", TEXT)
def test_models_of_texts(name, ngrams, classes, texts, tmp_path):
    """Texts with rare words, with words twice, one of a single word, one of padding alone."""
    ids, targets = texts[0].clone(), texts[1] % classes
    ids[400], ids[401, 1:] = 0, 0
    changed = {"ngrams": ngrams, **({"sublinear": ngrams == 1} if "sublinear" in KNOBS[name] else {})}
    family = registry.load(registry.MODELS[name].target)
    model = family(vocabulary=400, num_classes=5, seed=0, **{**KNOBS[name], **changed})
    model.fit(ids[:300].numpy(), targets[:300].numpy())
    assert (ngrams == 2) == (len(model.words.pairs) > 0)
    assert_same(*answers(context(model, ids[300:500]), tmp_path))


def test_the_control_of_images_and_texts(texts, tmp_path):
    ids, targets = texts
    model = make("majority", num_classes=5)
    model.fit(ids.numpy(), targets.numpy())
    assert_same(*answers(context(model, ids[:20]), tmp_path))


@pytest.mark.parametrize("name", ["unigram", "bigram"])
def test_models_of_the_next_character(name, texts, tmp_path):
    ids = texts[0]
    model = make(name, vocabulary=400)
    model.fit(ids.numpy(), ids.roll(-1, 1).numpy())
    assert_same(*answers(context(model, ids[:20]), tmp_path))


def test_the_control_of_tags(texts, tmp_path):
    ids = texts[0]
    inputs = torch.stack([ids, ids + 1, ids], dim=2)  # a word and two characters a place
    model = make("most_frequent_tag", vocabulary=400, num_classes=5)
    model.fit(inputs.numpy(), (ids % 5).numpy())
    assert_same(*answers(context(model, inputs[:20]), tmp_path))


@pytest.mark.parametrize("name", sorted(set(KNOBS) - set(CLASSICAL) - set(TEXT)))
def test_every_other_one_is_written_or_skipped_with_the_reason(name):
    family = registry.load(registry.MODELS[name].target)
    assert (family.__name__ in WRITERS) != (family.__name__ in SKIPPED)


@pytest.mark.parametrize("name", ["ngram", *sorted(CLASSICAL_PAIRS)])
def test_tables_of_runs_and_rules_are_skipped(name):
    given = {"source_length": 4} if name in CLASSICAL_PAIRS else {}
    of = context(make(name, vocabulary=9, **given), np.zeros((2, 8), np.int64))
    with pytest.raises(Skip, match="sparse rows" if name in {"ngram", "word_by_word"} else "is a rule"):
        compress(of)


def test_a_network_that_learns_like_an_estimator_is_exported(tmp_path):
    model = GloVe(vocabulary=60, seed=0, **MASKED["glove"]).eval()
    ids = torch.randint(3, 60, (20, 12), generator=torch.Generator().manual_seed(0))
    ids[:, 4] = 2
    of = context(model, ids)
    with torch.inference_mode():
        expected = model(ids).numpy()
    np.testing.assert_allclose(written(compress(of), tmp_path, of).outputs(ids.numpy()), expected, atol=1e-4)


def test_a_threshold_is_rounded_to_where_it_parts_the_same_numbers():
    """Half-way between two neighbouring float32, the nearest one may be the upper, which must not go left."""
    lower = np.float32(1.0)
    for _ in range(50):
        upper = np.nextafter(lower, np.float32(2.0))
        threshold = (np.float64(lower) + np.float64(upper)) / 2
        assert rounded_down(np.array([threshold]))[0] == lower
        assert rounded_down(np.array([np.float64(lower)]))[0] == lower
        lower = upper


def test_trees_part_neighbouring_numbers_as_scikit_learn_does():
    numbers = np.float32(1) + np.arange(64, dtype=np.float32) * np.finfo(np.float32).eps
    estimator = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1, early_stopping=False)
    estimator.fit(numbers[:, None], np.arange(64) % 2)
    graph = Graph(numbers[:1, None])
    trees = [(tree.nodes, 0) for (tree,) in estimator._predictors]
    scores = graph.add(
        "TreeEnsembleRegressor",
        "inputs",
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=estimator._baseline_prediction.ravel().tolist(),
        **ensemble(trees),
    )
    session = onnxruntime.InferenceSession(graph.model(scores, (1,)).SerializeToString())
    found = session.run(None, {"inputs": numbers[:, None]})[0][:, 0]
    np.testing.assert_allclose(found, estimator.decision_function(numbers[:, None]), atol=1e-5)


def test_columns_are_those_that_scipy_counts():
    words = WordCounts(10, 2)
    ids = np.array([[3, 4, 3, 4, 0], [12, 3, 4, 0, 0], [0, 0, 0, 0, 0]])
    words.fit(ids)
    graph = Graph(ids)
    rows = graph.add("Cast", columns(graph, words), to=onnx.TensorProto.FLOAT)
    session = onnxruntime.InferenceSession(graph.model(rows, (9,)).SerializeToString())
    found = session.run(None, {"inputs": ids})[0].astype(int)
    counted = np.stack([np.bincount(row, minlength=words.counts(ids).shape[1] + 1)[1:] for row in found])
    np.testing.assert_array_equal(counted, words.counts(ids).toarray())


def test_no_operator_is_of_onnxruntime_alone(digits):
    (images, targets), _ = digits
    for name in sorted(set(CLASSICAL) - {"majority"}):
        model = make(name, shape=(1, 8, 8), num_classes=10)
        model.fit(images.numpy(), targets.numpy())
        graph = compress(context(model, images)).model
        assert {each.domain for each in graph.opset_import} <= {"", "ai.onnx.ml"}
        onnx.checker.check_model(graph)
