# SPDX-License-Identifier: Apache-2.0
"""Transformer encoder over the words of a sentence that scores each word's tags; can be initialised from a small BERT.

Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL
2019, https://arxiv.org/abs/1810.04805, its way of tagging; see :mod:`assay.models.word_vectors.bert` for what it starts
from. Characters are not read.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.capabilities import WarmStarts
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.text_encoder import TextEncoder
from assay.models.layers.word_embedding import WordEmbedding
from assay.models.layers.word_reader import padded, without_padding


class BertTagger(nn.Module, WarmStarts):
    """Word vectors, encoder, dropout, Linear.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        shape: (T, 1 + L), the words of a sentence and the ids per word.
        num_classes: number of tags.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector; a multiple of ``heads``.
        depth: number of blocks.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the input, of each branch and of the result.
        length: number of positions; at least T.

    Raises:
        ValueError: a sentence may be longer than ``length``, or ``heads`` does not divide the width.
    """

    STARTS = {"embedding": "embedding", "encoder": "encoder"}

    def __init__(
        self,
        *,
        vocabulary: int,
        shape: tuple[int, int],
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        length: Annotated[int, Field(ge=1)],
    ) -> None:
        super().__init__()
        if length < shape[0]:
            raise ValueError(
                f"bert_tagger: length = {length} is less than the {shape[0]} words of a sentence"
            )
        self.embedding = WordEmbedding(min(words, vocabulary), width)
        self.encoder = TextEncoder(length=length, width=width, depth=depth, heads=heads, dropout=dropout)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(width, num_classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map words (N, T, 1 + L), each its id and its characters', to scores (N, T, num_classes)."""
        ids = without_padding(inputs)[0][:, :, 0]  # (N, longest)
        states = self.encoder(self.embedding(ids), ids != PADDING)
        return padded(self.head(self.dropout(states)), inputs.shape[1])


MODEL = Network(BertTagger, family="attention", signatures=("text -> tags",))
