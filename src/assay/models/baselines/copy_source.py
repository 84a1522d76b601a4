# SPDX-License-Identifier: Apache-2.0
"""Control: the target is the source; it should lose wherever something must be done.

Half of the probability lies on the source's word at the same place, or on the end after its last one; the rest
is the frequency of each word in the targets.

Source: the untranslated source as a baseline: Specia et al., "A Shared Task on Multimodal Machine Translation",
WMT 2016, https://aclanthology.org/W16-2346, has no easier one. The fit does not depend on the seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.models.declaration import Estimator
from assay.models.layers.next_words import InPlace, copied, frequencies


class CopySource(InPlace):
    """Write the source; it has no knobs.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
        seed: not used.
    """

    def __init__(self, *, source_length: int, vocabulary: int, seed: int) -> None:
        del seed
        super().__init__(source_length, vocabulary)

    def fit(self, inputs: NDArray[Any], targets: NDArray[np.int64]) -> None:
        """Count the words of targets (N, T); the inputs are not looked at."""
        del inputs
        self.frequencies = frequencies(targets, self.vocabulary)

    def judge(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return log-probabilities (M, V) of the words that stand for the source's words (M,)."""
        return copied(words, self.frequencies)

    def parameters(self) -> int:
        """Return how many numbers were learned: one frequency a word."""
        return len(self.frequencies)


MODEL = Estimator(CopySource, family="control", signatures=("text -> text",), seeded=False)
