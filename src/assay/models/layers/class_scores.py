# SPDX-License-Identifier: Apache-2.0
"""Scores of a fitted estimator as logits: one column per class, including unseen classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-7
"""A probability below it counts as this much, so that logits and cross-entropy stay finite."""


def log_probabilities(
    probabilities: NDArray[np.floating], classes: NDArray[np.integer], num_classes: int
) -> NDArray[np.float32]:
    """Return logits (N, num_classes) from probabilities (N, len(classes)) of the classes seen in training."""
    logits = np.full((len(probabilities), num_classes), np.log(FLOOR), dtype=np.float32)
    logits[:, classes] = np.log(np.maximum(probabilities, FLOOR))
    return logits


def margins(
    decisions: NDArray[np.floating], classes: NDArray[np.integer], num_classes: int
) -> NDArray[np.float32]:
    """Return logits (N, num_classes) from scikit-learn's decision function.

    Args:
        decisions: (N, len(classes)), or for two classes (N,): positive for the second.
        classes: those seen in training; an unseen class gets the item's smallest score minus one.
        num_classes: number of classes.
    """
    if decisions.ndim == 1:
        decisions = np.stack([-decisions, decisions], axis=1)
    logits = np.repeat(decisions.min(axis=1, keepdims=True) - 1, num_classes, axis=1)
    logits[:, classes] = decisions
    return logits.astype(np.float32)
