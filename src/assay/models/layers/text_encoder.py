# SPDX-License-Identifier: Apache-2.0
"""Transformer encoder over word vectors, shared by bidirectional text models.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, its
encoder with learned positions; blocks normalise before each branch (Xiong et al., "On Layer Normalization in
the Transformer Architecture", ICML 2020, https://arxiv.org/abs/2002.04745).
"""

from __future__ import annotations

import torch
from torch import nn

from assay.models.layers.dropout import Dropout
from assay.models.layers.word_embedding import SPREAD

# The paper's ratio of a block's feed-forward units to its width.
MLP_RATIO = 4


class Attention(nn.Module):
    """Multi-head self-attention over words, never over padding."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.head_width = width // heads  # stored, so that the network also runs with fewer heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map states (N, T, D) to (N, T, D); ``mask`` is that of :func:`attention_mask`."""
        heads = self.queries_keys_values(states).view(*states.shape[:2], 3, -1, self.head_width)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4).unbind()  # each (N, heads, T, D / heads)
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5  # (N, heads, T, T)
        mixed = torch.softmax(scores + mask, dim=-1) @ values  # (N, heads, T, D / heads)
        merged: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return merged


def attention_mask(real: torch.Tensor) -> torch.Tensor:
    """Return the additive mask of padding for scores (N, heads, T, T): (N, 1, 1, T), 0 where ``real`` (N, T) is true.

    Elsewhere it is the lowest 16-bit number, not minus infinity: a text of padding only must not become NaN.
    """
    return (~real)[:, None, None, :] * torch.finfo(torch.bfloat16).min


class Block(nn.Module):
    """Attention, then a feed-forward layer, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.dropout = Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, MLP_RATIO * width),
            nn.GELU(),
            nn.Linear(MLP_RATIO * width, width),
            Dropout(dropout),
        )

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map states (N, T, D) to (N, T, D); ``mask`` is that of :func:`attention_mask`."""
        states = states + self.dropout(self.attention(self.norm(states), mask))
        added: torch.Tensor = states + self.feed_forward(states)
        return added


class TextEncoder(nn.Module):
    """Learned positions, blocks, normalisation.

    Args:
        length: maximum number of words.
        width: size of a word vector; a multiple of ``heads``.
        depth: number of blocks.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the input and of each branch.

    Raises:
        ValueError: ``heads`` does not divide the width.
    """

    def __init__(self, *, length: int, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width = {width} is not a multiple of heads = {heads}")
        self.positions = nn.Parameter(torch.empty(1, length, width))
        nn.init.normal_(self.positions, std=SPREAD)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, vectors: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Map vectors (N, T, D) to states (N, T, D); ``real`` (N, T) is false where there is padding."""
        states = self.dropout(vectors + self.positions[:, : vectors.shape[1]])
        mask = attention_mask(real)
        for block in self.blocks:
            states = block(states, mask)
        normed: torch.Tensor = self.norm(states)
        return normed
