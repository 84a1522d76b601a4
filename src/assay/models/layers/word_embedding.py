# SPDX-License-Identifier: Apache-2.0
"""Shared by text networks: rows of word ids become rows of vectors, without padding."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import nn

from assay.data.special_tokens import PADDING, UNKNOWN

COLUMNS = 2
"""Texts are read a multiple of so many words wide: oneDNN prepares milliseconds for each new shape of a product,
ten times what the product takes, and forgets the oldest of 1,024."""

SPREAD = 0.1
"""Standard deviation of the vectors that a network starts from."""


class WordEmbedding(nn.Module):
    """A learned vector for each of the most common words; the others share the unknown word's.

    Args:
        words: number of ids with their own vector, including padding (always zero) and the unknown word.
        width: size of a word vector.
        static: whether the vectors are frozen.
    """

    def __init__(self, words: int, width: int, *, static: bool = False) -> None:
        super().__init__()
        self.words = words
        self.table = nn.Embedding(words, width, padding_idx=PADDING)
        with torch.no_grad():
            nn.init.normal_(self.table.weight, std=SPREAD)[PADDING] = 0.0
        self.table.weight.requires_grad_(not static)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to vectors (N, T, width)."""
        vectors: torch.Tensor = self.table(torch.where(ids < self.words, ids, UNKNOWN))
        return vectors


@runtime_checkable
class HasWordVectors(Protocol):
    """A network with one learned vector per word, which the report can compare."""

    embedding: WordEmbedding


def cut(ids: torch.Tensor) -> torch.Tensor:
    """Return ids (N, T) without columns of padding, rounded up to a multiple of ``COLUMNS`` columns.

    In an export all columns are kept: the graph's sizes must not depend on the contents of a batch.
    """
    if torch.compiler.is_exporting():
        return ids
    longest = int((ids != PADDING).any(dim=0).sum())
    return ids[:, : -(-max(longest, 1) // COLUMNS) * COLUMNS]


def mean_over_words(vectors: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Return the mean (N, D) of the vectors (N, T, D) where ``real`` (N, T) is true; zeros if it is true nowhere."""
    kept = real.unsqueeze(2).to(vectors.dtype)
    return (vectors * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
