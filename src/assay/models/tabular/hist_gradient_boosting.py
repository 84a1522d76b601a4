# SPDX-License-Identifier: Apache-2.0
"""Gradient boosting of trees over histograms of pixels, by scikit-learn.

Source: Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of Statistics 2001,
https://doi.org/10.1214/aos/1013203451; histograms: Ke et al., "LightGBM", NeurIPS 2017,
https://papers.nips.cc/paper/2017/hash/6449f44a102fde848669bdd9eb6b76fa-Abstract.html. Every split may look
at every pixel and nothing is held out, so up to 200,000 items (beyond, the bins come from a sample) the fit
does not depend on the seed.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import ensemble

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import log_probabilities


class HistGradientBoosting:
    """In each round one tree per class, fitted to the gradient of the loss.

    Args:
        shape: (C, H, W) of one image; any is flattened.
        num_classes: number of logits.
        seed: draws the sample that sets the bins when there are more than 200,000 items.
        learning_rate: share of each tree that is added.
        rounds: number of rounds; each adds ``num_classes`` trees.
        max_leaf_nodes: maximum number of leaves per tree.
        bins: number of distinct values per pixel.
        l2: penalty on the squared leaf values.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        seed: int,
        learning_rate: Annotated[float, Field(gt=0, le=1)],
        rounds: Annotated[int, Field(ge=1)],
        max_leaf_nodes: Annotated[int, Field(ge=2)],
        bins: Annotated[int, Field(ge=2, le=255)],
        l2: Annotated[float, Field(ge=0)],
    ) -> None:
        del shape
        self.num_classes = num_classes
        self.estimator = ensemble.HistGradientBoostingClassifier(
            learning_rate=learning_rate,
            max_iter=rounds,
            max_leaf_nodes=max_leaf_nodes,
            max_bins=bins,
            l2_regularization=l2,
            early_stopping=False,
            random_state=seed,
        )

    def fit(self, images: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Fit on images (N, C, H, W) and targets (N,)."""
        self.estimator.fit(images.reshape(len(images), -1), targets)

    def outputs(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities (N, num_classes)."""
        probabilities = self.estimator.predict_proba(images.reshape(len(images), -1))
        return log_probabilities(probabilities, self.estimator.classes_, self.num_classes)

    def parameters(self) -> int:
        """Return the number of learned parameters: a pixel and a threshold a split, a value a leaf."""
        trees = [tree for round_ in self.estimator._predictors for tree in round_]
        leaves = sum(tree.get_n_leaf_nodes() for tree in trees)
        return int(2 * (leaves - len(trees)) + leaves)


MODEL = Estimator(
    HistGradientBoosting,
    family="trees",
    signatures=("image -> class", "table -> class"),
    seeded=False,
    trusted=("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",),
)
