# SPDX-License-Identifier: Apache-2.0
"""Multinomial naive Bayes on counts of words, by scikit-learn: given its class, a text's words are independent.

Source: McCallum and Nigam, "A Comparison of Event Models for Naive Bayes Text Classification", AAAI-98
Workshop on Learning for Text Categorization, https://cdn.aaai.org/Workshops/1998/WS-98-05/WS98-05-007.pdf.
The fit does not depend on the seed.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import naive_bayes

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import log_probabilities
from assay.models.layers.word_counts import WordCounts


class NaiveBayes:
    """The probabilities of each word in each class, and of each class; the logits are log-probabilities.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        num_classes: number of logits.
        seed: not used.
        words: number of ids with their own counts; rarer words count as unknown.
        ngrams: 1 counts words, 2 also pairs of neighbours that training has at least twice.
        alpha: added to each count, so that no word is impossible.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        num_classes: int,
        seed: int,
        words: Annotated[int, Field(ge=3)],
        ngrams: Literal[1, 2],
        alpha: Annotated[float, Field(gt=0)],
    ) -> None:
        del seed
        self.num_classes = num_classes
        self.words = WordCounts(min(words, vocabulary), ngrams)
        self.estimator = naive_bayes.MultinomialNB(alpha=alpha)

    def fit(self, ids: NDArray[np.integer], targets: NDArray[np.int64]) -> None:
        """Fit on ids (N, T) and targets (N,)."""
        self.words.fit(ids)
        self.estimator.fit(self.words.counts(ids), targets)

    def outputs(self, ids: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return log-probabilities (N, num_classes)."""
        probabilities = self.estimator.predict_proba(self.words.counts(ids))
        return log_probabilities(probabilities, self.estimator.classes_, self.num_classes)

    def parameters(self) -> int:
        """Return the number of learned parameters: the pairs with a column, and the log-probabilities."""
        estimator = self.estimator
        return int(self.words.pairs.size + estimator.feature_log_prob_.size + estimator.class_log_prior_.size)


MODEL = Estimator(
    NaiveBayes,
    family="Bayesian",
    signatures=("text -> class",),
    seeded=False,
    trusted=("assay.models.layers.word_counts.WordCounts",),
)
