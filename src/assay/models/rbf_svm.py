"""Support vector machine with a Gaussian (RBF) kernel on pixels, by scikit-learn's LIBSVM.

Source: Boser, Guyon and Vapnik, "A Training Algorithm for Optimal Margin Classifiers", COLT 1992,
https://doi.org/10.1145/130385.130401; the solver: Chang and Lin, "LIBSVM", ACM TIST 2011,
https://doi.org/10.1145/1961189.1961199. The fit does not depend on the seed.
"""

from __future__ import annotations

from math import prod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import svm

from assay.models.class_scores import margins

# Rows of the kernel kept between iterations, in megabytes. It changes the time of a fit, not its outcome.
CACHE_MB = 1000


class RBFSVM:
    """One machine for each pair of classes; the logits are won pairs plus a share of their margins.

    Args:
        shape: (C, H, W) of one image; any is flattened.
        num_classes: number of logits.
        seed: not used.
        c: weight of the summed hinge losses beside half the squared weights.
        gamma: the kernel is exp(-gamma * the mean over pixels of the squared difference), so that one value
            fits images of any size.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        seed: int,
        c: Annotated[float, Field(gt=0)],
        gamma: Annotated[float, Field(gt=0)],
    ) -> None:
        del seed
        self.num_classes = num_classes
        self.estimator = svm.SVC(C=c, gamma=gamma / prod(shape), kernel="rbf", cache_size=CACHE_MB)

    def fit(self, images: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Fit on images (N, C, H, W) and targets (N,)."""
        self.estimator.fit(images.reshape(len(images), -1), targets)

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return margins (N, num_classes)."""
        decisions = self.estimator.decision_function(images.reshape(len(images), -1))
        return margins(decisions, self.estimator.classes_, self.num_classes)

    def parameters(self) -> int:
        """Return how many numbers were learned: support vectors, their weights, intercepts."""
        fitted = self.estimator
        return int(fitted.support_vectors_.size + fitted.dual_coef_.size + fitted.intercept_.size)
