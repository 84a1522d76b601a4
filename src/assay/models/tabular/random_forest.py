# SPDX-License-Identifier: Apache-2.0
"""A random forest of classification trees, by scikit-learn.

Source: Breiman, "Random Forests", Machine Learning 45(1), 2001, https://doi.org/10.1023/A:1010933404324.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import ensemble

from assay.models.capabilities import FitsWeighted
from assay.models.declaration import Estimator
from assay.models.layers.class_scores import log_probabilities


class RandomForest(FitsWeighted):
    """The mean of trees, each fitted to items drawn with replacement; each split may use some features, drawn.

    Args:
        num_classes: number of logits.
        seed: draws the items of each tree and the features of each split.
        trees: number of trees.
        min_samples_leaf: minimum number of training items in a leaf.
        features: share of the features that a split may use.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        seed: int,
        trees: Annotated[int, Field(ge=1)],
        min_samples_leaf: Annotated[int, Field(ge=1)],
        features: Annotated[float, Field(gt=0, le=1)],
    ) -> None:
        self.num_classes = num_classes
        self.estimator = ensemble.RandomForestClassifier(
            trees, min_samples_leaf=min_samples_leaf, max_features=features, random_state=seed
        )

    def fit(self, inputs: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Fit on rows (N, F) and classes (N,)."""
        self.estimator.fit(inputs.reshape(len(inputs), -1), targets)

    def fit_weighted(
        self, inputs: NDArray[np.float32], targets: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> None:
        """Fit on rows (N, F) and classes (N,), whose impurities count by their weights (N,)."""
        self.estimator.fit(inputs.reshape(len(inputs), -1), targets, weights)

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities (N, num_classes)."""
        probabilities = self.estimator.predict_proba(inputs.reshape(len(inputs), -1))
        return log_probabilities(probabilities, self.estimator.classes_, self.num_classes)

    def parameters(self) -> int:
        """Return the number of learned parameters: two a split (feature, threshold), one a class in each leaf."""
        trees = [each.tree_ for each in self.estimator.estimators_]
        leaves = sum(tree.n_leaves for tree in trees)
        return int(2 * (leaves - len(trees)) + leaves * len(self.estimator.classes_))


MODEL = Estimator(
    RandomForest,
    family="trees",
    signatures=("table -> class",),
    trusted=("sklearn.tree._tree.Tree",),
)
