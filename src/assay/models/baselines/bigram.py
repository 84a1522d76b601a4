# SPDX-License-Identifier: Apache-2.0
"""Bigram model: how often each character follows each other one.

Source: Shannon, "A Mathematical Theory of Communication", Bell System Technical Journal 1948, section 3, his
second-order approximation, https://doi.org/10.1002/j.1538-7305.1948.tb01338.x; smoothed by adding to each count
(Lidstone). The fit does not depend on the seed.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from assay.models.declaration import Estimator


class Bigram:
    """One row of probabilities per character, for the next character.

    Args:
        vocabulary: number of ids.
        seed: not used.
        alpha: added to each count, so that no pair is impossible.
    """

    def __init__(self, *, vocabulary: int, seed: int, alpha: Annotated[float, Field(gt=0)]) -> None:
        del seed
        self.vocabulary, self.alpha = vocabulary, alpha

    def fit(self, ids: NDArray[np.int64], targets: NDArray[np.int64]) -> None:
        """Count the pairs of ids (N, T) and targets (N, T), without negative targets."""
        pairs = (ids * self.vocabulary + targets)[targets >= 0]
        counts = np.bincount(pairs, minlength=self.vocabulary**2).reshape(-1, self.vocabulary) + self.alpha
        self.logarithms = np.log(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)

    def outputs(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the log-probabilities of each next id, (N, T, vocabulary), from ids (N, T)."""
        found: NDArray[np.float32] = self.logarithms[ids]
        return found

    def parameters(self) -> int:
        """Return the number of learned parameters: one probability per pair."""
        return int(self.logarithms.size)


MODEL = Estimator(Bigram, family="counts", signatures=("text -> next character",), seeded=False)
