# SPDX-License-Identifier: Apache-2.0
"""Counts of words and of pairs of neighbouring words in a text: the features of the linear text models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assay.data.special_tokens import UNKNOWN

LEAST_PAIRS = 2
"""A pair seen less often in training has no column: it would only name the text that it came from."""


class WordCounts:
    """One column per word id from 1 on, then one per pair of neighbours, in the order of their ids.

    Args:
        words: number of ids with their own column; rarer words count as unknown. Padding has none.
        ngrams: 1 counts words, 2 also pairs of neighbours.
    """

    def __init__(self, words: int, ngrams: int) -> None:
        self.words = words
        self.ngrams = ngrams
        self.pairs = np.zeros(0, dtype=np.int64)
        """The pairs (first, second) that have a column, as first * words + second, ascending."""

    def fit(self, ids: NDArray[np.integer]) -> None:
        """Choose the pairs with a column from training texts (N, T)."""
        if self.ngrams == 2:
            _, pairs = self.pairs_of(self.known(ids))
            codes, counts = np.unique(pairs, return_counts=True)
            self.pairs = codes[counts >= LEAST_PAIRS]

    def counts(self, ids: NDArray[np.integer]) -> Any:
        """Return the counts of texts (N, T) as a CSR matrix (N, columns)."""
        ids = self.known(ids)
        rows, places = np.nonzero(ids)
        columns = ids[rows, places] - 1
        if len(self.pairs):
            pair_rows, pairs = self.pairs_of(ids)
            found = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
            chosen = self.pairs[found] == pairs
            rows = np.concatenate([rows, pair_rows[chosen]])
            columns = np.concatenate([columns, self.words - 1 + found[chosen]])
        shape = (len(ids), self.words - 1 + len(self.pairs))
        matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
        matrix.sort_indices()
        return matrix

    def known(self, ids: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return ids (N, T) in which rare words are unknown."""
        return np.where(ids < self.words, ids, UNKNOWN).astype(np.int64)

    def pairs_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the row and the code of each pair of neighbours in ids (N, T)."""
        rows, places = np.nonzero(
            ids[:, 1:]
        )  # padding is on the right, so the first of a pair is also a word
        return rows, ids[rows, places] * self.words + ids[rows, places + 1]
