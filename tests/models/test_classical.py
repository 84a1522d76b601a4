"""The scikit-learn models against scikit-learn called directly; the control by hand."""

import numpy as np
import pytest
from sklearn import ensemble, linear_model, svm, tree

from assay.models.baselines.majority import Majority
from assay.models.layers.class_scores import FLOOR, log_probabilities, margins
from assay.models.tabular import rbf_svm
from assay.models.tabular.decision_tree import DecisionTree
from assay.models.tabular.hist_gradient_boosting import HistGradientBoosting
from assay.models.tabular.linear_svm import LinearSVM
from assay.models.tabular.logistic_regression import LogisticRegression
from assay.models.tabular.rbf_svm import RBFSVM
from tests.models.knobs import CLASSICAL


@pytest.fixture
def fitted(digits):
    """Fit a model on 300 scans and return it with those scans, flat, their targets, and 100 more."""
    images, targets = digits

    def make(kind, name):
        model = kind(shape=(1, 8, 8), num_classes=10, seed=0, **CLASSICAL[name])
        model.fit(images[:300], targets[:300])
        flat = images.reshape(-1, 64)
        return model, flat[:300], targets[:300], images[300:400], flat[300:400]

    return make


def test_majority_by_hand():
    model = Majority(num_classes=4, seed=0)
    model.fit(np.zeros((8, 1, 2, 2), np.float32), np.array([2, 2, 2, 2, 0, 0, 1, 1]))
    logits = model.outputs(np.ones((3, 1, 2, 2), np.float32))
    row = [np.log(0.25), np.log(0.25), np.log(0.5), np.log(FLOOR)]
    np.testing.assert_allclose(logits, [row] * 3, rtol=1e-6)
    assert model.parameters() == 4


def test_logistic_regression_is_scikit_learns(fitted):
    model, flat, targets, images, test = fitted(LogisticRegression, "logistic_regression")
    direct = linear_model.LogisticRegression(C=1.0, max_iter=500, tol=1e-3).fit(flat, targets)
    np.testing.assert_allclose(
        np.exp(model.outputs(images)), direct.predict_proba(test), rtol=1e-4, atol=2 * FLOOR
    )
    assert model.parameters() == 64 * 10 + 10


def test_linear_svm_is_scikit_learns(fitted):
    model, flat, targets, images, test = fitted(LinearSVM, "linear_svm")
    direct = svm.LinearSVC(C=0.1, max_iter=500, tol=1e-3, dual=False).fit(flat, targets)
    np.testing.assert_allclose(model.outputs(images), direct.decision_function(test), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(model.outputs(images).argmax(axis=1), direct.predict(test))
    assert model.parameters() == 64 * 10 + 10


def test_rbf_svm_is_scikit_learns(fitted):
    model, flat, targets, images, test = fitted(RBFSVM, "rbf_svm")
    direct = svm.SVC(C=5.0, gamma=1.0 / 64, break_ties=True).fit(flat, targets)
    np.testing.assert_allclose(model.outputs(images), direct.decision_function(test), rtol=1e-5)
    np.testing.assert_array_equal(model.outputs(images).argmax(axis=1), direct.predict(test))
    vectors = len(direct.support_)
    assert model.parameters() == vectors * 64 + 9 * vectors + 45


@pytest.mark.parametrize("classes", [[3, 8], [0, 4, 7]])
def test_rbf_svm_is_scikit_learns_on_some_classes(digits, classes, monkeypatch):
    monkeypatch.setattr(rbf_svm, "ROWS", 7)
    images, targets = digits
    chosen = np.isin(targets, classes)
    images, targets = images[chosen], targets[chosen]
    model = RBFSVM(shape=(1, 8, 8), num_classes=10, seed=0, c=5.0, gamma=1.0)
    model.fit(images[:80], targets[:80])
    direct = model.estimator.decision_function(images[80:].reshape(-1, 64))
    np.testing.assert_allclose(
        model.outputs(images[80:]), margins(direct, np.array(classes), 10), rtol=1e-6, atol=1e-6
    )


def test_rbf_svm_takes_one_gamma_for_every_size(digits):
    images, targets = digits[0][:200], digits[1][:200]
    doubled = images.repeat(2, axis=2).repeat(2, axis=3)
    small, large = (RBFSVM(shape=(1, n, n), num_classes=10, seed=0, c=5.0, gamma=1.0) for n in (8, 16))
    small.fit(images, targets)
    large.fit(doubled, targets)
    np.testing.assert_allclose(small.outputs(images), large.outputs(doubled), rtol=1e-3)


def test_decision_tree_is_scikit_learns(fitted):
    model, flat, targets, images, test = fitted(DecisionTree, "decision_tree")
    direct = tree.DecisionTreeClassifier(max_depth=12, random_state=0).fit(flat, targets)
    np.testing.assert_array_equal(model.outputs(images).argmax(axis=1), direct.predict(test))
    leaves = direct.get_n_leaves()
    assert model.parameters() == 2 * (leaves - 1) + 10 * leaves


def test_hist_gradient_boosting_is_scikit_learns(fitted):
    model, flat, targets, images, test = fitted(HistGradientBoosting, "hist_gradient_boosting")
    direct = ensemble.HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=4,
        max_leaf_nodes=8,
        max_bins=16,
        l2_regularization=0.1,
        early_stopping=False,
    ).fit(flat, targets)
    np.testing.assert_allclose(np.exp(model.outputs(images)), direct.predict_proba(test), rtol=1e-4)
    # 4 rounds of 10 trees of at most 8 leaves: 7 splits of two numbers and 8 values.
    assert 0 < model.parameters() <= 4 * 10 * (7 * 2 + 8)


def test_probabilities_have_a_floor():
    logits = log_probabilities(np.array([[1.0, 0.0]]), np.array([0, 2]), 3)
    np.testing.assert_allclose(logits, [[0.0, np.log(FLOOR), np.log(FLOOR)]], rtol=1e-6)


def test_margins_of_two_classes_become_two_columns():
    found = margins(np.array([2.0, -3.0]), np.array([0, 1]), 2)
    np.testing.assert_array_equal(found, [[-2.0, 2.0], [3.0, -3.0]])


def test_margins_of_a_class_not_seen_are_the_smallest():
    found = margins(np.array([[1.0, -2.0, 0.5]]), np.array([0, 1, 3]), 4)
    np.testing.assert_array_equal(found, [[1.0, -2.0, -3.0, 0.5]])
