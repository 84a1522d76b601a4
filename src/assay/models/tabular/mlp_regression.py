# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptron for regression.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 1986,
https://doi.org/10.1038/323533a0; dropout: Srivastava et al., JMLR 2014,
https://jmlr.org/papers/v15/srivastava14a.html.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network


class MLPRegression(nn.Module):
    """Linear, ReLU and dropout for each hidden layer, then Linear.

    Args:
        shape: (F,) of a row; any is flattened.
        hidden: units of each hidden layer; an empty list leaves a linear function.
        dropout: probability that a hidden unit is zeroed in training.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        hidden: list[Annotated[int, Field(ge=1)]],
        dropout: Annotated[float, Field(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        widths = [prod(shape), *hidden]
        blocks = [
            nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout))
            for inputs, outputs in pairwise(widths)
        ]
        self.hidden = nn.Sequential(nn.Flatten(), *blocks)
        self.head = nn.Linear(widths[-1], 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map rows (N, F) to numbers (N, 1)."""
        numbers: torch.Tensor = self.head(self.hidden(rows))
        return numbers


MODEL = Network(MLPRegression, family="fully connected", signatures=("table -> number",))
