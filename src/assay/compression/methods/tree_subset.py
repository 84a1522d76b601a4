# SPDX-License-Identifier: Apache-2.0
"""Fewer or smaller trees: boosting and forests keep their first trees, a single tree loses its weakest branches.

Source: for one tree, minimal cost-complexity pruning: Breiman, Friedman, Olshen and Stone, "Classification and
Regression Trees", 1984, https://doi.org/10.1201/9781315139470, chapter 3; the impurities that it compares were
measured in training and are stored in the tree. Each round of boosting corrects those before it (Friedman, Annals of
Statistics 2001, https://doi.org/10.1214/aos/1013203451), so that the first rounds are a model on their own.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from typing import Annotated, Any

from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, _tree

from assay.compression.context import CompressedModel, CompressionContext, Method, search
from assay.models.capabilities import WrapsEstimator
from assay.provenance.records import Skip


def compress(
    context: CompressionContext,
    *,
    shares: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)],
) -> CompressedModel:
    """Return the estimator with the smallest share of its trees that stays within the budget.

    Args:
        shares: decreasing fractions of the rounds of boosting, the trees of a forest or the leaves of one tree that are
            kept.

    Raises:
        Skip: the estimator has no trees, or none of them can be removed.
        ValueError: the shares are not decreasing.
    """
    if sorted(set(shares), reverse=True) != shares:
        raise ValueError(f"tree_subset: shares = {shares}; they must decrease")
    chosen, trials = search(context, "share", shares, lambda share: reduce(context.model, share))
    model: Any = reduce(context.model, chosen)
    return CompressedModel("skops", model, model.parameters(), trials=trials)


def reduce(model: Any, share: float) -> Any:
    """Return a copy of an estimator with this share of its rounds, trees or leaves, rounded down, but at least one
    round or tree, or two leaves.

    Raises:
        Skip: it has no trees, or no more than that minimum.
    """
    estimator = model.estimator if isinstance(model, WrapsEstimator) else None
    if isinstance(estimator, HistGradientBoostingClassifier):
        reduced = first_rounds(estimator, share)
    elif isinstance(estimator, RandomForestClassifier | RandomForestRegressor):
        reduced = first_trees(estimator, share)
    elif isinstance(estimator, DecisionTreeClassifier):
        reduced = pruned(estimator, share)
    else:
        raise Skip(f"{type(model).__name__} has no trees")
    changed = copy.copy(model)
    changed.estimator = reduced
    return changed


def first_rounds(estimator: Any, share: float) -> Any:
    """Return a copy of boosted trees with only the first rounds."""
    rounds = len(estimator._predictors)
    if rounds == 1:
        raise Skip("there is only one round of boosting")
    shortened = copy.copy(estimator)
    shortened._predictors = estimator._predictors[: max(1, int(share * rounds))]
    return shortened


def first_trees(estimator: Any, share: float) -> Any:
    """Return a copy of a forest with only the first trees, which are as good as any others."""
    if len(estimator.estimators_) == 1:
        raise Skip("there is only one tree in the forest")
    smaller = copy.copy(estimator)
    smaller.estimators_ = estimator.estimators_[: max(1, int(share * len(estimator.estimators_)))]
    smaller.n_estimators = len(smaller.estimators_)
    return smaller


def pruned(estimator: Any, share: float) -> Any:
    """Return a copy of a tree, pruned as little as possible, with no more than that share of its leaves.

    Branches are removed in the order of the impurity that they reduce per leaf; equal ones are removed together.
    """
    whole = estimator.tree_
    if whole.n_leaves <= 2:
        raise Skip(f"the tree has {whole.n_leaves} leaves: only one split")
    most = max(2, int(share * whole.n_leaves))
    costs = _tree.ccp_pruning_path(whole)["ccp_alphas"]
    # The last one leaves only the root, which predicts one class.
    place = bisect_left(costs[:-1], -most, key=lambda cost: -_cut(whole, cost).n_leaves)
    smaller = copy.copy(estimator)
    smaller.ccp_alpha = float(costs[min(place, len(costs) - 2)])
    smaller.tree_ = _cut(whole, smaller.ccp_alpha)
    if smaller.tree_.n_leaves == whole.n_leaves:
        raise Skip("the tree's branches are all equally good: only all of them could be removed")
    return smaller


def _cut(whole: Any, cost: float) -> Any:
    """Return a tree without the branches that reduce impurity by no more than ``cost`` per leaf."""
    smaller = _tree.Tree(whole.n_features, whole.n_classes, whole.n_outputs)
    _tree._build_pruned_tree_ccp(smaller, whole, cost)
    return smaller


METHOD = Method(compress, loops=("estimator",))
