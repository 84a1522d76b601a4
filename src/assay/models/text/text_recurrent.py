# SPDX-License-Identifier: Apache-2.0
"""Recurrent network that reads a text word by word: tanh units, GRU or LSTM, in one direction or in both.

Source: tanh: Elman, "Finding Structure in Time", Cognitive Science 1990,
https://doi.org/10.1207/s15516709cog1402_1; GRU: Cho et al., EMNLP 2014, https://arxiv.org/abs/1406.1078;
LSTM: Hochreiter and Schmidhuber, Neural Computation 1997, https://doi.org/10.1162/neco.1997.9.8.1735; both
directions: Schuster and Paliwal, IEEE Transactions on Signal Processing 1997,
https://doi.org/10.1109/78.650093.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.capabilities import WarmStarts
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.recurrent import Layer
from assay.models.layers.word_embedding import WordEmbedding, cut


class TextRecurrent(nn.Module, WarmStarts):
    """Word vectors, stacked recurrent layers, the last layer's state after the last word, dropout, Linear.

    Args:
        vocabulary: number of ids: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        num_classes: number of logits.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector.
        cell: kind of unit.
        bidirectional: whether each layer also reads in reverse.
        hidden: units of each layer and direction.
        layers: number of layers.
        dropout: probability that a unit is zeroed in training, between layers and before the classifier.
        length: maximum number of words; of a longer text only the first are read.
        vectors: ``tuned`` in training, or ``static``.
    """

    STARTS = {"embedding": "embedding"}

    def __init__(
        self,
        *,
        vocabulary: int,
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        cell: Literal["tanh", "gru", "lstm"],
        bidirectional: bool,
        hidden: Annotated[int, Field(ge=1)],
        layers: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        length: Annotated[int, Field(ge=1)],
        vectors: Literal["tuned", "static"],
    ) -> None:
        super().__init__()
        self.length = length
        self.embedding = WordEmbedding(min(words, vocabulary), width, static=vectors == "static")
        outputs = 2 * hidden if bidirectional else hidden
        inputs = [width] + [outputs] * (layers - 1)
        self.layers = nn.ModuleList(Layer(cell, size, hidden, bidirectional) for size in inputs)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(outputs, num_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits (N, num_classes)."""
        ids = cut(ids[:, : self.length])
        lengths = (ids != PADDING).sum(dim=1).clamp(min=1)  # (N,)
        states, ends = self.layers[0](self.embedding(ids), lengths)
        for layer in self.layers[1:]:
            states, ends = layer(self.dropout(states), lengths)
        logits: torch.Tensor = self.head(self.dropout(ends))
        return logits


MODEL = Network(
    TextRecurrent,
    family="recurrent",
    signatures=(
        "text -> class",
        "texts of several tasks -> classes",
    ),
)
