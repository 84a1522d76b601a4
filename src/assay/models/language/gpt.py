# SPDX-License-Identifier: Apache-2.0
"""GPT: a Transformer decoder that predicts the next character.

Source: Radford et al., "Language Models are Unsupervised Multitask Learners", OpenAI 2019,
https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf, as nanoGPT has
it, https://github.com/karpathy/nanoGPT/blob/3adf61e/model.py: normalisation before each branch, learned
positions, no biases, the table of characters also as the last layer's weights (Press and Wolf, EACL 2017,
https://arxiv.org/abs/1608.05859).
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from assay.models.capabilities import Generates
from assay.models.declaration import Network
from assay.models.generation import sampling
from assay.models.layers.causal_attention import CausalAttention, KeyValues
from assay.models.layers.dropout import Dropout

SPREAD = 0.02
"""Standard deviation of the first weights."""
MLP_RATIO = 4
"""GPT-2's ratio of a block's feed-forward units to its width."""


class Block(nn.Module):
    """Attention, then a feed-forward layer, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, bias=False)
        self.attention = CausalAttention(width, heads, dropout, bias=False)
        self.dropout = Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width, bias=False),
            nn.Linear(width, MLP_RATIO * width, bias=False),
            nn.GELU(),
            nn.Linear(MLP_RATIO * width, width, bias=False),
            Dropout(dropout),
        )

    def forward(self, states: torch.Tensor, cache: KeyValues | None = None) -> torch.Tensor:
        """Map states (N, T, width) to (N, T, width)."""
        states = states + self.dropout(self.attention(self.norm(states), cache))
        added: torch.Tensor = states + self.feed_forward(states)
        return added


class GPT(nn.Module, Generates):
    """Character vectors and positions, blocks, normalisation, the vectors again as the last layer.

    Args:
        vocabulary: number of ids.
        shape: (T,), the ids of one item, which are the context of the model.
        width: size of a character vector; a multiple of ``heads``.
        depth: number of blocks.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the input, the attention and each branch.

    Raises:
        ValueError: ``heads`` does not divide the width.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        shape: tuple[int],
        width: Annotated[int, Field(ge=1)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"gpt: width = {width} is not a multiple of heads = {heads}")
        self.block = shape[0]
        self.characters = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(self.block, width))
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width, bias=False)
        self._draw_weights()

    def _draw_weights(self) -> None:
        nn.init.normal_(self.positions, std=SPREAD)
        for name, part in self.named_modules():
            if isinstance(part, (nn.Linear, nn.Embedding)):
                # Each branch adds to the same sum: its last layer starts smaller the more branches there are.
                ends_branch = name.endswith(("attention.output", "feed_forward.3"))
                nn.init.normal_(part.weight, std=SPREAD * (2 * len(self.blocks)) ** (-0.5 * ends_branch))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits of each next id (N, T, vocabulary)."""
        return self._read(ids, [None] * len(self.blocks))

    def _read(self, ids: torch.Tensor, caches: list[KeyValues] | list[None]) -> torch.Tensor:
        """Map ids (N, T), which follow those of the caches, to logits (N, T, vocabulary)."""
        start = caches[0].length if caches[0] else 0
        states = self.characters(ids) + self.positions[start : start + ids.shape[1]]  # (N, T, width)
        states = self.dropout(states)
        for block, cache in zip(self.blocks, caches, strict=True):
            states = block(states, cache)
        return F.linear(self.norm(states), self.characters.weight)

    @torch.inference_mode()
    def generate(
        self, prompt: torch.Tensor, length: int, generator: torch.Generator, *, cached: bool = True
    ) -> torch.Tensor:
        """Return prompts (N, P) followed by ``length`` sampled ids at temperature 1: (N, P + length).

        Args:
            cached: whether keys and values are cached; the text is the same without.
        """
        if not cached:
            return sampling.generate(self, prompt, length, self.block, generator)
        ids = torch.cat([prompt, prompt.new_zeros(len(prompt), length)], dim=1)
        start, read, caches = -1, 0, [KeyValues(0) for _ in self.blocks]
        for end in range(prompt.shape[1], ids.shape[1]):
            if sampling.first_seen(end, self.block) != start:  # the positions of the whole cache change
                start = read = sampling.first_seen(end, self.block)
                caches = [KeyValues(self.block) for _ in self.blocks]
            logits = self._read(ids[:, read:end], caches)
            ids[:, end], read = sampling.draw(logits[:, -1], generator), end
        return ids


MODEL = Network(GPT, family="attention", signatures=("text -> next character",))
