# SPDX-License-Identifier: Apache-2.0
"""Transformer encoder over the words of a text; the average over the words is classified.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762; see
:mod:`assay.models.layers.text_encoder`. Initialised from a network trained on masked words it is a small BERT (Devlin
et al., NAACL 2019, https://arxiv.org/abs/1810.04805) being fine-tuned, with the average instead of its first token.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.capabilities import WarmStarts
from assay.models.declaration import Network
from assay.models.layers.text_encoder import TextEncoder
from assay.models.layers.word_embedding import WordEmbedding, cut, mean_over_words


class TextTransformer(nn.Module, WarmStarts):
    """Word vectors, learned positions, blocks, the average over the words, Linear.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        num_classes: number of logits.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector; a multiple of ``heads``.
        depth: number of blocks.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the input and of each branch.
        length: maximum number of words; of a longer text only the first are read.

    Raises:
        ValueError: ``heads`` does not divide the width.
    """

    STARTS = {"embedding": "embedding", "encoder": "encoder"}

    def __init__(
        self,
        *,
        vocabulary: int,
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        length: Annotated[int, Field(ge=1)],
    ) -> None:
        super().__init__()
        self.length = length
        self.embedding = WordEmbedding(min(words, vocabulary), width)
        self.encoder = TextEncoder(length=length, width=width, depth=depth, heads=heads, dropout=dropout)
        self.head = nn.Linear(width, num_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits (N, num_classes)."""
        ids = cut(ids[:, : self.length])
        real = ids != PADDING
        states = self.encoder(self.embedding(ids), real)  # (N, T, D)
        logits: torch.Tensor = self.head(mean_over_words(states, real))
        return logits


MODEL = Network(
    TextTransformer,
    family="attention",
    signatures=(
        "text -> class",
        "texts of several tasks -> classes",
    ),
)
