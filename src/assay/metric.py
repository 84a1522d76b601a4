"""A metric by name, which way is better, and how a task's primary one is summed up from single test items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
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


@dataclass(frozen=True)
class SummedMetric(Metric):
    """A metric that is a function of sums over items, which lets the report draw other items of the same kind."""

    columns: tuple[str, ...]
    """Of the table of predictions, those that ``counts`` reads."""
    counts: Callable[[pd.DataFrame], NDArray[Any]]
    """From the table of predictions to (N, S): what the metric counts of each item."""
    of_sums: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """From sums (..., S) to the metric (...)."""
    highest: float | None = None
    """The largest value that there can be, where the smallest is 0; None where there is no largest one."""


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
