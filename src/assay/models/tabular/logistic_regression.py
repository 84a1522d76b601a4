# SPDX-License-Identifier: Apache-2.0
"""Multinomial logistic regression on pixels, by scikit-learn.

Source: Cox, "The Regression Analysis of Binary Sequences", JRSS B 1958,
https://doi.org/10.1111/j.2517-6161.1958.tb00292.x; the solver is L-BFGS: Liu and Nocedal, Mathematical
Programming 1989, https://doi.org/10.1007/BF01589116. The fit does not depend on the seed.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import linear_model

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import log_probabilities


class LogisticRegression:
    """One linear function per class, softmax, L2 penalty.

    Args:
        shape: (C, H, W) of one image; any is flattened.
        num_classes: number of logits.
        seed: not used.
        c: weight of the summed training loss relative to half the squared weights.
        max_iterations: maximum number of solver iterations; scikit-learn warns if they do not suffice.
        tolerance: the solver stops when no component of the gradient is larger.
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
        self.estimator = linear_model.LogisticRegression(C=c, max_iter=max_iterations, tol=tolerance)

    def fit(self, images: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Fit on images (N, C, H, W) and targets (N,)."""
        self.estimator.fit(images.reshape(len(images), -1), targets)

    def outputs(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities (N, num_classes)."""
        probabilities = self.estimator.predict_proba(images.reshape(len(images), -1))
        return log_probabilities(probabilities, self.estimator.classes_, self.num_classes)

    def parameters(self) -> int:
        """Return the number of learned parameters: weights and intercepts."""
        return int(self.estimator.coef_.size + self.estimator.intercept_.size)


MODEL = Estimator(
    LogisticRegression, family="linear", signatures=("image -> class", "table -> class"), seeded=False
)
