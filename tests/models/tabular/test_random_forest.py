"""The forest is scikit-learn's; its file and its graph give the same answers, a smaller one is its first trees."""

import inspect

import numpy as np
import onnxruntime
import pytest
import skops.io
import torch
from sklearn import ensemble
from sklearn.datasets import load_wine

from assay.compression.methods import onnx_classical, tree_subset
from assay.models.layers.class_scores import FLOOR
from assay.models.tabular.random_forest import RandomForest
from assay.provenance.records import Skip
from tests.compression.conftest import context

ROWS, LABELS = load_wine(return_X_y=True)
ROWS = ((ROWS - ROWS.mean(axis=0)) / ROWS.std(axis=0)).astype(np.float32)
TRAIN, TEST = np.arange(178) % 2 == 0, np.arange(178) % 2 == 1
KNOBS = {"trees": 20, "min_samples_leaf": 2, "features": 0.3}


@pytest.fixture(scope="module")
def forest():
    model = RandomForest(num_classes=3, seed=0, **KNOBS)
    model.fit(ROWS[TRAIN], LABELS[TRAIN])
    return model


def direct(**changed):
    knobs = {"n_estimators": 20, "min_samples_leaf": 2, "max_features": 0.3, "random_state": 0, **changed}
    return ensemble.RandomForestClassifier(**knobs)


def test_probabilities_are_scikit_learns(forest):
    expected = direct().fit(ROWS[TRAIN], LABELS[TRAIN]).predict_proba(ROWS[TEST])
    np.testing.assert_allclose(np.exp(forest.outputs(ROWS[TEST])), expected, rtol=1e-5, atol=2 * FLOOR)
    assert (forest.outputs(ROWS[TEST]).argmax(axis=1) == LABELS[TEST]).mean() > 0.9


def test_parameters_by_hand(forest):
    nodes = [tree.tree_.node_count for tree in forest.estimator.estimators_]
    leaves = [(count + 1) // 2 for count in nodes]
    assert forest.parameters() == sum(2 * (leaf - 1) + 3 * leaf for leaf in leaves)


def test_weights_count(forest):
    weights = np.where(LABELS == 1, 10.0, 1.0).astype(np.float32)
    model = RandomForest(num_classes=3, seed=0, **KNOBS)
    model.fit_weighted(ROWS[TRAIN], LABELS[TRAIN], weights[TRAIN])
    expected = direct().fit(ROWS[TRAIN], LABELS[TRAIN], weights[TRAIN]).predict_proba(ROWS[TEST])
    np.testing.assert_allclose(np.exp(model.outputs(ROWS[TEST])), expected, rtol=1e-5, atol=2 * FLOOR)
    assert model.outputs(ROWS[TEST])[:, 1].mean() > forest.outputs(ROWS[TEST])[:, 1].mean()


def test_skops_gives_it_back(forest):
    trusted = [
        "assay.models.tabular.random_forest.RandomForest",
        *inspect.getmodule(RandomForest).MODEL.trusted,
    ]
    written = skops.io.dumps(forest)
    assert sorted(skops.io.get_untrusted_types(data=written)) == sorted(trusted)
    again = skops.io.loads(written, trusted=trusted)
    np.testing.assert_array_equal(again.outputs(ROWS), forest.outputs(ROWS))


@pytest.mark.parametrize("classes", [(0, 1, 2), (0, 2)])
def test_the_graph_answers_as_the_model_does(classes):
    rows = TRAIN & np.isin(LABELS, classes)
    model = RandomForest(num_classes=3, seed=0, **KNOBS)
    model.fit(ROWS[rows], LABELS[rows])
    made = onnx_classical.compress(context(model, torch.from_numpy(ROWS[TEST])))
    session = onnxruntime.InferenceSession(made.model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"inputs": ROWS[TEST]})[0]
    np.testing.assert_allclose(np.exp(found), np.exp(model.outputs(ROWS[TEST])), atol=1e-5)


def test_a_smaller_forest_has_the_first_trees(forest):
    smaller = tree_subset.reduce(forest, 0.25)
    assert smaller.estimator.n_estimators == 5
    expected = np.mean([tree.predict_proba(ROWS[TEST]) for tree in forest.estimator.estimators_[:5]], axis=0)
    np.testing.assert_allclose(np.exp(smaller.outputs(ROWS[TEST])), expected, rtol=1e-5, atol=2 * FLOOR)
    assert len(forest.estimator.estimators_) == 20
    with pytest.raises(Skip, match="only one tree"):
        tree_subset.reduce(tree_subset.reduce(forest, 0.05), 0.5)
