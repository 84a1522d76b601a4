# SPDX-License-Identifier: Apache-2.0
"""Bidirectional LSTM over the words of a sentence that scores each word's tags independently.

Source: Huang, Xu and Yu, "Bidirectional LSTM-CRF Models for Sequence Tagging", 2015,
https://arxiv.org/abs/1508.01991, its BI-LSTM; characters as in Ma and Hovy, ACL 2016,
https://arxiv.org/abs/1603.01354.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.capabilities import WarmStarts
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.recurrent import Layer
from assay.models.layers.word_reader import WordReader, padded, without_padding


class BiLSTMTagger(nn.Module, WarmStarts):
    """Word vectors concatenated with a convolution over the characters, a bidirectional LSTM, Linear.

    Args:
        vocabulary: number of ids of words: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        alphabet: number of ids of characters.
        num_classes: number of tags.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector.
        character_width: size of a character vector.
        filters: number of character features per word; with 0, characters are not read.
        hidden: units of each direction.
        dropout: probability that a number is zeroed in training, before and after the LSTM.
    """

    STARTS = {"reader.embedding": "embedding"}

    def __init__(
        self,
        *,
        vocabulary: int,
        alphabet: int,
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        character_width: Annotated[int, Field(ge=1)],
        filters: Annotated[int, Field(ge=0)],
        hidden: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        self.reader = WordReader(min(words, vocabulary), width, alphabet, character_width, filters, dropout)
        self.layer = Layer("lstm", self.reader.outputs, hidden, bidirectional=True)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(2 * hidden, num_classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map words (N, T, 1 + L), each its id and its characters', to scores (N, T, num_classes)."""
        words, lengths = without_padding(inputs)
        return padded(self.score(words, lengths), inputs.shape[1])

    def score(self, words: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Map words (N, T, 1 + L) of sentences with these lengths (N,) to scores (N, T, num_classes)."""
        states, _ = self.layer(self.reader(words), lengths)
        scores: torch.Tensor = self.head(self.dropout(states))
        return scores


MODEL = Network(BiLSTMTagger, family="recurrent", signatures=("text -> tags",))
