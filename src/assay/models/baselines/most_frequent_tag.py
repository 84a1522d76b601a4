# SPDX-License-Identifier: Apache-2.0
"""Control: each word's most common tag in training, without context; models with context should beat it.

Source: the baseline of every tagging task: Charniak, Hendrickson, Jacobson and Perkowitz, "Equations for
Part-of-Speech Tagging", AAAI-93, https://cdn.aaai.org/AAAI/1993/AAAI93-117.pdf. The fit does not depend on the
seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.models.declaration import Estimator


class MostFrequentTag:
    """How often each word has each tag; a word that is not in training has the tags of all words. No knobs.

    Args:
        vocabulary: number of ids of words.
        num_classes: number of tags.
        seed: not used.
    """

    def __init__(self, *, vocabulary: int, num_classes: int, seed: int) -> None:
        del seed
        self.vocabulary, self.num_classes = vocabulary, num_classes

    def fit(self, inputs: NDArray[Any], targets: NDArray[np.int64]) -> None:
        """Count the tags (N, T), negative after a sentence's end, of the words (N, T, 1 + L); characters are not
        looked at."""
        real = targets >= 0
        counts = np.zeros((self.vocabulary, self.num_classes))
        np.add.at(counts, (inputs[:, :, 0][real], targets[real]), 1)
        # The tags of all words, scaled to one word, so that no tag is impossible.
        prior = (counts.sum(axis=0) + 1) / (counts.sum() + self.num_classes)
        shares = (counts + prior) / (counts.sum(axis=1, keepdims=True) + 1)
        self.log_shares = np.log(shares).astype(np.float32)  # (vocabulary, K)

    def outputs(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the logarithms of the shares of each word's tags (N, T, num_classes)."""
        logits: NDArray[np.float32] = self.log_shares[inputs[:, :, 0]]
        return logits

    def parameters(self) -> int:
        """Return the number of learned parameters: one share per word and tag."""
        return int(self.log_shares.size)


MODEL = Estimator(MostFrequentTag, family="control", signatures=("text -> tags",), seeded=False)
