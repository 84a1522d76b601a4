# SPDX-License-Identifier: Apache-2.0
"""One decision tree on pixels, by scikit-learn.

Source: Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees", 1984,
https://doi.org/10.1201/9781315139470. The fit depends on the seed only where two splits are equally good.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import tree

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import log_probabilities


class DecisionTree:
    """A sequence of questions of the form "is this pixel at most that bright?".

    Args:
        shape: (C, H, W) of one image; any is flattened.
        num_classes: number of logits.
        seed: breaks ties between splits.
        criterion: the impurity that a split should reduce.
        max_depth: maximum number of questions about one image.
        min_samples_leaf: minimum number of training images in a leaf.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        seed: int,
        criterion: Literal["gini", "entropy"],
        max_depth: Annotated[int, Field(ge=1)],
        min_samples_leaf: Annotated[int, Field(ge=1)],
    ) -> None:
        del shape
        self.num_classes = num_classes
        self.estimator = tree.DecisionTreeClassifier(
            criterion=criterion, max_depth=max_depth, min_samples_leaf=min_samples_leaf, random_state=seed
        )

    def fit(self, images: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Fit on images (N, C, H, W) and targets (N,)."""
        self.estimator.fit(images.reshape(len(images), -1), targets)

    def outputs(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities (N, num_classes)."""
        probabilities = self.estimator.predict_proba(images.reshape(len(images), -1))
        return log_probabilities(probabilities, self.estimator.classes_, self.num_classes)

    def parameters(self) -> int:
        """Return the number of learned parameters: two a split (pixel, threshold), one a class in each leaf."""
        fitted = self.estimator.tree_
        splits = fitted.node_count - fitted.n_leaves
        return int(2 * splits + fitted.n_leaves * len(self.estimator.classes_))


MODEL = Estimator(
    DecisionTree,
    family="trees",
    signatures=("image -> class", "table -> class"),
    trusted=("sklearn.tree._tree.Tree",),
)
