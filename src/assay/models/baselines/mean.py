# SPDX-License-Identifier: Apache-2.0
"""Control: the mean of the training targets, whatever the input; every model should beat it.

Source: the baseline of every regression, scikit-learn's DummyRegressor,
https://scikit-learn.org/stable/modules/generated/sklearn.dummy.DummyRegressor.html. The fit does not depend on the
seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.models.capabilities import FitsWeighted, GraphBuilder, WritesGraph
from assay.models.declaration import Estimator


class Mean(WritesGraph, FitsWeighted):
    """Predict the mean target; no knobs.

    Args:
        seed: not used.
    """

    def __init__(self, *, seed: int) -> None:
        del seed

    def fit(self, inputs: NDArray[Any], targets: NDArray[np.float32]) -> None:
        """Average the targets (N, ...); the inputs (N, ...) are ignored."""
        del inputs
        self.mean = targets.mean(axis=0, dtype=np.float64)  # (...)

    def fit_weighted(
        self, inputs: NDArray[Any], targets: NDArray[np.float32], weights: NDArray[np.float32]
    ) -> None:
        """Average the targets (N, ...), each by its weight (N,)."""
        del inputs
        self.mean = np.average(targets.astype(np.float64), axis=0, weights=weights)

    def outputs(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the mean for each item: (N, ...)."""
        return np.broadcast_to(self.mean, (len(inputs), *self.mean.shape)).astype(np.float32)

    def write_graph(self, graph: GraphBuilder, inputs: str) -> str:
        """Write the mean, once per item."""
        count = graph.add("Slice", graph.add("Shape", inputs), np.array([0]), np.array([1]))
        shape = graph.add("Concat", count, np.array(self.mean.shape, np.int64), axis=0)
        return graph.add("Expand", self.mean[None], shape)

    def parameters(self) -> int:
        """Return the number of learned parameters."""
        return int(self.mean.size)


MODEL = Estimator(Mean, family="control", signatures=("table -> number", "image -> image"), seeded=False)
