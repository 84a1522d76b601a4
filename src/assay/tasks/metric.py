# SPDX-License-Identifier: Apache-2.0
"""Metrics: their names and directions, and how a task's primary metric is computed from the test items.

A primary metric also names the unit of independence, the unit in which test items are sampled: ``patient`` if each
patient has several items. Intervals and tests resample units, never single items of a unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


ITEM = "item"
"""The unit of independence if each item is one; the column of the table of predictions with the items' numbers."""


@dataclass(frozen=True)
class Metric:
    """A metric of a task."""

    name: str
    direction: Literal["maximise", "minimise"]

    def rank(self, value: float) -> float:
        """Return a number that is higher if ``value`` is better."""
        return value if self.direction == "maximise" else -value


class PrimaryMetric(Protocol):
    """A metric that the report can compute from a table of predictions, and from a subset of its rows."""

    @property
    def name(self) -> str: ...
    @property
    def direction(self) -> Literal["maximise", "minimise"]: ...
    @property
    def unit(self) -> str:
        """The unit of independence, and the column of the table of predictions that holds each item's unit."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table of predictions that the metric reads."""

    @property
    def highest(self) -> float | None:
        """The largest possible value, if the smallest one is 0; None if the metric is unbounded."""

    def rank(self, value: float) -> float:
        """Return a number that is higher if ``value`` is better."""

    def arrays(self, table: pd.DataFrame) -> tuple[NDArray[Any], ...]:
        """Return the arguments of ``value`` from the table of predictions: (U,) each with one entry per unit, as
        :func:`units` numbers them, or (N,) each with one entry per item."""

    def value(self, arrays: Sequence[NDArray[Any]]) -> float:
        """Return the metric of the units or items in these arrays; nan if it is undefined."""


@dataclass(frozen=True)
class SummedMetric(Metric):
    """A metric that is a function of sums over items; the sums over resampled items are one matrix product."""

    columns: tuple[str, ...]
    """The columns of the table of predictions that ``counts`` reads."""
    counts: Callable[[pd.DataFrame], NDArray[Any]]
    """From the table of predictions to the metric's counts of each item, (N, S)."""
    of_sums: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """From sums (..., S) to the metric (...)."""
    highest: float | None = None
    """The largest possible value, if the smallest one is 0; None if the metric is unbounded."""
    unit: str = ITEM

    def unit_counts(self, table: pd.DataFrame) -> NDArray[Any]:
        """Return the counts of each unit, (U, S): the sums over its items."""
        counts = self.counts(table)
        return counts if self.unit == ITEM else _sums(counts, units(table, self))

    def arrays(self, table: pd.DataFrame) -> tuple[NDArray[Any], ...]:
        """Return the S counts of each unit, (U,) each."""
        return tuple(_small(column) for column in self.unit_counts(table).T)

    def value(self, arrays: Sequence[NDArray[Any]]) -> float:
        """Return the metric from the counts of each unit."""
        return float(self.of_sums(np.array([each.sum(dtype=np.float64) for each in arrays])))


@dataclass(frozen=True)
class RecomputedMetric(Metric):
    """A metric that is not a function of sums over items, such as AUROC, and is computed from all rows at once.

    The report recomputes it on subsets of the rows, some 200 times per run, so a millisecond each is acceptable.
    """

    columns: tuple[str, ...]
    """The columns of the table of predictions that ``compute`` takes, in this order."""
    compute: Callable[..., float]
    """From the columns, (N,) each, to the metric; nan if it is undefined on these rows."""
    highest: float | None = None
    """The largest possible value, if the smallest one is 0; None if the metric is unbounded."""
    unit: str = ITEM

    def arrays(self, table: pd.DataFrame) -> tuple[NDArray[Any], ...]:
        """Return the columns, (N,) each: leaving out a unit means leaving out all its rows."""
        return tuple(table[column].to_numpy() for column in self.columns)

    def value(self, arrays: Sequence[NDArray[Any]]) -> float:
        """Return the metric from the columns."""
        return float(self.compute(*arrays))


def read_columns(metric: PrimaryMetric) -> list[str]:
    """Return the columns of the table of predictions that determine the metric and its units."""
    return list(dict.fromkeys((ITEM, metric.unit, *metric.columns)))


def scores(metrics: Iterable[PrimaryMetric], table: pd.DataFrame) -> dict[str, float | None]:
    """Return the metrics of a table of predictions, by name; None for one that is undefined."""
    values = {each.name: each.value(each.arrays(table)) for each in metrics}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def units(table: pd.DataFrame, metric: PrimaryMetric) -> NDArray[np.int64]:
    """Return the unit of each item, (N,) numbers from 0 to U - 1 in the order of the units' names."""
    if metric.unit == ITEM:  # each item is its own unit
        return np.arange(len(table))
    return np.unique(table[metric.unit].to_numpy(), return_inverse=True)[1]


def counted(*columns: str) -> Callable[[pd.DataFrame], NDArray[Any]]:
    """Return a function that reads the counts of items, (N, S), from these columns."""
    return lambda table: table[list(columns)].to_numpy()


def averaged(column: str) -> Callable[[pd.DataFrame], NDArray[Any]]:
    """Return a function from a table to the items' scores in this column and ones, (N, 2), for their mean."""
    return lambda table: table[[column]].assign(items=1).to_numpy(float)


def ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first of two sums (..., 2) divided by the second: a mean if the second one counts the items; nan if
    that is 0."""
    with np.errstate(invalid="ignore"):  # 0 / 0
        quotients: NDArray[np.float64] = sums[..., 0] / sums[..., 1]
    return quotients


def perplexity(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the perplexity (...) from summed nats and tokens (..., 2); inf if it is too large for a number."""
    with np.errstate(over="ignore"):
        return np.exp(ratio(sums))


def _sums(counts: NDArray[Any], unit: NDArray[np.int64]) -> NDArray[Any]:
    """Return the sums (U, S) of counts (N, S) over each unit's items; sums of integers are integers."""
    kind = np.int64 if counts.dtype.kind in "bui" else np.float64
    sums = np.zeros((unit.max() + 1, counts.shape[1]), kind)
    np.add.at(sums, unit, counts)
    return sums


def _small(column: NDArray[Any]) -> NDArray[Any]:
    """Return the same counts (N,) in one byte each if they fit, which saves most of the memory."""
    small = column.astype(np.uint8) if column.min() >= 0 and column.max() < 256 else column
    return small if (small == column).all() else column
