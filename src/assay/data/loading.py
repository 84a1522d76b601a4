# SPDX-License-Identifier: Apache-2.0
"""Datasets by name."""

from __future__ import annotations

from assay.config import registry
from assay.data.declarations import Dataset


def load(dataset: str) -> Dataset:
    """Return the dataset of this name, or that of which this is the twin's name; its file alone is imported."""
    found: Dataset = registry.load(f"{registry.dataset_module(dataset)}:DATASET")
    return found
