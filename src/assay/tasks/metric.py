# SPDX-License-Identifier: Apache-2.0
"""A metric by name, which way is better, and how a task's primary metric is computed from the test items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Metric:
    """What a task is judged by."""

    name: str
    direction: Literal["maximise", "minimise"]

    def rank(self, value: float) -> float:
        """Return a number that is higher where ``value`` is better."""
        return value if self.direction == "maximise" else -value


class PrimaryMetric(Protocol):
    """A metric that the report can compute again from a table of predictions, and from a part of its rows."""

    @property
    def name(self) -> str: ...
    @property
    def direction(self) -> Literal["maximise", "minimise"]: ...
    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table of predictions that the metric reads."""

    @property
    def highest(self) -> float | None:
        """The largest possible value, where the smallest one is 0; None where there is no largest one."""

    def rank(self, value: float) -> float:
        """Return a number that is higher where ``value`` is better."""

    def arrays(self, table: pd.DataFrame) -> tuple[NDArray[Any], ...]:
        """Return what ``value`` needs of the table of predictions: arrays with one entry an item, (N,) each."""

    def value(self, arrays: Sequence[NDArray[Any]]) -> float:
        """Return the metric of the items in these arrays; nan where they do not define it."""


@dataclass(frozen=True)
class SummedMetric(Metric):
    """A metric that is a function of sums over items. Its sums over resampled items are one matrix product."""

    columns: tuple[str, ...]
    """Of the table of predictions, those that ``counts`` reads."""
    counts: Callable[[pd.DataFrame], NDArray[Any]]
    """From the table of predictions to (N, S): what the metric counts of each item."""
    of_sums: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """From sums (..., S) to the metric (...)."""
    highest: float | None = None
    """The largest value that there can be, where the smallest is 0; None where there is no largest one."""

    def arrays(self, table: pd.DataFrame) -> tuple[NDArray[Any], ...]:
        """Return the S counts of each item, (N,) each."""
        return tuple(_small(column) for column in self.counts(table).T)

    def value(self, arrays: Sequence[NDArray[Any]]) -> float:
        """Return the metric from the counts of each item."""
        return float(self.of_sums(np.array([each.sum(dtype=np.float64) for each in arrays])))


@dataclass(frozen=True)
class RecomputedMetric(Metric):
    """A metric that is no function of sums over items, such as AUROC, and is computed from all rows at once.

    The report computes it again from parts of the rows, some 200 times a run, so that a millisecond each is cheap.
    """

    columns: tuple[str, ...]
    """The columns of the table of predictions that ``compute`` takes, in this order."""
    compute: Callable[..., float]
    """From the columns, (N,) each, to the metric; nan where these rows do not define it."""
    highest: float | None = None
    """The largest possible value, where the smallest one is 0; None where there is no largest one."""

    def arrays(self, table: pd.DataFrame) -> tuple[NDArray[Any], ...]:
        """Return the columns."""
        return tuple(table[column].to_numpy() for column in self.columns)

    def value(self, arrays: Sequence[NDArray[Any]]) -> float:
        """Return the metric from the columns."""
        return float(self.compute(*arrays))


def counted(*columns: str) -> Callable[[pd.DataFrame], NDArray[Any]]:
    """Return a function that reads an item's counts from these columns, (N, S), as they stand there."""
    return lambda table: table[list(columns)].to_numpy()


def averaged(column: str) -> Callable[[pd.DataFrame], NDArray[Any]]:
    """Return a function that reads an item's own score from this column and counts the item, (N, 2)."""
    return lambda table: table[[column]].assign(items=1).to_numpy(float)


def ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first of two sums (..., 2) over the second: a mean, where the second one counts the items."""
    quotients: NDArray[np.float64] = sums[..., 0] / sums[..., 1]
    return quotients


def _small(column: NDArray[Any]) -> NDArray[Any]:
    """Return the same counts (N,) in a byte each where they fit, which saves most of the memory."""
    small = column.astype(np.uint8) if column.min() >= 0 and column.max() < 256 else column
    return small if (small == column).all() else column
