# SPDX-License-Identifier: Apache-2.0
"""Shared by models that predict each word from the source's word at the same position, by counts."""

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
    """Predicts the next word from the source's word at its position, without the previous words.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
    """

    def __init__(self, source_length: int, vocabulary: int) -> None:
        self.source_length, self.vocabulary = source_length, vocabulary

    @abstractmethod
    def judge(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return log-probabilities (M, V) of the translations of the source's words (M,)."""

    def words(self, source: NDArray[Any], steps: int) -> NDArray[np.int64]:
        """Return source ids (N, S) as (N, steps): END after the source's end."""
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
        """Return the state: the source's ids (N, S) and the next word's position (N,)."""
        return [source, torch.zeros(len(source), dtype=torch.int64)]

    def step(
        self, words: torch.Tensor, memory: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return log-probabilities (N, V) of the next words, and the new state; the last words are not read."""
        del words
        source, places = memory
        place = int(places[0])
        now = self.words(source.numpy(), place + 1)[:, place]
        return torch.from_numpy(self.judge(now)), [source, places + 1]


def frequencies(targets: NDArray[np.int64], vocabulary: int) -> NDArray[np.float32]:
    """Return the probability of each word in targets (N, T), including END, add-one smoothed: (V,).

    Ids that no model predicts count like words that are not in training.
    """
    counts = np.bincount(targets[targets != PADDING], minlength=vocabulary) + 1.0
    counts[[PADDING, UNKNOWN, BEGIN]] = 1.0
    shares: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
    return shares


def copied(words: NDArray[np.int64], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log-probabilities (M, V): words (M,) have half, the rest is distributed by the frequencies (V,)."""
    found: NDArray[np.float32] = np.tile(np.log((1 - COPIED) * shares), (len(words), 1))
    found[np.arange(len(words)), words] = np.log(COPIED + (1 - COPIED) * shares[words])
    return found
