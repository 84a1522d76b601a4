# SPDX-License-Identifier: Apache-2.0
"""Load datasets by the specification that a row of params.yaml gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from assay.config import registry
from assay.data.declarations import Dataset, HasSplitStrategy
from assay.data.preparation.split_strategies import Fold

DECLARED = "declared"
"""The split strategy that the dataset's file declares."""


def load(
    name: str,
    knobs: Mapping[str, Any] | None = None,
    split_strategy: str = DECLARED,
    fold: Fold | None = None,
) -> Dataset:
    """Return a dataset; only its file is imported.

    Args:
        name: of the dataset, or of its family.
        knobs: the arguments of the family's function.
        split_strategy: how its items are held out if upstream has no split.
        fold: the fold that is test; None for the dataset's own part.

    Raises:
        ValueError: its items are not held out by a strategy, and another one than ``declared`` is requested; one line.
    """
    if name in registry.FAMILIES:
        found: Dataset = registry.load(registry.FAMILIES[name])(**(knobs or {}))
    else:
        found = registry.load(f"{registry.dataset_module(name)}:DATASET")
    if fold is not None:
        found = replace(found, test_fraction=fold)
    if split_strategy == DECLARED:
        return found
    if not isinstance(found, HasSplitStrategy):
        raise ValueError(
            f"{name}: split_strategy = {split_strategy}: only {DECLARED} is allowed, because this kind of dataset"
            " has its own split"
        )
    changed: Dataset = replace(cast(Any, found), split_strategy=split_strategy)
    return changed


def of_spec(spec: Mapping[str, Any]) -> Dataset:
    """Return the dataset of a row, whose specification is in the records of ingestion and preparation."""
    fold = Fold(**spec["fold"]) if "fold" in spec else None
    return load(spec["family"], spec["knobs"], spec["split_strategy"], fold)


def of_prepared(facts: Mapping[str, Any]) -> Dataset:
    """Return the dataset that prepared.json describes."""
    if "spec" in facts:
        return of_spec(facts["spec"])
    return load(facts["dataset"].removesuffix(registry.TWIN))
