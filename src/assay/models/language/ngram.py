# SPDX-License-Identifier: Apache-2.0
"""Interpolated Kneser-Ney n-grams: the counts after long contexts, mixed with those after shorter ones.

Source: Kneser and Ney, "Improved Backing-Off for M-Gram Language Modeling", ICASSP 1995,
https://doi.org/10.1109/ICASSP.1995.479394, in the interpolated form of Chen and Goodman, "An Empirical Study of
Smoothing Techniques for Language Modeling", 1998, https://dash.harvard.edu/handle/1/25104739. The fit does not
depend on the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from assay.models.declaration import Estimator

Codes = NDArray[np.int64]


class Level:
    """The contexts of one length: discounted counts of what follows each, and the weight of shorter contexts.

    Args:
        grams: (G,) a context and what follows it, as context * vocabulary + id; ascending, each once.
        counts: (G,) how often it counts.
    """

    def __init__(self, grams: Codes, counts: Codes, vocabulary: int, discount: float) -> None:
        contexts, starts, sizes = np.unique(grams // vocabulary, return_index=True, return_counts=True)
        totals = np.add.reduceat(counts, starts)
        shares = (np.maximum(counts - discount, 0) / np.repeat(totals, sizes)).astype(np.float32)
        self.contexts, self.vocabulary = contexts, vocabulary
        # The parts of a sparse matrix, since skops trusts arrays. One more, empty row is for contexts that are not
        # in training: it leaves everything to shorter ones.
        self.shares, self.followers = shares, grams % vocabulary
        self.rows = np.concatenate([starts, [len(grams)] * 2])
        self.left = np.append(discount * sizes / totals, 1.0).astype(np.float32)

    def mix(self, contexts: Codes, shorter: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities (M, V) after contexts (M,), ``shorter`` (M, V) being those after shorter ones."""
        rows = np.minimum(np.searchsorted(self.contexts, contexts), len(self.contexts) - 1)
        rows = np.where(self.contexts[rows] == contexts, rows, len(self.contexts))
        shape = (len(self.contexts) + 1, self.vocabulary)
        shares = sparse.csr_matrix((self.shares, self.followers, self.rows), shape=shape)
        mixed: NDArray[np.float32] = shares[rows].toarray() + self.left[rows, None] * shorter
        return mixed

    def size(self) -> int:
        """Return the number of learned parameters."""
        return len(self.shares) + len(self.contexts)


class NGram:
    """Counts of character n-grams, longest first.

    For shorter contexts an n-gram counts not by its frequency but by the number of distinct characters before it.
    At a position with fewer characters before it than the longest context, all of them are the context.

    Args:
        vocabulary: number of ids; its power to ``order`` must stay below 2**63.
        seed: not used.
        order: length of the longest n-gram, including the predicted character.
        discount: taken from each count and given to shorter contexts.

    Raises:
        ValueError: the order is too high for this number of ids.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        seed: int,
        order: Annotated[int, Field(ge=1)],
        discount: Annotated[float, Field(gt=0, lt=1)],
    ) -> None:
        del seed
        if vocabulary**order >= 2**63:
            raise ValueError(f"ngram: order = {order} is too high for {vocabulary} ids; lower it")
        self.vocabulary, self.order, self.discount = vocabulary, order, discount
        self.whole: list[Level] = []
        """By length of context: for the places that have no longer one."""
        self.shorter: list[Level] = []
        """By length of context: for the places that have."""

    def fit(self, ids: Codes, targets: Codes) -> None:
        """Count n-grams within items: ids (N, T), targets (N, T), without negative ones.

        Raises:
            ValueError: no item is as long as an n-gram.
        """
        if self.order > ids.shape[1] + 1:
            raise ValueError(f"ngram: order = {self.order} is longer than items of {ids.shape[1]}; lower it")
        self.whole, self.shorter = [], []
        for length in range(self.order):
            places = slice(max(length - 1, 0), None)
            real = targets[:, places] >= 0
            contexts = self._contexts(ids, length)[:, places]
            runs = (contexts * self.vocabulary + targets[:, places])[real]
            grams, counts = np.unique(runs, return_counts=True)
            self.whole.append(Level(grams, counts, self.vocabulary, self.discount))
            if length:
                shortened, preceding = np.unique(grams % self.vocabulary**length, return_counts=True)
                self.shorter.append(Level(shortened, preceding, self.vocabulary, self.discount))

    def outputs(self, ids: Codes) -> NDArray[np.float32]:
        """Return the log-probabilities of each next id, (N, T, vocabulary), from ids (N, T)."""
        mixed = np.full((*ids.shape, self.vocabulary), 1 / self.vocabulary, dtype=np.float32)
        for length in range(self.order):
            contexts = self._contexts(ids, length)
            for level, places in self._levels(length):
                shorter = mixed[:, places]
                found = level.mix(contexts[:, places].ravel(), shorter.reshape(-1, self.vocabulary))
                mixed[:, places] = found.reshape(shorter.shape)
        logarithms: NDArray[np.float32] = np.log(mixed)
        return logarithms

    def parameters(self) -> int:
        """Return the number of learned parameters: a share a run, a rest a context."""
        return sum(level.size() for level in [*self.whole, *self.shorter])

    def _contexts(self, ids: Codes, length: int) -> Codes:
        """Return at each position of ids (N, T) the code of the last ``length`` ids, 0 if there are none."""
        codes = np.zeros_like(ids)
        for back in range(length):
            codes[:, back:] += ids[:, : ids.shape[1] - back] * self.vocabulary**back
        return codes

    def _levels(self, length: int) -> Iterator[tuple[Level, slice]]:
        """Yield the contexts of this length, and their positions: position t has t + 1 ids."""
        if length == self.order - 1:
            yield self.whole[length], slice(max(length - 1, 0), None)
            return
        if length:
            yield self.whole[length], slice(length - 1, length)
        yield self.shorter[length], slice(length, None)


MODEL = Estimator(
    NGram,
    family="counts",
    signatures=("text -> next character",),
    seeded=False,
    trusted=("assay.models.language.ngram.Level",),
)
