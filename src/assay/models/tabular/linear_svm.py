# SPDX-License-Identifier: Apache-2.0
"""Linear support vector machine on pixels, one class against the rest, by scikit-learn's LIBLINEAR.

Source: Cortes and Vapnik, "Support-Vector Networks", Machine Learning 1995, https://doi.org/10.1007/BF00994018;
the solver: Fan et al., "LIBLINEAR", JMLR 2008, https://www.jmlr.org/papers/v9/fan08a.html. It minimises the
squared hinge loss by a Newton method (dual=False) that draws nothing, so the fit does not depend on the seed.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import svm

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import margins


class LinearSVM:
    """One separating hyperplane per class; the logits are the margins.

    Args:
        shape: (C, H, W) of one image; any is flattened.
        num_classes: number of logits.
        seed: not used.
        c: weight of the summed training loss relative to half the squared weights.
        max_iterations: maximum number of solver iterations per class; scikit-learn warns if they do not suffice.
        tolerance: the solver stops when the gradient has shrunk to about this share of its initial norm.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        seed: int,
        c: Annotated[float, Field(gt=0)],
        max_iterations: Annotated[int, Field(ge=1)],
        tolerance: Annotated[float, Field(gt=0)],
    ) -> None:
        del shape, seed
        self.num_classes = num_classes
        self.estimator = svm.LinearSVC(C=c, max_iter=max_iterations, tol=tolerance, dual=False)

    def fit(self, images: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Fit on images (N, C, H, W) and targets (N,)."""
        self.estimator.fit(images.reshape(len(images), -1), targets)

    def outputs(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return margins (N, num_classes)."""
        decisions = self.estimator.decision_function(images.reshape(len(images), -1))
        return margins(decisions, self.estimator.classes_, self.num_classes)

    def parameters(self) -> int:
        """Return the number of learned parameters: weights and intercepts."""
        return int(self.estimator.coef_.size + self.estimator.intercept_.size)


MODEL = Estimator(LinearSVM, family="linear", signatures=("image -> class",), seeded=False)
