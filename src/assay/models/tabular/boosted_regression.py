# SPDX-License-Identifier: Apache-2.0
"""Gradient boosting of regression trees over histograms, by scikit-learn.

Source: Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of Statistics 29(5), 2001,
https://doi.org/10.1214/aos/1013203451; the histograms: Ke et al., "LightGBM", NIPS 2017,
https://papers.nips.cc/paper/6907.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import ensemble

from assay.models.capabilities import FitsWeighted
from assay.models.declaration import Estimator


class BoostedRegression(FitsWeighted):
    """In each round one tree, fitted to the residuals of the previous rounds.

    Args:
        seed: draws the sample that sets the bins when there are more than 200,000 items.
        learning_rate: share of each tree that is added.
        rounds: number of trees.
        max_leaf_nodes: maximum number of leaves per tree.
        min_samples_leaf: minimum number of training items in a leaf.
        l2: penalty on the squared leaf values.
    """

    def __init__(
        self,
        *,
        seed: int,
        learning_rate: Annotated[float, Field(gt=0, le=1)],
        rounds: Annotated[int, Field(ge=1)],
        max_leaf_nodes: Annotated[int, Field(ge=2)],
        min_samples_leaf: Annotated[int, Field(ge=1)],
        l2: Annotated[float, Field(ge=0)],
    ) -> None:
        self.estimator = ensemble.HistGradientBoostingRegressor(
            learning_rate=learning_rate,
            max_iter=rounds,
            max_leaf_nodes=max_leaf_nodes,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2,
            early_stopping=False,
            random_state=seed,
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
        """Return the number of learned parameters: a feature and a threshold a split, a value a leaf."""
        trees = [tree for round_ in self.estimator._predictors for tree in round_]
        leaves = sum(tree.get_n_leaf_nodes() for tree in trees)
        return int(2 * (leaves - len(trees)) + leaves)


MODEL = Estimator(
    BoostedRegression,
    family="trees",
    signatures=("table -> number",),
    seeded=False,
    trusted=("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",),
)
