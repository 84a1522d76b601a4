# SPDX-License-Identifier: Apache-2.0
"""Long short-term memory network that reads an image row by row, from the top.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997,
https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate of Gers, Schmidhuber and Cummins, Neural
Computation 2000, https://doi.org/10.1162/089976600300015015.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network
from assay.models.layers.image_layers import image_rows


class LSTM(nn.Module):
    """Stacked LSTM layers over the rows; the last layer's state after the last row is classified.

    Args:
        shape: (C, H, W) of one image: H steps of C * W numbers.
        num_classes: number of logits.
        hidden: units of each layer.
        layers: number of layers.
        dropout: probability that a unit is zeroed in training, between layers and before the classifier.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        hidden: Annotated[int, Field(ge=1)],
        layers: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        colours, _, width = shape
        # nn.LSTM warns about dropout between layers if it has only one layer.
        between = dropout if layers > 1 else 0.0
        self.recurrent = nn.LSTM(
            colours * width, hidden, num_layers=layers, batch_first=True, dropout=between
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        states, _ = self.recurrent(image_rows(images))  # (N, H, hidden)
        logits: torch.Tensor = self.head(self.dropout(states[:, -1]))
        return logits


MODEL = Network(LSTM, family="recurrent", signatures=("image -> class",))
