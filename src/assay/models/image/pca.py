# SPDX-License-Identifier: Apache-2.0
"""Principal components: the best linear code of its length on the training images, in closed form.

Source: Pearson, "On lines and planes of closest fit to systems of points in space", Philosophical Magazine 2(11), 1901,
https://doi.org/10.1080/14786440109462720, by scikit-learn's full singular value decomposition. The fit does not depend
on the seed.
"""

from __future__ import annotations

from math import prod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import decomposition

from assay.models.capabilities import GraphBuilder, WritesGraph
from assay.models.declaration import Estimator


class PCA(WritesGraph):
    """Project images onto the first principal components and back.

    Args:
        shape: (C, H, W) of one image.
        seed: not used.
        code: number of components.
    """

    def __init__(self, *, shape: tuple[int, int, int], seed: int, code: Annotated[int, Field(ge=1)]) -> None:
        del seed
        self.shape = tuple(shape)
        self.estimator = decomposition.PCA(n_components=code, svd_solver="full")

    def fit(self, inputs: NDArray[np.float32], targets: NDArray[np.float32]) -> None:
        """Fit on images (N, C, H, W), which are their own targets."""
        del targets
        self.estimator.fit(inputs.reshape(len(inputs), -1).astype(np.float64))

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the reconstructions of images (N, C, H, W)."""
        code = self.estimator.transform(inputs.reshape(len(inputs), -1))
        found: NDArray[np.float64] = self.estimator.inverse_transform(code)
        return found.reshape(inputs.shape).astype(np.float32)

    def write_graph(self, graph: GraphBuilder, inputs: str) -> str:
        """Write two matrix products."""
        components, mean = self.estimator.components_, self.estimator.mean_  # (K, D), (D,)
        rows = graph.add("Reshape", inputs, np.array([-1, prod(self.shape)]))
        code = graph.add("Gemm", rows, components.T, -components @ mean)
        flat = graph.add("Gemm", code, components, mean)
        return graph.add("Reshape", flat, np.array([-1, *self.shape]))

    def parameters(self) -> int:
        """Return the number of learned parameters: the components and the mean."""
        return int(self.estimator.components_.size + self.estimator.mean_.size)


MODEL = Estimator(PCA, family="autoencoder", signatures=("image -> image",), seeded=False)
