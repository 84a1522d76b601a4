# SPDX-License-Identifier: Apache-2.0
"""Control: the frequency of each character in training, without context; every model should beat it.

Source: Shannon, "A Mathematical Theory of Communication", Bell System Technical Journal 1948, section 3, his
first-order approximation, https://doi.org/10.1002/j.1538-7305.1948.tb01338.x; one is added to each count (Laplace),
so that no character is impossible. The fit does not depend on the seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.models.declaration import Estimator


class Unigram:
    """One probability per character; no knobs.

    Args:
        vocabulary: number of ids.
        seed: not used.
    """

    def __init__(self, *, vocabulary: int, seed: int) -> None:
        del seed
        self.vocabulary = vocabulary

    def fit(self, ids: NDArray[np.int64], targets: NDArray[np.int64]) -> None:
        """Count the targets (N, T), without negative ones; the ids are ignored."""
        del ids
        counts = 1 + np.bincount(targets[targets >= 0], minlength=self.vocabulary)
        self.logarithms = np.log(counts / counts.sum()).astype(np.float32)  # (vocabulary,)

    def outputs(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the same log-probabilities at each position of ids (N, T): (N, T, vocabulary)."""
        return np.tile(self.logarithms, (*ids.shape, 1))

    def parameters(self) -> int:
        """Return the number of learned parameters: one probability per character."""
        return len(self.logarithms)


MODEL = Estimator(Unigram, family="control", signatures=("text -> next character",), seeded=False)
