"""Control: the frequency of each class in training, whatever the image; it should lose to everything.

Source: the baseline of every classification task, also called ZeroR: Witten, Frank and Hall, "Data Mining",
3rd edition 2011, section 10.1, https://doi.org/10.1016/C2009-0-19715-5. The fit does not depend on the
seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.models.class_scores import log_probabilities


class Majority:
    """Predict the commonest class, the first of several; it has no knobs.

    Args:
        shape: (C, H, W) of one image; not used.
        num_classes: number of logits.
        seed: not used.
    """

    def __init__(self, *, shape: tuple[int, int, int], num_classes: int, seed: int) -> None:
        del shape, seed
        self.num_classes = num_classes

    def fit(self, images: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Count the targets (N,); the images (N, C, H, W) are not looked at."""
        del images
        self.frequencies = np.bincount(targets, minlength=self.num_classes) / len(targets)  # (K,)

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logarithms of the frequencies for each image: (N, num_classes)."""
        repeated = np.tile(self.frequencies, (len(images), 1))
        return log_probabilities(repeated, np.arange(self.num_classes), self.num_classes)

    def parameters(self) -> int:
        """Return how many numbers were learned: one frequency a class."""
        return len(self.frequencies)
