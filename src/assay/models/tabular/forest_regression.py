# SPDX-License-Identifier: Apache-2.0
"""A random forest of regression trees, by scikit-learn.

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


class ForestRegression(FitsWeighted):
    """The mean of trees, each fitted to items drawn with replacement; each split may use some features, drawn.

    Args:
        seed: draws the items of each tree and the features of each split.
        trees: number of trees.
        min_samples_leaf: minimum number of training items in a leaf.
        features: share of the features that a split may use.
    """

    def __init__(
        self,
        *,
        seed: int,
        trees: Annotated[int, Field(ge=1)],
        min_samples_leaf: Annotated[int, Field(ge=1)],
        features: Annotated[float, Field(gt=0, le=1)],
    ) -> None:
        self.estimator = ensemble.RandomForestRegressor(
            trees, min_samples_leaf=min_samples_leaf, max_features=features, random_state=seed
        )

    def fit(self, inputs: NDArray[np.float32], targets: NDArray[np.float32]) -> None:
        """Fit on rows (N, F) and targets (N, 1)."""
        self.estimator.fit(inputs.reshape(len(inputs), -1), targets[:, 0])

    def fit_weighted(
        self, inputs: NDArray[np.float32], targets: NDArray[np.float32], weights: NDArray[np.float32]
    ) -> None:
        """Fit on rows (N, F) and targets (N, 1), whose squared errors count by their weights (N,)."""
        self.estimator.fit(inputs.reshape(len(inputs), -1), targets[:, 0], weights)

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the numbers (N, 1)."""
        found: NDArray[np.float64] = self.estimator.predict(inputs.reshape(len(inputs), -1))
        return found[:, None].astype(np.float32)

    def parameters(self) -> int:
        """Return the number of learned parameters: two a split (feature, threshold), a value a leaf."""
        trees = [each.tree_ for each in self.estimator.estimators_]
        leaves = sum(tree.n_leaves for tree in trees)
        return int(2 * (leaves - len(trees)) + leaves)


MODEL = Estimator(
    ForestRegression,
    family="trees",
    signatures=("table -> number",),
    trusted=("sklearn.tree._tree.Tree",),
)
