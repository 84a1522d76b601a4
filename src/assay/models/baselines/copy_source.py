# SPDX-License-Identifier: Apache-2.0
"""Control: the target is the source; it should lose on every task that changes the text.

Half of the probability is on the source's word at the same position, or on END after its last word; the rest
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
    """Predict the source; no knobs.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
        seed: not used.
    """

    def __init__(self, *, source_length: int, vocabulary: int, seed: int) -> None:
        del seed
        super().__init__(source_length, vocabulary)

    def fit(self, inputs: NDArray[Any], targets: NDArray[np.int64]) -> None:
        """Count the words of targets (N, T); the inputs are ignored."""
        del inputs
        self.frequencies = frequencies(targets, self.vocabulary)

    def judge(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return log-probabilities (M, V) of the translations of the source's words (M,)."""
        return copied(words, self.frequencies)

    def parameters(self) -> int:
        """Return the number of learned parameters: one frequency per word."""
        return len(self.frequencies)


MODEL = Estimator(CopySource, family="control", signatures=("text -> text",), seeded=False)
