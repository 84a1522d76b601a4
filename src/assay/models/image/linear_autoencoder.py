# SPDX-License-Identifier: Apache-2.0
"""Linear autoencoder: an image is mapped to a short code and back by two matrices.

Source: Baldi and Hornik, "Neural networks and principal component analysis: Learning from examples without local
minima", Neural Networks 2(1), 1989, https://doi.org/10.1016/0893-6080(89)90014-2: its best code spans the principal
components, which are therefore the known optimum of this network.
"""

from __future__ import annotations

from math import prod
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.models.declaration import Network


class LinearAutoencoder(nn.Module):
    """Flatten, Linear to the code, Linear back.

    Args:
        shape: (C, H, W) of one image.
        code: size of an image's code.
    """

    def __init__(self, *, shape: tuple[int, int, int], code: Annotated[int, Field(ge=1)]) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), code))
        self.decoder = nn.Sequential(nn.Linear(code, prod(shape)), nn.Unflatten(1, tuple(shape)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to images (N, C, H, W)."""
        reconstructed: torch.Tensor = self.decoder(self.encoder(images))
        return reconstructed


MODEL = Network(LinearAutoencoder, family="autoencoder", signatures=("image -> image",))
