# SPDX-License-Identifier: Apache-2.0
"""Vision Transformer: an image as a sequence of square patches.

Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, https://arxiv.org/abs/2010.11929,
with the average over patches in place of a class token (Beyer, Zhai and Kolesnikov, "Better plain ViT
baselines for ImageNet-1k", 2022, https://arxiv.org/abs/2205.01580). Blocks normalise before each branch,
positions are learned.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network

# The paper's ratio of a block's feed-forward units to its width.
MLP_RATIO = 4


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.head_width = width // heads  # stored, so that the network also runs with fewer heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, D) to (N, T, D)."""
        heads = self.queries_keys_values(tokens).view(*tokens.shape[:2], 3, -1, self.head_width)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4).unbind()  # each (N, heads, T, D / heads)
        # Explicit attention: with its backward pass F.scaled_dot_product_attention takes 8 times as long on a CPU
        # at these sizes in bfloat16.
        weights = torch.softmax(queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5, dim=-1)
        mixed = weights @ values  # (N, heads, T, D / heads)
        merged: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return merged


class Block(nn.Module):
    """Attention, then a feed-forward layer, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads), nn.Dropout(dropout))
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, MLP_RATIO * width),
            nn.GELU(),
            nn.Linear(MLP_RATIO * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, D) to (N, T, D)."""
        tokens = tokens + self.attention(tokens)
        added: torch.Tensor = tokens + self.feed_forward(tokens)
        return added


class Transformer(nn.Module):
    """Patches to tokens, learned positions, blocks, the average token, Linear.

    Args:
        shape: (C, H, W) of one image.
        num_classes: number of logits.
        patch: side of a patch in pixels; it divides H and W.
        width: size of a token; a multiple of ``heads``.
        depth: number of blocks.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the input and of each branch.

    Raises:
        ValueError: ``patch`` does not divide the image, or ``heads`` the width.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        patch: Annotated[int, Field(ge=1)],
        width: Annotated[int, Field(ge=1)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        colours, rows, columns = shape
        if rows % patch or columns % patch:
            raise ValueError(
                f"transformer: patch = {patch} does not divide an image of {rows} x {columns} pixels"
            )
        if width % heads:
            raise ValueError(f"transformer: width = {width} is not a multiple of heads = {heads}")
        self.patches = nn.Conv2d(colours, width, patch, stride=patch)
        self.positions = nn.Parameter(torch.empty(1, (rows // patch) * (columns // patch), width))
        nn.init.trunc_normal_(self.positions, std=0.02)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)  # (N, T, D)
        tokens = self.blocks(self.dropout(tokens + self.positions))
        logits: torch.Tensor = self.head(self.norm(tokens).mean(dim=1))
        return logits


MODEL = Network(Transformer, family="attention", signatures=("image -> class",))
