# SPDX-License-Identifier: Apache-2.0
"""A user's images to reconstruct: the error of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.inputs import images
from assay.evaluation.inputs.parsing.items import Item
from assay.evaluation.inputs.reader import Answer, Prepared, Reader

SIGNATURE = "image -> image"

declared = images.declared


def reader(prepared: Prepared) -> Reader:
    """Return the reader of images to reconstruct."""
    return Reconstructed(prepared)


class Reconstructed(images.Images):
    """Images, and the mean squared error of the pixels of their reconstructions, in units of the variance."""

    columns = ("reconstruction_error",)
    example = "reconstructed_images"

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return each image's error."""
        del items
        squares = (outputs.astype(np.float64) - inputs.astype(np.float64)) ** 2
        return [(error,) for error in squares.reshape(len(squares), -1).mean(axis=1).tolist()]
