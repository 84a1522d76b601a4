# SPDX-License-Identifier: Apache-2.0
"""The predictions of each variant for the test items: the columns that its task's primary metric reads."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from assay.report.results.collect import Variant
from assay.tasks.metric import PrimaryMetric, read_columns, units

CLOSE = 1e-6
"""The relative tolerance at which a recomputed metric equals the recorded one."""


Key = tuple[str, str, str]
"""A variant within its task: model, method, seed."""


@dataclass(frozen=True)
class ItemScores:
    """The metric's arrays for V variants with predictions for the same N items."""

    keys: tuple[Key, ...]
    arrays: tuple[NDArray[Any], ...]
    """(V, U) or (V, N) each, from the metric's ``arrays``."""
    units: NDArray[np.int64]
    """(N,) the unit of each item, from 0 to U - 1."""

    @property
    def num_units(self) -> int:
        return int(self.units.max(initial=-1)) + 1


@dataclass(frozen=True)
class _Table:
    """One variant's predictions, in the order of their items."""

    items: bytes
    """A digest of the items' numbers and units."""
    arrays: tuple[NDArray[Any], ...]
    units: NDArray[np.int64]


def key(variant: Variant) -> Key:
    """Return a variant's key within its task."""
    return variant.model, variant.method, variant.seed


def read(variants: Sequence[Variant], metric: PrimaryMetric) -> tuple[ItemScores, dict[Key, str]]:
    """Return the item scores of the variants whose items are those of most variants, in order, and the reasons why the
    others are left out: predictions are missing, unreadable, of other items or do not match the recorded metric."""
    tables: dict[Key, _Table] = {}
    reasons: dict[Key, str] = {}
    for variant in variants:
        try:
            tables[key(variant)] = _table(variant, metric)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            what = " ".join(str(error).split()) or type(error).__name__
            reasons[key(variant)] = f"no usable predictions: {what}"
    common = Counter(table.items for table in tables.values()).most_common(1)
    kept = [name for name, table in tables.items() if table.items == common[0][0]]
    for name in sorted(tables.keys() - kept):
        number = len(tables[name].units)
        reasons[name] = f"its {number} predictions are not for the same test items as those of most variants"
    parts = zip(*(tables[name].arrays for name in kept), strict=True)
    of = tables[kept[0]].units if kept else np.zeros(0, np.int64)
    return ItemScores(tuple(kept), tuple(np.stack(each) for each in parts), of), reasons


def _table(variant: Variant, metric: PrimaryMetric) -> _Table:
    """Read one variant's predictions.

    Raises:
        ValueError: an item is not an integer or a duplicate, a value that the metric reads is not finite, or the metric
            is not the recorded one.
    """
    if not variant.predictions.is_file():
        raise ValueError("there is no predictions.parquet")
    with pq.ParquetFile(variant.predictions, memory_map=True) as file:
        table = file.read(read_columns(metric), use_threads=False).to_pandas(use_threads=False)
    items = table["item"].to_numpy()
    if items.dtype.kind not in "iu":
        raise ValueError("its items are not integers")
    if (items[1:] <= items[:-1]).any():
        table = table.iloc[items.argsort(kind="stable")]
        items = table["item"].to_numpy()
        if (items[1:] == items[:-1]).any():
            raise ValueError("an item is duplicated")
    if table[metric.unit].isna().any():
        raise ValueError(f"an item has no {metric.unit}")
    arrays = metric.arrays(table) if len(items) else ()
    if not arrays or not all(np.isfinite(each).all() for each in arrays if each.dtype.kind in "fc"):
        raise ValueError("the metric's columns are empty or not finite")
    recomputed = metric.value(arrays)
    recorded = variant.metrics.get("test", {}).get(metric.name)
    if recorded is None or not np.isclose(recomputed, recorded, rtol=CLOSE, atol=CLOSE):
        raise ValueError(f"their {metric.name} is {recomputed:.6g}, but metrics.json has {recorded}")
    of = units(table, metric)
    which = items.astype(np.int64).tobytes() + of.tobytes()
    return _Table(hashlib.sha256(which).digest(), arrays, of)
