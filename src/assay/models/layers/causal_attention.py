# SPDX-License-Identifier: Apache-2.0
"""Causal self-attention with a key-value cache, for networks that read from left to right.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, section 3.2.3:
a position sees itself and what stands before it. What is kept from step to step of a generation is, of each
layer, the keys and values: those of the past never change.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class KeyValues:
    """The keys and values of the positions that one layer has read so far, with room for more.

    Args:
        room: maximum number of positions.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.length = 0
        self._keys = self._values = torch.empty(0)

    def append(self, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Add those of T positions, each (N, heads, T, D); return those of all positions so far."""
        batch, heads, added, width = keys.shape
        if not self.length:
            self._keys, self._values = (keys.new_empty(batch, heads, self.room, width) for _ in range(2))
        end = self.length + added
        self._keys[:, :, self.length : end] = keys
        self._values[:, :, self.length : end] = values
        self.length = end
        return self._keys[:, :, :end], self._values[:, :, :end]


class CausalAttention(nn.Module):
    """Multi-head self-attention in which no position sees what comes after it.

    Args:
        width: size of a position's state; a multiple of ``heads``.
        heads: attention heads.
        dropout: probability that an attention weight is zeroed in training.
        bias: whether the two Linear layers have one.
    """

    def __init__(self, width: int, heads: int, dropout: float, *, bias: bool) -> None:
        super().__init__()
        self.dropout = dropout
        self.head_width = width // heads  # stored, so that the network also runs with fewer heads
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=bias)
        self.output = nn.Linear(width, width, bias=bias)

    def forward(self, states: torch.Tensor, cache: KeyValues | None = None) -> torch.Tensor:
        """Map states (N, T, width) to (N, T, width).

        Args:
            cache: the cache of the previous positions, to which these are added; it must be empty if T is not 1.
        """
        length = states.shape[1]
        heads = self.queries_keys_values(states).view(*states.shape[:2], 3, -1, self.head_width)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4).unbind()  # each (N, heads, T, width / heads)
        if cache is not None:
            assert length == 1 or not cache.length, "the mask below is that of a whole text or of one step"
            keys, values = cache.append(keys, values)
        mixed = attend(
            queries, keys, values, dropout=self.dropout if self.training else 0.0, causal=length > 1
        )
        merged: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return merged


def attend(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, *, dropout: float, causal: bool
) -> torch.Tensor:
    """Return the attention outputs (N, heads, T, D) of queries (N, heads, T, D).

    Args:
        causal: whether the query at position t attends only to keys up to position t.
    """
    if queries.device.type == "cpu" and queries.dtype == torch.bfloat16:
        # PyTorch 2.13 takes eight times as long for the backward pass in bfloat16: half of a small network's time.
        with torch.autocast("cpu", enabled=False):
            return attend(queries.float(), keys.float(), values.float(), dropout=dropout, causal=causal)
    return F.scaled_dot_product_attention(queries, keys, values, dropout_p=dropout, is_causal=causal)
