# SPDX-License-Identifier: Apache-2.0
"""Word-by-word translation: each word becomes its most frequent translation, at the same position.

Translations are learned from pairs of texts by expectation maximisation of IBM model 1: every word of a
target comes from some word of its source, all equally likely a priori.

Source: Brown, Della Pietra, Della Pietra, Mercer, "The Mathematics of Statistical Machine Translation",
Computational Linguistics 1993, https://aclanthology.org/J93-2003. The fit does not depend on the seed.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from assay.data.special_tokens import BEGIN, END, PADDING
from assay.models.declaration import Estimator
from assay.models.layers.next_words import InPlace, frequencies

NOWHERE = BEGIN
"""The empty word, which every source has and from which words can come that translate none of its own."""
LEARNED = 0.9
"""How far the table is believed; the rest is the frequency of each word."""


class WordByWord(InPlace):
    """A table of translations; END translates END.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
        seed: not used.
        rounds: number of rounds of expectation maximisation.
        least: less probable translations are omitted from the table.
    """

    def __init__(
        self,
        *,
        source_length: int,
        vocabulary: int,
        seed: int,
        rounds: Annotated[int, Field(ge=1)],
        least: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        del seed
        super().__init__(source_length, vocabulary)
        self.rounds, self.least = rounds, least

    def fit(self, inputs: NDArray[Any], targets: NDArray[np.int64]) -> None:
        """Fit to inputs (N, S + T) and targets (N, T)."""
        self.frequencies = frequencies(targets, self.vocabulary)
        learned = translations(inputs[:, : self.source_length], targets, self.vocabulary, self.rounds)
        learned.data[learned.data < self.least] = 0.0
        learned.eliminate_zeros()
        self.table = learned.astype(np.float32)

    def judge(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return log-probabilities (M, V) of the translations of the source's words (M,)."""
        mixed: NDArray[np.float32] = LEARNED * self.table[words].toarray() + (1 - LEARNED) * self.frequencies
        mixed /= mixed.sum(axis=1, keepdims=True)  # a word that is not in training has no row
        return np.log(mixed, out=mixed)

    def parameters(self) -> int:
        """Return the number of learned parameters: the table's and the frequencies."""
        return int(self.table.nnz + len(self.frequencies))


def translations(
    source: NDArray[np.int64], targets: NDArray[np.int64], vocabulary: int, rounds: int
) -> csr_array:
    """Return the translation probabilities (V, V), after ``rounds`` rounds from a uniform start.

    Args:
        source: (N, S) ids.
        targets: (N, T) ids, END after each text; END translates only END.
    """
    texts, ours, theirs = _meetings(source, targets)
    keys, place = np.unique(ours * vocabulary + theirs, return_inverse=True)  # of each meeting, its pair
    first, second = keys // vocabulary, keys % vocabulary
    shares: NDArray[np.float64] = np.ones(len(keys))
    for _ in range(rounds):
        weights: NDArray[np.float64] = shares[place]
        weights /= np.bincount(texts, weights)[texts]  # over the words that one target's word can come from
        found = np.bincount(place, weights, len(keys))
        shares = found / np.bincount(first, found, vocabulary)[first]
    ending = ([*first, END], [*second, END])
    table = csr_array((np.append(shares, 1.0), ending), shape=(vocabulary, vocabulary))
    return table


def _meetings(
    source: NDArray[np.int64], targets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each pair of a source word and a target word of a text: the number of the target word, and both ids."""
    source = np.pad(source, ((0, 0), (1, 0)), constant_values=NOWHERE)
    rows, columns = np.nonzero((targets != PADDING) & (targets != END))  # the M words of all targets
    meeting = source[rows]  # (M, S + 1)
    numbers, places = np.nonzero(meeting != PADDING)
    return numbers, meeting[numbers, places], targets[rows, columns][numbers]


MODEL = Estimator(
    WordByWord,
    family="counts",
    signatures=("text -> text",),
    seeded=False,
    trusted=("scipy.sparse._csr.csr_array",),
)
