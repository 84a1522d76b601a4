# SPDX-License-Identifier: Apache-2.0
"""Linear support vector machine on weighted counts of words (TF-IDF), by scikit-learn's LIBLINEAR.

Source: Spärck Jones, "A statistical interpretation of term specificity and its application in retrieval",
Journal of Documentation 1972, https://doi.org/10.1108/eb026526; Joachims, "Text Categorization with Support
Vector Machines", ECML 1998, https://doi.org/10.1007/BFb0026683; the solver: Fan et al., "LIBLINEAR", JMLR
2008, https://www.jmlr.org/papers/v9/fan08a.html. It minimises the squared hinge loss by a Newton method
(dual=False) that draws nothing, so the fit does not depend on the seed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import svm
from sklearn.feature_extraction.text import TfidfTransformer

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import margins
from assay.models.layers.word_counts import WordCounts


class TfidfLinearSVM:
    """Counts, each word weighted by how few texts have it, rows of length 1; one hyperplane per class.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        num_classes: number of logits.
        seed: not used.
        words: number of ids with their own counts; rarer words count as unknown.
        ngrams: 1 counts words, 2 also pairs of neighbours that training has at least twice.
        sublinear: whether a count c weighs 1 + log(c) instead of c.
        c: weight of the summed training loss relative to half the squared weights.
        max_iterations: maximum number of solver iterations per class; scikit-learn warns if they do not suffice.
        tolerance: the solver stops when the gradient has shrunk to about this share of its initial norm.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        num_classes: int,
        seed: int,
        words: Annotated[int, Field(ge=3)],
        ngrams: Literal[1, 2],
        sublinear: bool,
        c: Annotated[float, Field(gt=0)],
        max_iterations: Annotated[int, Field(ge=1)],
        tolerance: Annotated[float, Field(gt=0)],
    ) -> None:
        del seed
        self.num_classes = num_classes
        self.words = WordCounts(min(words, vocabulary), ngrams)
        self.weights = TfidfTransformer(sublinear_tf=sublinear)
        self.estimator = svm.LinearSVC(C=c, max_iter=max_iterations, tol=tolerance, dual=False)

    def fit(self, ids: NDArray[np.integer], targets: NDArray[np.int64]) -> None:
        """Fit on ids (N, T) and targets (N,)."""
        self.words.fit(ids)
        self.weights.fit(self.words.counts(ids))
        self.estimator.fit(self.features(ids), targets)

    def outputs(self, ids: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return margins (N, num_classes)."""
        decisions = self.estimator.decision_function(self.features(ids))
        return margins(decisions, self.estimator.classes_, self.num_classes)

    def features(self, ids: NDArray[np.integer]) -> Any:
        """Return the weighted counts of texts (N, T), sparse: (N, columns)."""
        return self.weights.transform(self.words.counts(ids))

    def parameters(self) -> int:
        """Return the number of learned parameters: pairs with a column, one weight per column, linear functions."""
        learned = (self.words.pairs, self.weights.idf_, self.estimator.coef_, self.estimator.intercept_)
        return sum(int(numbers.size) for numbers in learned)


MODEL = Estimator(
    TfidfLinearSVM,
    family="linear",
    signatures=("text -> class",),
    seeded=False,
    trusted=("assay.models.layers.word_counts.WordCounts",),
)
