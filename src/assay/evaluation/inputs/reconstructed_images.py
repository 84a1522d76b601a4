# SPDX-License-Identifier: Apache-2.0
"""A user's images to reconstruct: the error of each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from torch import Tensor

from assay.data.declarations import Dataset
from assay.data.items import in_memory
from assay.evaluation.inputs import images
from assay.tasks.image_reconstruction import Unlabelled, errors_of, unlabelled

SIGNATURE = "image -> image"


def read(path: Path, prepared: Path, dataset: Dataset) -> Unlabelled:
    """Return the images of a file as model inputs; the arguments are those of :func:`images.read`."""
    found = images.read(path, prepared, dataset)
    return unlabelled(found)


def rows(answers: Tensor, split: Unlabelled) -> pd.DataFrame:
    """Return one row per image: its row in the file, and the mean squared error of its pixels."""
    errors = errors_of(answers, in_memory(split.inputs)).numpy()
    return pd.DataFrame({"row": split.items, "reconstruction_error": errors})
