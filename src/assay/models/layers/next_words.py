# SPDX-License-Identifier: Apache-2.0
"""What the models share that count words and write each one by the source's word in the same place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from assay.data.special_tokens import BEGIN, END, PADDING, UNKNOWN
from assay.models.capabilities import Steps

COPIED = 0.5
"""How probable a copied word is."""


class InPlace(ABC, Steps):
    """Writes the next word by the source's word in its place, whatever has been written before.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
    """

    def __init__(self, source_length: int, vocabulary: int) -> None:
        self.source_length, self.vocabulary = source_length, vocabulary

    @abstractmethod
    def judge(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return log-probabilities (M, V) of the words that stand for the source's words (M,)."""

    def words(self, source: NDArray[Any], steps: int) -> NDArray[np.int64]:
        """Return source ids (N, S) as (N, steps): END wherever the source is over."""
        padded = np.pad(source, ((0, 0), (0, steps)))[:, :steps]
        return np.where(padded == PADDING, END, padded)

    def outputs(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return log-probabilities (N, T', V) of each next word for inputs (N, S + T), T' the longest target's
        ids."""
        source, target = inputs[:, : self.source_length], inputs[:, self.source_length :]
        words = self.words(source, max(1, int((target != PADDING).any(axis=0).sum())))
        found: NDArray[np.float32] = self.judge(words.ravel()).reshape(*words.shape, self.vocabulary)
        return found

    def start(self, source: torch.Tensor) -> list[torch.Tensor]:
        """Return what decoding keeps: the source's ids (N, S) and the next word's place (N,)."""
        return [source, torch.zeros(len(source), dtype=torch.int64)]

    def step(
        self, words: torch.Tensor, memory: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return log-probabilities (N, V) of the next words, and what is kept; the last words are not read."""
        del words
        source, places = memory
        place = int(places[0])
        now = self.words(source.numpy(), place + 1)[:, place]
        return torch.from_numpy(self.judge(now)), [source, places + 1]


def frequencies(targets: NDArray[np.int64], vocabulary: int) -> NDArray[np.float32]:
    """Return how probable each word is anywhere in targets (N, T), END included, add-one smoothed: (V,).

    What no model writes counts like a word that training has not.
    """
    counts = np.bincount(targets[targets != PADDING], minlength=vocabulary) + 1.0
    counts[[PADDING, UNKNOWN, BEGIN]] = 1.0
    shares: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
    return shares


def copied(words: NDArray[np.int64], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log-probabilities (M, V): words (M,) have half, the frequencies (V,) share the rest."""
    found: NDArray[np.float32] = np.tile(np.log((1 - COPIED) * shares), (len(words), 1))
    found[np.arange(len(words)), words] = np.log(COPIED + (1 - COPIED) * shares[words])
    return found
