# SPDX-License-Identifier: Apache-2.0
"""Load datasets by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from assay.config import registry
from assay.data.declarations import Dataset, HasSplitStrategy

DECLARED = "declared"
"""The split strategy that the dataset's file declares."""


def load(dataset: str, split_strategy: str = DECLARED) -> Dataset:
    """Return the dataset or twin of this name; only its file is imported.

    Args:
        split_strategy: how its items are held out where upstream has no split.

    Raises:
        ValueError: its items are not held out by a strategy, and another one than ``declared`` is requested; one line.
    """
    found: Dataset = registry.load(f"{registry.dataset_module(dataset)}:DATASET")
    if split_strategy == DECLARED:
        return found
    if not isinstance(found, HasSplitStrategy):
        raise ValueError(
            f"datasets.{dataset}.split_strategy = {split_strategy}: only {DECLARED} is allowed, because this kind of"
            " dataset has its own split"
        )
    changed: Dataset = replace(cast(Any, found), split_strategy=split_strategy)
    return changed
