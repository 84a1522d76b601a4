# SPDX-License-Identifier: Apache-2.0
"""Shared by tagging networks: each word's vector, from its id and from its characters."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from assay.data.special_tokens import PADDING
from assay.models.layers.dropout import Dropout
from assay.models.layers.word_embedding import WordEmbedding, cut

# Of Ma and Hovy's convolution, in characters.
KERNEL = 3


class WordReader(nn.Module):
    """A learned vector for each of the most common words, concatenated with a convolution over its characters.

    Source: Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL 2016,
    https://arxiv.org/abs/1603.01354.

    Args:
        words: number of ids with their own vector, including padding and the unknown word.
        width: size of a word vector.
        alphabet: number of ids of characters.
        character_width: size of a character vector.
        filters: number of character features per word; with 0, characters are not read.
        dropout: probability that a number is zeroed in training, of the result.
    """

    def __init__(
        self, words: int, width: int, alphabet: int, character_width: int, filters: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = WordEmbedding(words, width)
        self.outputs = width + filters
        self.dropout = Dropout(dropout)
        self.characters: nn.Embedding | None = None
        if filters:
            self.characters = nn.Embedding(alphabet, character_width, padding_idx=PADDING)
            self.convolution = nn.Conv1d(character_width, filters, KERNEL, padding=KERNEL // 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map words (N, T, 1 + L), each its id and its characters', to vectors (N, T, outputs)."""
        vectors: torch.Tensor = self.embedding(inputs[:, :, 0])
        if self.characters is not None:
            vectors = torch.cat([vectors, self.spell(inputs[:, :, 1:])], dim=2)
        dropped: torch.Tensor = self.dropout(vectors)
        return dropped

    def spell(self, ids: torch.Tensor) -> torch.Tensor:
        """Map characters (N, T, L) to features of each word (N, T, filters), zeros where there is no word."""
        if torch.compiler.is_exporting():  # the graph's sizes must not depend on the contents of a batch
            return self.convolve(ids.flatten(0, 1)).view(*ids.shape[:2], -1)
        words = ids[:, :, 0] != PADDING  # (N, T)
        spelt = self.convolve(cut(ids[words]))  # (words, filters)
        return spelt.new_zeros(*words.shape, spelt.shape[1]).masked_scatter(words.unsqueeze(2), spelt)

    def convolve(self, ids: torch.Tensor) -> torch.Tensor:
        """Map characters (words, L) to the filters' maxima (words, filters), zeros where there is none."""
        assert self.characters is not None
        vectors = self.characters(ids).transpose(1, 2)  # (words, D, L)
        answers = F.relu(self.convolution(vectors)) * (ids != PADDING).unsqueeze(1)
        return answers.amax(dim=2)


def without_padding(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return words (N, T, 1 + L) up to the longest sentence, and the sentences' lengths (N,).

    In an export all columns are kept: see :func:`assay.models.layers.word_embedding.cut`.
    """
    inputs = inputs[:, : cut(inputs[:, :, 0]).shape[1]]
    return inputs, (inputs[:, :, 0] != PADDING).sum(dim=1).clamp(min=1)


def padded(scores: torch.Tensor, length: int) -> torch.Tensor:
    """Return scores (N, T, K) padded with zeros to (N, length, K)."""
    return F.pad(scores, (0, 0, 0, length - scores.shape[1]))
