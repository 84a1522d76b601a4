# SPDX-License-Identifier: Apache-2.0
"""Ridge regression: a linear function whose squared weights are penalised.

Source: Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12(1), 1970,
https://doi.org/10.1080/00401706.1970.10488634, by scikit-learn. The fit does not depend on the seed.
"""

from __future__ import annotations

from math import prod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn import linear_model

from assay.models.capabilities import FitsWeighted, GraphBuilder, WritesGraph
from assay.models.declaration import Estimator


class Ridge(WritesGraph, FitsWeighted):
    """A linear function of the features.

    Args:
        shape: (F,) of a row; any is flattened.
        seed: not used.
        alpha: weight of the squared weights relative to the sum of squared errors.
    """

    def __init__(self, *, shape: tuple[int, ...], seed: int, alpha: Annotated[float, Field(gt=0)]) -> None:
        del seed
        self.width = prod(shape)
        self.estimator = linear_model.Ridge(alpha=alpha)

    def fit(self, inputs: NDArray[np.float32], targets: NDArray[np.float32]) -> None:
        """Fit on rows (N, F) and targets (N, 1)."""
        self.estimator.fit(inputs.reshape(len(inputs), -1).astype(np.float64), targets)

    def fit_weighted(
        self, inputs: NDArray[np.float32], targets: NDArray[np.float32], weights: NDArray[np.float32]
    ) -> None:
        """Fit on rows (N, F) and targets (N, 1), whose squared errors count by their weights (N,)."""
        self.estimator.fit(inputs.reshape(len(inputs), -1).astype(np.float64), targets, weights)

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the numbers (N, 1)."""
        found: NDArray[np.float64] = self.estimator.predict(inputs.reshape(len(inputs), -1))
        return found.reshape(len(inputs), -1).astype(np.float32)

    def write_graph(self, graph: GraphBuilder, inputs: str) -> str:
        """Write one matrix product."""
        rows = graph.add("Reshape", inputs, np.array([-1, self.width]))
        weights = self.estimator.coef_.reshape(-1, self.width).T
        return graph.add("Gemm", rows, weights, self.estimator.intercept_.reshape(-1))

    def parameters(self) -> int:
        """Return the number of learned parameters: weights and intercept."""
        return int(self.estimator.coef_.size + self.estimator.intercept_.size)


MODEL = Estimator(Ridge, family="linear", signatures=("table -> number",), seeded=False)
