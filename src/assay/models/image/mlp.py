# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptron: fully connected layers with ReLU between them.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 1986,
https://doi.org/10.1038/323533a0; ReLU: Nair and Hinton, ICML 2010,
https://www.cs.toronto.edu/~hinton/absps/reluICML.pdf; dropout: Srivastava et al., JMLR 2014,
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


class MLP(nn.Module):
    """Flatten, then Linear, ReLU and dropout for each hidden layer, then Linear.

    Args:
        shape: (C, H, W) of one image.
        num_classes: number of logits.
        hidden: units of each hidden layer; an empty list leaves a linear classifier.
        dropout: probability that a hidden unit is zeroed in training.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
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
        self.head = nn.Linear(widths[-1], num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, num_classes)."""
        logits: torch.Tensor = self.head(self.hidden(images))
        return logits


MODEL = Network(MLP, family="fully connected", signatures=("image -> class", "table -> class"))
