# SPDX-License-Identifier: Apache-2.0
"""Control: the frequency of each class in training, whatever the input; every model should beat it.

Source: the baseline of every classification task, also called ZeroR: Witten, Frank and Hall, "Data Mining",
3rd edition 2011, section 10.1, https://doi.org/10.1016/C2009-0-19715-5. The fit does not depend on the
seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.models.declaration import Estimator
from assay.models.layers.class_scores import log_probabilities


class Majority:
    """Predict the most common class, the first of several; no knobs.

    Args:
        num_classes: number of logits.
        seed: not used.
    """

    def __init__(self, *, num_classes: int, seed: int) -> None:
        del seed
        self.num_classes = num_classes

    def fit(self, inputs: NDArray[Any], targets: NDArray[np.int64]) -> None:
        """Count the targets (N,), or the first of each row of (N, ...); the inputs (N, ...) are ignored."""
        del inputs
        classes = targets.reshape(len(targets), -1)[:, 0]
        self.frequencies = np.bincount(classes, minlength=self.num_classes) / len(targets)  # (K,)

    def outputs(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the logarithms of the frequencies for each item: (N, num_classes)."""
        repeated = np.tile(self.frequencies, (len(inputs), 1))
        return log_probabilities(repeated, np.arange(self.num_classes), self.num_classes)

    def parameters(self) -> int:
        """Return the number of learned parameters: one frequency per class."""
        return len(self.frequencies)


MODEL = Estimator(
    Majority,
    family="control",
    signatures=(
        "image -> class",
        "table -> class",
        "text -> class",
        "texts of several tasks -> classes",
        "text -> missing word",
    ),
    seeded=False,
)
