# SPDX-License-Identifier: Apache-2.0
"""The mean of a text's word vectors, classified linearly: the order of the words is ignored.

Source: Joulin et al., "Bag of Tricks for Efficient Text Classification" (fastText), 2016,
https://arxiv.org/abs/1607.01759, of single words, with dropout and a full softmax.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.word_embedding import WordEmbedding, cut, mean_over_words


class BagOfEmbeddings(nn.Module):
    """Word vectors, their mean, dropout, Linear.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        num_classes: number of logits.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector.
        dropout: probability that a number of the mean is zeroed in training.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        self.embedding = WordEmbedding(min(words, vocabulary), width)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(width, num_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits (N, num_classes)."""
        ids = cut(ids)
        mean = mean_over_words(self.embedding(ids), ids != PADDING)  # (N, D)
        logits: torch.Tensor = self.head(self.dropout(mean))
        return logits


MODEL = Network(BagOfEmbeddings, family="embeddings", signatures=("text -> class",))
