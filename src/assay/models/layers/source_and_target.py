# SPDX-License-Identifier: Apache-2.0
"""Shared by sequence-to-sequence networks: their two inputs, one embedding table, copying.

The input of such a network is one tensor (N, S + T): source ids, padded to S, then the target's ids shifted by
one, BEGIN first. So every step sees the previous words, and all steps are trained at once.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from assay.models.layers.word_embedding import cut

FLOOR = 1e-9
"""Added to a probability before its logarithm is taken: copying leaves most words none."""


def parts(inputs: torch.Tensor, source_length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return source ids (N, S') and target ids (N, T') without columns of padding."""
    return cut(inputs[:, :source_length]), cut(inputs[:, source_length:])


class SharedVectors(nn.Module):
    """One embedding table for the words of source and target, which is also the output layer.

    Source: Press and Wolf, "Using the Output Embedding to Improve Language Models", EACL 2017,
    https://arxiv.org/abs/1608.05859.
    """

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.scale = width**0.5
        self.table = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to vectors (N, T, width)."""
        vectors: torch.Tensor = self.table(ids) * self.scale
        return vectors

    def outputs(self, states: torch.Tensor) -> torch.Tensor:
        """Map states (..., width) to logits (..., vocabulary)."""
        return F.linear(states, self.table.weight, self.bias)


class Copying(nn.Module):
    """Mixes the distribution over the vocabulary with one over the source's words, by each step's attention.

    Source: See, Liu, Manning, "Get To The Point: Summarization with Pointer-Generator Networks", ACL 2017,
    https://arxiv.org/abs/1704.04368, without coverage; every word of the source is in the vocabulary here.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, 1)

    def forward(
        self, states: torch.Tensor, logits: torch.Tensor, weights: torch.Tensor, source: torch.Tensor
    ) -> torch.Tensor:
        """Return log-probabilities (N, T, V).

        Args:
            states: (N, T, width), which determine how much is copied.
            logits: (N, T, V) over the vocabulary.
            weights: (N, T, S) attention weights, which sum to 1.
            source: (N, S) ids.
        """
        copied = torch.sigmoid(self.gate(states).float())  # (N, T, 1)
        places = source.unsqueeze(1).expand(-1, weights.shape[1], -1)  # (N, T, S)
        probabilities = (1 - copied) * torch.softmax(logits.float(), dim=-1)
        return torch.log(probabilities.scatter_add(2, places, copied * weights.float()) + FLOOR)
