# SPDX-License-Identifier: Apache-2.0
"""Transformer encoder over the words of a sentence that scores each word's tags independently.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, its encoder
with its sines and cosines as positions, which also work for longer sentences than in training; blocks
normalise before each branch (Xiong et al., ICML 2020, https://arxiv.org/abs/2002.04745). Characters as in Ma and
Hovy, ACL 2016, https://arxiv.org/abs/1603.01354.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.capabilities import WarmStarts
from assay.models.declaration import Network
from assay.models.layers.text_encoder import Block, attention_mask
from assay.models.layers.word_embedding import SPREAD
from assay.models.layers.word_reader import WordReader, padded, without_padding

# The longest wave of a position, over 2 pi, in words.
LONGEST_WAVE = 10_000


class TransformerTagger(nn.Module, WarmStarts):
    """Word vectors concatenated with a convolution over the characters, Linear, positions, blocks, Linear.

    Args:
        vocabulary: number of ids of words: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        alphabet: number of ids of characters.
        shape: (T, 1 + L), the words of a sentence and the ids per word.
        num_classes: number of tags.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector; an even multiple of ``heads``.
        character_width: size of a character vector.
        filters: number of character features per word; with 0, characters are not read.
        depth: number of blocks.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the input and of each branch.

    Raises:
        ValueError: the width is odd, or ``heads`` does not divide it.
    """

    STARTS = {"reader.embedding": "embedding"}
    positions: torch.Tensor

    def __init__(
        self,
        *,
        vocabulary: int,
        alphabet: int,
        shape: tuple[int, int],
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=2)],
        character_width: Annotated[int, Field(ge=1)],
        filters: Annotated[int, Field(ge=0)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        if width % heads or width % 2:
            raise ValueError(
                f"transformer_tagger: width = {width} is not even and a multiple of heads = {heads}"
            )
        self.reader = WordReader(min(words, vocabulary), width, alphabet, character_width, filters, dropout)
        self.project = nn.Linear(self.reader.outputs, width)
        self.register_buffer("positions", SPREAD * waves(shape[0], width), persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map words (N, T, 1 + L), each its id and its characters', to scores (N, T, num_classes)."""
        words, _ = without_padding(inputs)
        states = self.project(self.reader(words)) + self.positions[: words.shape[1]]  # (N, T, D)
        mask = attention_mask(words[:, :, 0] != PADDING)
        for block in self.blocks:
            states = block(states, mask)
        return padded(self.head(self.norm(states)), inputs.shape[1])


def waves(length: int, width: int) -> torch.Tensor:
    """Return the sines, then the cosines, of each position at decreasing frequencies: (length, width)."""
    half = width // 2
    rates = torch.exp(-math.log(LONGEST_WAVE) * torch.arange(half) / half)
    angles = torch.arange(length).unsqueeze(1) * rates  # (length, width / 2)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


MODEL = Network(TransformerTagger, family="attention", signatures=("text -> tags",))
