# SPDX-License-Identifier: Apache-2.0
"""Support vector machine with a Gaussian (RBF) kernel on pixels, by scikit-learn's LIBSVM.

Source: Boser, Guyon and Vapnik, "A Training Algorithm for Optimal Margin Classifiers", COLT 1992,
https://doi.org/10.1145/130385.130401; the solver: Chang and Lin, "LIBSVM", ACM TIST 2011,
https://doi.org/10.1145/1961189.1961199. The fit does not depend on the seed.
"""

from __future__ import annotations

from itertools import combinations
from math import prod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import svm

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import margins

# Rows of the kernel kept between iterations, in megabytes. It changes the time of a fit, not its outcome.
CACHE_MB = 1000
ROWS = 512
"""Items whose kernels with all support vectors are held at a time."""


class RBFSVM:
    """One machine per pair of classes; the logits are the pairs won plus a share of their margins.

    Args:
        shape: (C, H, W) of one image; any is flattened.
        num_classes: number of logits.
        seed: not used.
        c: weight of the summed hinge losses relative to half the squared weights.
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
        self.squares = _squares(self.estimator.support_vectors_)

    def outputs(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return margins (N, num_classes)."""
        rows = images.reshape(len(images), -1).astype(np.float64)
        chunks = np.split(rows, range(ROWS, len(rows), ROWS))
        decisions = np.concatenate([self._decisions(chunk) for chunk in chunks])
        return margins(decisions, self.estimator.classes_, self.num_classes)

    def _decisions(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scikit-learn's decision function, with all kernels as one matrix product.

        LIBSVM computes kernels one by one: 21 ms per item with the 19,860 support vectors of Fashion-MNIST.
        """
        vectors, weights = self.estimator.support_vectors_, self.estimator.dual_coef_
        distances = _squares(rows)[:, None] + self.squares - 2 * rows @ vectors.T
        kernel = np.exp(-self.estimator.gamma * distances)  # (N, vectors)
        ends = np.cumsum(self.estimator.n_support_)
        parts = [slice(end - count, end) for end, count in zip(ends, self.estimator.n_support_, strict=True)]
        pairs = list(combinations(range(len(parts)), 2))
        shares = np.zeros((len(vectors), len(pairs)))
        for pair, (first, second) in enumerate(pairs):
            shares[parts[first], pair] = weights[second - 1, parts[first]]
            shares[parts[second], pair] = weights[first, parts[second]]
        margin = kernel @ shares + self.estimator.intercept_  # (N, pairs)
        return margin[:, 0] if len(parts) == 2 else _votes(margin, pairs, len(parts))

    def parameters(self) -> int:
        """Return the number of learned parameters: support vectors, their weights, intercepts."""
        fitted = self.estimator
        return int(fitted.support_vectors_.size + fitted.dual_coef_.size + fitted.intercept_.size)


def _squares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared length of each row."""
    lengths: NDArray[np.float64] = np.einsum("ij,ij->i", rows, rows)
    return lengths


def _votes(
    margin: NDArray[np.float64], pairs: list[tuple[int, int]], num_classes: int
) -> NDArray[np.float64]:
    """Return (N, num_classes): the number of pairs that a class wins, plus less than a third for the margins.

    Args:
        margin: (N, pairs), positive where the first of a pair wins.
    """
    won = np.zeros((len(margin), num_classes))
    summed = np.zeros_like(won)
    for pair, (first, second) in enumerate(pairs):
        for_first = margin[:, pair] >= 0
        won[:, first] += for_first
        won[:, second] += ~for_first
        summed[:, first] += margin[:, pair]
        summed[:, second] -= margin[:, pair]
    won += summed / (3 * (np.abs(summed) + 1))
    return won


MODEL = Estimator(RBFSVM, family="kernel", signatures=("image -> class",), seeded=False)
