# SPDX-License-Identifier: Apache-2.0
"""Transformer encoder and decoder.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762; blocks
normalise before each branch (Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020,
https://arxiv.org/abs/2002.04745). Copying as in See et al., ACL 2017, https://arxiv.org/abs/1704.04368.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.capabilities import Steps
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.source_and_target import Copying, SharedVectors, parts
from assay.models.layers.text_encoder import MLP_RATIO, Block, attention_mask
from assay.models.layers.word_embedding import cut


class Attention(nn.Module):
    """Multi-head attention with cached keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.head_width = width // heads  # stored, so that the network also runs with fewer heads
        self.queries = nn.Linear(width, width)
        self.keys_values = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def remember(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map states (N, T, D) to keys and values, each (N, heads, T, D / heads)."""
        keys, values = self.keys_values(states).chunk(2, dim=-1)
        return self.split(keys), self.split(values)

    def split(self, states: torch.Tensor) -> torch.Tensor:
        """Return (N, T, D) as (N, heads, T, D / heads)."""
        heads = states.shape[2] // self.head_width
        return states.view(*states.shape[:2], heads, self.head_width).transpose(1, 2)

    def forward(
        self, states: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, seen: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Map states (N, T, D) to attention outputs (N, T, D) and weights (N, heads, T, S).

        ``seen`` (.., T or 1, S) is false at masked positions.
        """
        queries = self.split(self.queries(states))
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
        weights = torch.softmax(scores.masked_fill(~seen, torch.finfo(scores.dtype).min), dim=-1)
        gathered: torch.Tensor = self.output((weights @ values).transpose(1, 2).flatten(2))
        return gathered, weights


class DecoderBlock(nn.Module):
    """Attention to the previous words, attention to the source, a feed-forward layer, each added."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.source_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.own, self.cross = Attention(width, heads), Attention(width, heads)
        self.dropout = Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, MLP_RATIO * width),
            nn.GELU(),
            nn.Linear(MLP_RATIO * width, width),
            Dropout(dropout),
        )

    def forward(
        self,
        states: torch.Tensor,
        before: tuple[torch.Tensor, torch.Tensor],
        seen: torch.Tensor,
        source: tuple[torch.Tensor, torch.Tensor],
        real: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Map states (N, T, D) to states (N, T, D) and weights (N, heads, T, S) of the source.

        Args:
            before: keys and values of the target so far.
            seen: (T, T) or (1, 1), to which of them each state may attend.
            source: keys and values of the source.
            real: (N, 1, 1, S), false where the source is padding.
        """
        states = states + self.dropout(self.own(self.norm(states), *before, seen)[0])
        gathered, weights = self.cross(self.source_norm(states), *source, real)
        states = states + self.dropout(gathered)
        return states + self.feed_forward(states), weights


class Seq2SeqTransformer(nn.Module, Steps):
    """Encoder and decoder of ``depth`` blocks each, one embedding table for both and for the output.

    Args:
        source_length: S, ids of a source.
        target_length: T, ids of a target.
        vocabulary: number of ids, of source and target alike.
        width: size of a word vector; a multiple of ``heads`` and of 2.
        depth: blocks of the encoder, and of the decoder.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the inputs and of each branch.
        copying: whether words of the source can be copied; the outputs are then log-probabilities.
        beam: number of hypotheses in decoding; 1 is greedy. Training does not depend on it.

    Raises:
        ValueError: ``heads`` does not divide the width, or the width is odd.
    """

    def __init__(
        self,
        *,
        source_length: int,
        target_length: int,
        vocabulary: int,
        width: Annotated[int, Field(ge=2)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        copying: bool,
        beam: Annotated[int, Field(ge=1, le=16)],
    ) -> None:
        super().__init__()
        if width % heads or width % 2:
            raise ValueError(
                f"seq2seq_transformer: width = {width} is not a multiple of heads = {heads} and 2"
            )
        del beam
        self.source_length = source_length
        self.vectors = SharedVectors(vocabulary, width)
        self.register_buffer("waves", waves(max(source_length, target_length), width), persistent=False)
        self.dropout = Dropout(dropout)
        self.encoder = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.decoder = nn.ModuleList(DecoderBlock(width, heads, dropout) for _ in range(depth))
        self.source_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.copying = Copying(width) if copying else None

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map ids (N, S + T) to logits or log-probabilities (N, T', V), T' the longest target's ids."""
        source, target = parts(inputs, self.source_length)
        encoded, real = self.encode(source)
        length = target.shape[1]
        seen = torch.ones(length, length, dtype=torch.bool, device=inputs.device).tril()
        states = self.dropout(self.vectors(target) + self.get_buffer("waves")[:length])
        weights = real
        for block in self.blocks():
            before = block.own.remember(block.norm(states))
            states, weights = block(states, before, seen, block.cross.remember(encoded), real)
        return self.judge(states, weights, source)

    def blocks(self) -> Iterable[DecoderBlock]:
        """Return the decoder's blocks in order."""
        return cast(Iterable[DecoderBlock], self.decoder)

    def encode(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map ids (N, S) to states (N, S, D) and which are real (N, 1, 1, S)."""
        real = source != PADDING
        states = self.dropout(self.vectors(source) + self.get_buffer("waves")[: source.shape[1]])
        mask = attention_mask(real)
        for block in self.encoder:
            states = block(states, mask)
        return self.source_norm(states), real[:, None, None, :]

    def judge(self, states: torch.Tensor, weights: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """Map states (N, T, D) to outputs (N, T, V); copying uses the last block's weights (N, heads, T, S)."""
        states = self.norm(states)
        logits = self.vectors.outputs(states)
        return logits if self.copying is None else self.copying(states, logits, weights.mean(dim=1), source)

    def start(self, source: torch.Tensor) -> list[torch.Tensor]:
        """Return the state of decoding, each (N, ...): source ids, which are real, then each block's keys and values
        of the source and of the target so far."""
        encoded, real = self.encode(cut(source))
        memory = [cut(source), real]
        for block in self.blocks():
            memory += [*block.cross.remember(encoded), *block.own.remember(encoded[:, :0])]
        return memory

    def step(
        self, words: torch.Tensor, memory: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Map the last words (N,) to outputs (N, V) for the next ones, and the new state."""
        source, real, *kept = memory
        place = kept[2].shape[2]
        states = self.vectors(words[:, None]) + self.get_buffer("waves")[place : place + 1]
        new_state, weights = [source, real], real
        seen = torch.ones(1, 1, dtype=torch.bool, device=words.device)
        for number, block in enumerate(self.blocks()):
            source_keys, source_values, *before = kept[4 * number : 4 * number + 4]
            now = block.own.remember(block.norm(states))
            keys, values = (torch.cat(pair, dim=2) for pair in zip(before, now, strict=True))
            states, weights = block(states, (keys, values), seen, (source_keys, source_values), real)
            new_state += [source_keys, source_values, keys, values]
        return self.judge(states, weights, source)[:, 0], new_state


def waves(length: int, width: int) -> torch.Tensor:
    """Return the paper's positions (length, width): sines, then cosines, of decreasing frequency."""
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))  # (width / 2,)
    angles = torch.arange(length)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


MODEL = Network(Seq2SeqTransformer, family="attention", signatures=("text -> text",))
