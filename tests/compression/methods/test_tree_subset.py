"""What is left of trees is what scikit-learn makes when it is asked for fewer or smaller ones."""

import copy

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from assay.compression.methods.tree_subset import compress, reduce
from assay.models.tabular.decision_tree import DecisionTree
from assay.models.tabular.hist_gradient_boosting import HistGradientBoosting
from assay.models.tabular.logistic_regression import LogisticRegression
from assay.provenance.records import Skip
from tests.compression.conftest import context, written
from tests.models.knobs import CLASSICAL

TREES = {"decision_tree": DecisionTree, "hist_gradient_boosting": HistGradientBoosting}
IMAGES = {"shape": (1, 8, 8), "num_classes": 10, "seed": 0}


def fitted(name, digits, **changed):
    (images, targets), _ = digits
    model = TREES[name](**IMAGES, **{**CLASSICAL[name], **changed})
    model.fit(images.numpy(), targets.numpy())
    return model


def subject_of(name, digits, max_relative_drop, **changed):
    (images, targets), (others, theirs) = digits
    target = f"{TREES[name].__module__}:{TREES[name].__qualname__}"
    validation = (others[:400], theirs[:400])
    model = fitted(name, digits, **changed)
    return context(
        model, images, targets, validation=validation, max_relative_drop=max_relative_drop, target=target
    )


def test_the_first_rounds_are_what_fewer_rounds_learn(digits):
    (images, targets), (others, _) = digits
    knobs = {**CLASSICAL["hist_gradient_boosting"], "rounds": 2}
    expected = HistGradientBoosting(**IMAGES, **knobs)
    expected.fit(images.numpy(), targets.numpy())
    found = reduce(fitted("hist_gradient_boosting", digits), 0.5)
    np.testing.assert_array_equal(found.outputs(others.numpy()), expected.outputs(others.numpy()))
    assert found.parameters() == expected.parameters()


@pytest.mark.parametrize("share", [0.75, 0.5, 0.1])
def test_a_pruned_tree_is_what_scikit_learn_grows_at_that_cost(share, digits):
    (images, targets), (others, _) = digits
    whole = fitted("decision_tree", digits)
    found = reduce(whole, share).estimator
    assert found.tree_.n_leaves <= share * whole.estimator.tree_.n_leaves
    knobs = CLASSICAL["decision_tree"]
    grown = DecisionTreeClassifier(**knobs, random_state=0, ccp_alpha=found.ccp_alpha)
    grown.fit(images.flatten(1).numpy(), targets.numpy())
    pixels = others.flatten(1).numpy()
    np.testing.assert_array_equal(found.predict_proba(pixels), grown.predict_proba(pixels))
    np.testing.assert_array_equal(found.tree_.threshold, grown.tree_.threshold)


def test_a_tree_is_pruned_no_more_than_it_must(digits):
    """At the cost before, more leaves are left than were asked for."""
    (images, targets), _ = digits
    whole = fitted("decision_tree", digits)
    found = reduce(whole, 0.5).estimator
    costs = whole.estimator.cost_complexity_pruning_path(images.flatten(1).numpy(), targets.numpy())[
        "ccp_alphas"
    ]
    before = costs[np.searchsorted(costs, found.ccp_alpha) - 1]
    gentler = DecisionTreeClassifier(**CLASSICAL["decision_tree"], random_state=0, ccp_alpha=before)
    gentler.fit(images.flatten(1).numpy(), targets.numpy())
    assert gentler.tree_.n_leaves > 0.5 * whole.estimator.tree_.n_leaves >= found.tree_.n_leaves


@pytest.mark.parametrize("name", sorted(TREES))
def test_the_smallest_within_the_budget_is_kept_and_read_back(name, digits, tmp_path):
    of = subject_of(name, digits, 0.05)
    made = compress(of, shares=[0.75, 0.5, 0.25])
    within = [trial["share"] for trial in made.trials if trial["lost"] <= 0.05]
    kept = reduce(of.model, within[-1])
    assert (made.format, made.parameters) == ("skops", kept.parameters())
    assert made.parameters < of.model.parameters()
    assert [trial["share"] for trial in made.trials] == [0.75, 0.5, 0.25]
    images = of.splits["validation"].inputs.numpy()
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        found = written(compress(of, shares=[0.75, 0.5, 0.25]), tmp_path / folder, of)
        np.testing.assert_array_equal(found.outputs(images), kept.outputs(images))
    first, second = ((tmp_path / each / "model.skops").read_bytes() for each in ("first", "second"))
    assert first == second


def test_where_none_stays_within_the_budget_the_largest_is_taken(digits):
    of = subject_of("hist_gradient_boosting", digits, -1.0)
    made = compress(of, shares=[0.75, 0.25])
    assert made.parameters == reduce(of.model, 0.75).parameters()


@pytest.mark.parametrize("name", sorted(TREES))
def test_the_model_is_not_modified(name, digits):
    model = fitted(name, digits)
    images = digits[1][0].numpy()
    before, logits = copy.deepcopy(vars(model.estimator)), model.outputs(images)
    reduce(model, 0.25)
    assert vars(model.estimator).keys() == before.keys()
    np.testing.assert_array_equal(model.outputs(images), logits)


def test_shares_must_fall(digits):
    with pytest.raises(ValueError, match="they must decrease"):
        compress(subject_of("decision_tree", digits, 0.1), shares=[0.25, 0.5])


def test_other_estimators_are_skipped():
    model = LogisticRegression(**IMAGES, **CLASSICAL["logistic_regression"])
    with pytest.raises(Skip, match="LogisticRegression has no trees"):
        reduce(model, 0.5)


def test_what_cannot_be_less_is_skipped(digits):
    with pytest.raises(Skip, match="one round of boosting"):
        reduce(fitted("hist_gradient_boosting", digits, rounds=1), 0.5)
    with pytest.raises(Skip, match="the tree has 2 leaves"):
        reduce(fitted("decision_tree", digits, max_depth=1), 0.5)


def test_a_tree_whose_branches_are_equally_good_is_skipped():
    """Each question takes away 1/4 of impurity a leaf: all go together, and the root alone tells nothing apart."""
    images = np.zeros((4, 1, 1, 2), np.float32)
    images[:, 0, 0] = [[0, 0], [0, 1], [1, 0], [1, 1]]
    model = DecisionTree(shape=(1, 1, 2), num_classes=4, seed=0, **CLASSICAL["decision_tree"])
    model.fit(images, np.arange(4))
    with pytest.raises(Skip, match="equally good"):
        reduce(model, 0.5)
