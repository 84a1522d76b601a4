# SPDX-License-Identifier: Apache-2.0
"""Control of summarisation: the first words of the text, as many as a summary has on average.

Otherwise like the control that copies everything: half of the probability is on the word at the same position.

Source: the lead baseline: Nenkova, "Automatic Text Summarization of Newswire: Lessons Learned from the Document
Understanding Conference", AAAI 2005, https://cdn.aaai.org/AAAI/2005/AAAI05-228.pdf. The fit does not depend on
the seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.special_tokens import END, PADDING
from assay.models.declaration import Estimator
from assay.models.layers.next_words import InPlace, copied, frequencies


class FirstWords(InPlace):
    """Predict the source's first words; no knobs.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
        seed: not used.
    """

    def __init__(self, *, source_length: int, vocabulary: int, seed: int) -> None:
        del seed
        super().__init__(source_length, vocabulary)

    def fit(self, inputs: NDArray[Any], targets: NDArray[np.int64]) -> None:
        """Count the words of targets (N, T) and their mean number, END not counted."""
        del inputs
        self.frequencies = frequencies(targets, self.vocabulary)
        self.length = round(float((targets != PADDING).sum(axis=1).mean())) - 1

    def words(self, source: NDArray[Any], steps: int) -> NDArray[np.int64]:
        """Return source ids (N, S) as (N, steps): END after a summary's mean length."""
        found = super().words(source, steps)
        found[:, self.length :] = END
        return found

    def judge(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return log-probabilities (M, V) of the translations of the source's words (M,)."""
        return copied(words, self.frequencies)

    def parameters(self) -> int:
        """Return the number of learned parameters: one frequency per word, and the length."""
        return len(self.frequencies) + 1


MODEL = Estimator(FirstWords, family="control", signatures=("text -> text",), seeded=False)
