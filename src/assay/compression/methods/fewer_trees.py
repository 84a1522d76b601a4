# SPDX-License-Identifier: Apache-2.0
"""Trees made fewer or smaller: boosting stops after its first rounds, one tree loses its weakest branches.

Source: for one tree, minimal cost-complexity pruning: Breiman, Friedman, Olshen and Stone, "Classification and
Regression Trees", 1984, https://doi.org/10.1201/9781315139470, chapter 3; the impurities that it weighs were
measured in training and are kept in the tree. Boosting adds its rounds one to the other, each to correct those
before it (Friedman, Annals of Statistics 2001, https://doi.org/10.1214/aos/1013203451), so that the first ones
are a model of their own.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from typing import Annotated, Any

from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier, _tree

from assay.compression.context import CompressedModel, CompressionContext, Method, search
from assay.models.capabilities import WrapsEstimator
from assay.provenance.records import Skip


def compress(
    subject: CompressionContext,
    *,
    shares: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)],
) -> CompressedModel:
    """Return the estimator with the smallest share of its trees that stays within the budget.

    Args:
        shares: falling fractions of the rounds of boosting, or of the leaves of one tree, that are kept.

    Raises:
        Skip: the estimator has no trees, or nothing of them can go.
        ValueError: the shares do not fall.
    """
    if sorted(set(shares), reverse=True) != shares:
        raise ValueError(f"fewer_trees: shares = {shares}; they must fall")
    chosen, trials = search(subject, "share", shares, lambda share: reduce(subject.model, share))
    model: Any = reduce(subject.model, chosen)
    return CompressedModel("skops", model, model.parameters(), trials=trials)


def reduce(model: Any, share: float) -> Any:
    """Return a copy of an estimator with this share of its rounds or leaves, rounded down, but at least one round
    or two leaves.

    Raises:
        Skip: it has no trees, or no more than that.
    """
    estimator = model.estimator if isinstance(model, WrapsEstimator) else None
    if isinstance(estimator, HistGradientBoostingClassifier):
        reduced = first_rounds(estimator, share)
    elif isinstance(estimator, DecisionTreeClassifier):
        reduced = pruned(estimator, share)
    else:
        raise Skip(f"{type(model).__name__} has no trees")
    changed = copy.copy(model)
    changed.estimator = reduced
    return changed


def first_rounds(estimator: Any, share: float) -> Any:
    """Return a copy of boosted trees with the first rounds alone."""
    rounds = len(estimator._predictors)
    if rounds == 1:
        raise Skip("one round of boosting is all there is")
    shortened = copy.copy(estimator)
    shortened._predictors = estimator._predictors[: max(1, int(share * rounds))]
    return shortened


def pruned(estimator: Any, share: float) -> Any:
    """Return a copy of a tree pruned as little as leaves no more than that share of its leaves.

    Branches go in the order of the impurity that they take away a leaf; those that are equal go together.
    """
    whole = estimator.tree_
    if whole.n_leaves <= 2:
        raise Skip(f"the tree has {whole.n_leaves} leaves: no more than a question")
    most = max(2, int(share * whole.n_leaves))
    costs = _tree.ccp_pruning_path(whole)["ccp_alphas"]
    # The last leaves the root alone, which tells nothing apart.
    place = bisect_left(costs[:-1], -most, key=lambda cost: -_cut(whole, cost).n_leaves)
    smaller = copy.copy(estimator)
    smaller.ccp_alpha = float(costs[min(place, len(costs) - 2)])
    smaller.tree_ = _cut(whole, smaller.ccp_alpha)
    if smaller.tree_.n_leaves == whole.n_leaves:
        raise Skip("the tree's branches are all equally good: none can go but all")
    return smaller


def _cut(whole: Any, cost: float) -> Any:
    """Return a tree without the branches that take away no more impurity than ``cost`` a leaf."""
    smaller = _tree.Tree(whole.n_features, whole.n_classes, whole.n_outputs)
    _tree._build_pruned_tree_ccp(smaller, whole, cost)
    return smaller


METHOD = Method(compress, loops=("estimator",))
