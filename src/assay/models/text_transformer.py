"""Transformer encoder over the words of a text.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, its
encoder with learned positions; blocks normalise before each branch (Xiong et al., "On Layer Normalization in
the Transformer Architecture", ICML 2020, https://arxiv.org/abs/2002.04745), and the average over the words is
classified.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.word_embedding import SPREAD, WordEmbedding, cut, mean_over_words
from assay.word_ids import PADDING

# The paper's ratio of a block's feed-forward units to its width.
MLP_RATIO = 4


class Attention(nn.Module):
    """Multi-head self-attention that looks at words only, never at padding."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, states: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Map states (N, T, D) to (N, T, D); ``real`` (N, T) is false where there is padding."""
        length, width = states.shape[1:]
        heads = self.queries_keys_values(states).view(-1, length, 3, self.heads, width // self.heads)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4).unbind()  # each (N, heads, T, D / heads)
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5  # (N, heads, T, T)
        # The lowest number, not minus infinity: a text of padding alone must not become NaN.
        scores = scores.masked_fill(~real[:, None, None, :], torch.finfo(scores.dtype).min)
        mixed = torch.softmax(scores, dim=-1) @ values  # (N, heads, T, D / heads)
        merged: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return merged


class Block(nn.Module):
    """Attention, then a feed-forward layer, each added to what it was given."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, MLP_RATIO * width),
            nn.GELU(),
            nn.Linear(MLP_RATIO * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, states: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Map states (N, T, D) to (N, T, D)."""
        states = states + self.dropout(self.attention(self.norm(states), real))
        added: torch.Tensor = states + self.feed_forward(states)
        return added


class TextTransformer(nn.Module):
    """Word vectors, learned positions, blocks, the average over the words, Linear.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words from the commonest on.
        shape: (T,), the ids of one text.
        num_classes: number of logits.
        words: ids that have a vector of their own; the rarer ones count as unknown.
        width: numbers a word; a multiple of ``heads``.
        depth: number of blocks.
        heads: attention heads a block.
        dropout: chance that a number is zeroed in training, of the input and of each branch.
        length: of a longer text only so many words are read, the first.

    Raises:
        ValueError: ``heads`` does not divide the width.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        shape: tuple[int],
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        length: Annotated[int, Field(ge=1)],
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"text_transformer: width = {width} is not a multiple of heads = {heads}")
        self.length = min(length, shape[0])
        self.embedding = WordEmbedding(min(words, vocabulary), width)
        self.positions = nn.Parameter(torch.empty(1, self.length, width))
        nn.init.normal_(self.positions, std=SPREAD)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits (N, num_classes)."""
        ids = cut(ids[:, : self.length])
        real = ids != PADDING
        states = self.dropout(self.embedding(ids) + self.positions[:, : ids.shape[1]])  # (N, T, D)
        for block in self.blocks:
            states = block(states, real)
        logits: torch.Tensor = self.head(mean_over_words(self.norm(states), real))
        return logits
