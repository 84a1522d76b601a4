# SPDX-License-Identifier: Apache-2.0
"""LSTM that predicts the next character.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997,
https://doi.org/10.1162/neco.1997.9.8.1735; as a model of language, with dropout between the layers alone: Zaremba
et al., "Recurrent Neural Network Regularization", 2014, https://arxiv.org/abs/1409.2329.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout


class LSTMLM(nn.Module):
    """Character vectors, stacked LSTM layers started from zeros at each item, dropout, Linear.

    Args:
        vocabulary: number of ids.
        width: size of a character vector.
        hidden: units of each layer.
        layers: number of layers.
        dropout: probability that a unit is zeroed in training, before each layer but the first and before Linear.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        width: Annotated[int, Field(ge=1)],
        hidden: Annotated[int, Field(ge=1)],
        layers: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        self.characters = nn.Embedding(vocabulary, width)
        self.recurrent = nn.LSTM(
            width, hidden, num_layers=layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
        )
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits of each next id (N, T, vocabulary)."""
        states, _ = self.recurrent(self.characters(ids))  # (N, T, hidden)
        logits: torch.Tensor = self.head(self.dropout(states))
        return logits


MODEL = Network(LSTMLM, family="recurrent", signatures=("text -> next character",))
