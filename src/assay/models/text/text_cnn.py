# SPDX-License-Identifier: Apache-2.0
"""Convolutional network over words: each filter detects phrases of a few words.

Source: Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014,
https://arxiv.org/abs/1408.5882: CNN-rand if it is trained from scratch; CNN-static, -non-static and -multichannel if
it is initialised with word vectors.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from assay.data.special_tokens import PADDING
from assay.models.capabilities import WarmStarts
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.word_embedding import WordEmbedding, cut


class TextCNN(nn.Module, WarmStarts):
    """Word vectors, convolutions of several widths side by side, ReLU, maximum over the text, dropout, Linear.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        num_classes: number of logits.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector.
        kernels: the width of each convolution in words.
        filters: output channels of each convolution.
        dropout: probability that a maximum is zeroed in training.
        vectors: ``tuned`` in training, ``static``, or ``both``: each filter's outputs for tuned and static
            vectors are added.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        kernels: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)],
        filters: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        vectors: Literal["tuned", "static", "both"],
    ) -> None:
        super().__init__()
        self.embedding = WordEmbedding(min(words, vocabulary), width, static=vectors == "static")
        self.STARTS = {"embedding": "embedding"}
        self.fixed = None
        if vectors == "both":
            self.fixed = WordEmbedding(min(words, vocabulary), width, static=True)
            self.STARTS["fixed"] = "embedding"
        self.kernels = kernels
        self.convolutions = nn.ModuleList(nn.Conv1d(width, filters, kernel) for kernel in kernels)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(len(kernels) * filters, num_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits (N, num_classes)."""
        ids = cut(ids)
        ids = F.pad(ids, (0, max(max(self.kernels) - ids.shape[1], 0)))  # PADDING is 0
        vectors = self.embedding(ids)  # (N, T, D)
        if self.fixed is not None:
            vectors = vectors + self.fixed(ids)  # a convolution of the sum is the sum of the convolutions
        vectors = vectors.transpose(1, 2)  # (N, D, T)
        lengths = (ids != PADDING).sum(dim=1, keepdim=True)  # (N, 1)
        maxima = [
            best_phrase(F.relu(convolution(vectors)), lengths - kernel)
            for kernel, convolution in zip(self.kernels, self.convolutions, strict=True)
        ]
        logits: torch.Tensor = self.head(self.dropout(torch.cat(maxima, dim=1)))
        return logits


def best_phrase(maps: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """Return the maximum (N, F) of non-negative maps (N, F, starts) over the phrases of each text.

    Args:
        maps: the filters' outputs at each start of a phrase.
        last: (N, 1), the start of a text's last complete phrase; later ones reach into the padding and do not
            count. Negative if a text is shorter than a phrase: then only the first start counts.
    """
    starts = torch.arange(maps.shape[2], device=maps.device)
    counts = (starts <= last.clamp(min=0)).unsqueeze(1)  # (N, 1, starts)
    return (maps * counts).amax(dim=2)


MODEL = Network(
    TextCNN,
    family="convolutional",
    signatures=(
        "text -> class",
        "texts of several tasks -> classes",
    ),
)
