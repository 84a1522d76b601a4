# SPDX-License-Identifier: Apache-2.0
"""A user's images: one NumPy array, (N, C, H, W) or, with one channel, (N, H, W), of integers on upstream's scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from assay.data.declarations import Dataset, HasLevels
from assay.data.preparation.images import as_bytes
from assay.data.splits import Split
from assay.evaluation.inputs import class_table, files
from assay.files import read_json
from assay.tasks.image_classification import normalised

rows = class_table.rows

SIGNATURE = "image -> class"


def read(path: Path, prepared: Path, dataset: Dataset) -> Split:
    """Return the images of a file as model inputs.

    Args:
        prepared: folder of the prepared dataset.
        dataset: that dataset.

    Raises:
        ValueError: they do not have the dataset's shape, or a value is outside upstream's range.
    """
    facts = read_json(prepared / "prepared.json")
    shape, given = tuple(facts["shape"]), files.array(path)
    levels = given[:, None] if given.ndim == len(shape) else given
    if levels.shape[1:] != shape or not len(levels):
        wide = "" if shape[0] > 1 else f" or (N, {', '.join(map(str, shape[1:]))})"
        raise ValueError(
            f"{path}: shape {given.shape}; (N, {', '.join(map(str, shape))}){wide} is expected, N at least 1"
        )
    most = dataset.levels if isinstance(dataset, HasLevels) else 255
    check(path, levels, most)
    pixels = torch.from_numpy(as_bytes(levels.astype(np.int64), most))  # half-width numbers would round
    return class_table.split(normalised(pixels, facts), facts)


def check(path: Path, levels: NDArray[Any], most: int) -> None:
    """Check that all values (N, ...) are whole numbers from 0 to ``most``.

    Raises:
        ValueError: they are not; it names the first bad image.
    """
    if levels.dtype.kind not in "uif":
        raise ValueError(f"{path}: values of type {levels.dtype}; numbers are expected")
    allowed = (levels >= 0) & (levels <= most) & (levels == np.rint(levels))
    bad = np.argwhere(~allowed)
    if len(bad):
        value = levels[tuple(bad[0])]
        raise files.wrong(
            path, int(bad[0][0]) + 1, f"value {value:g}; allowed are whole numbers, 0 to {most}"
        )
