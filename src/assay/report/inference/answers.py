# SPDX-License-Identifier: Apache-2.0
"""What each variant answered to the test items, as far as its task's primary metric reads it."""

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
"""Relative difference at which a metric that is computed again is still the one that was recorded."""


Key = tuple[str, str, str]
"""A variant within its task: model, method, seed."""


@dataclass(frozen=True)
class Answers:
    """What the metric reads of V variants that answered the same N items."""

    keys: tuple[Key, ...]
    arrays: tuple[NDArray[Any], ...]
    """(V, U) or (V, N) each, as the metric's ``arrays`` gives them."""
    units: NDArray[np.int64]
    """(N,) the unit of each item, from 0 to U - 1."""

    @property
    def num_units(self) -> int:
        return int(self.units.max(initial=-1)) + 1


@dataclass(frozen=True)
class _Table:
    """One variant's predictions in the order of their items."""

    items: bytes
    """A digest of which they are, and of which units."""
    arrays: tuple[NDArray[Any], ...]
    units: NDArray[np.int64]


def key(variant: Variant) -> Key:
    """Return what a variant is called within its task."""
    return variant.model, variant.method, variant.seed


def read(variants: Sequence[Variant], metric: PrimaryMetric) -> tuple[Answers, dict[Key, str]]:
    """Return the answers of the variants that answered the same items as most, in the variants' order, and why the
    others are left out: predictions that are missing, unreadable, of other items or of another score."""
    tables: dict[Key, _Table] = {}
    reasons: dict[Key, str] = {}
    for variant in variants:
        try:
            tables[key(variant)] = _table(variant, metric)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as fault:
            what = " ".join(str(fault).split()) or type(fault).__name__
            reasons[key(variant)] = f"no usable predictions: {what}"
    common = Counter(table.items for table in tables.values()).most_common(1)
    kept = [name for name, table in tables.items() if table.items == common[0][0]]
    for name in sorted(tables.keys() - kept):
        number = len(tables[name].units)
        reasons[name] = f"its {number} predictions are not of the test items that most variants answered"
    parts = zip(*(tables[name].arrays for name in kept), strict=True)
    of = tables[kept[0]].units if kept else np.zeros(0, np.int64)
    return Answers(tuple(kept), tuple(np.stack(each) for each in parts), of), reasons


def _table(variant: Variant, metric: PrimaryMetric) -> _Table:
    """Read one variant's predictions.

    Raises:
        ValueError: an item is no number or there twice, what the metric reads is not finite, or the metric is not the
            recorded one.
    """
    if not variant.predictions.is_file():
        raise ValueError("there is no predictions.parquet")
    with pq.ParquetFile(variant.predictions, memory_map=True) as file:
        table = file.read(read_columns(metric), use_threads=False).to_pandas(use_threads=False)
    items = table["item"].to_numpy()
    if items.dtype.kind not in "iu":
        raise ValueError("its items are no whole numbers")
    if (items[1:] <= items[:-1]).any():
        table = table.iloc[items.argsort(kind="stable")]
        items = table["item"].to_numpy()
        if (items[1:] == items[:-1]).any():
            raise ValueError("an item is there twice")
    if table[metric.unit].isna().any():
        raise ValueError(f"an item is of no {metric.unit}")
    arrays = metric.arrays(table) if len(items) else ()
    if not arrays or not all(np.isfinite(each).all() for each in arrays if each.dtype.kind in "fc"):
        raise ValueError("nothing or no number where the metric counts")
    again = metric.value(arrays)
    recorded = variant.metrics.get("test", {}).get(metric.name)
    if recorded is None or not np.isclose(again, recorded, rtol=CLOSE, atol=CLOSE):
        raise ValueError(f"they give {metric.name} {again:.6g}, metrics.json says {recorded}")
    of = units(table, metric)
    which = items.astype(np.int64).tobytes() + of.tobytes()
    return _Table(hashlib.sha256(which).digest(), arrays, of)
