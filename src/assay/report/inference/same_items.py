# SPDX-License-Identifier: Apache-2.0
"""Whether two models that answered the same test items differ, from one run of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from assay.report.inference import statistics
from assay.tasks.metric import PrimaryMetric, SummedMetric

DRAWS = 2000
"""Bootstrap samples of the test items."""
BATCH = 100
"""Of these at a time, which bounds the memory."""


def p_value(first: pd.DataFrame, second: pd.DataFrame, metric: PrimaryMetric) -> tuple[float, str]:
    """Return the p-value, two-sided, of a metric's difference, and by which test; nan where the metric is not defined
    on the items that the test draws.

    Args:
        first: predictions, one row an item.
        second: those of the other model, of the same items in the same order.
        metric: how it comes from single items.
    """
    if not isinstance(metric, SummedMetric):
        return jackknife(first, second, metric), "paired jackknife over items"
    counts = metric.counts(first), metric.counts(second)
    if all(_right_or_wrong(each) for each in counts):
        return mcnemar(counts[0][:, 0], counts[1][:, 0]), "McNemar's test over items"
    return bootstrap(*counts, metric), "paired bootstrap over items"


def _right_or_wrong(counts: NDArray[Any]) -> bool:
    """Say whether counts (N, S) are of each item whether it is right, and 1."""
    return counts.shape[1] == 2 and bool(np.isin(counts[:, 0], (0, 1)).all() and (counts[:, 1] == 1).all())


def mcnemar(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return the exact p-value from which items (N,) each of two models has right."""
    lost, won = int((first > second).sum()), int((second > first).sum())
    return float(stats.binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def bootstrap(first: NDArray[Any], second: NDArray[Any], metric: SummedMetric) -> float:
    """Return the p-value from what the metric counts of each item, (N, S) of each model.

    The difference over its standard deviation with items drawn again is held against Student's t.
    """

    def difference(items: NDArray[np.int64]) -> float:
        sums = (counts[items].sum(axis=0, dtype=np.float64) for counts in (first, second))
        before, after = (float(metric.of_sums(each)) for each in sums)
        return after - before

    items = np.arange(len(first))
    observed = difference(items)
    drawn = stats.bootstrap(
        (items,),
        difference,
        n_resamples=DRAWS,
        batch=BATCH,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    if drawn.standard_error == 0:
        return 1.0 if observed == 0 else 0.5 ** (len(items) - 1)  # the sign test: all items say the same
    return float(2 * stats.t.sf(abs(observed) / drawn.standard_error, len(items) - 1))


def jackknife(first: pd.DataFrame, second: pd.DataFrame, metric: PrimaryMetric) -> float:
    """Return the p-value of a metric that is computed from all items at once."""
    pairs = zip(metric.arrays(first), metric.arrays(second), strict=True)
    arrays = [np.stack(pair) for pair in pairs]
    values, drawn = statistics.jackknife(arrays, metric.value, np.random.default_rng(0))
    if not np.isfinite(drawn).all():
        return math.nan
    both = statistics.spread(values, drawn, np.array([1, 1]), len(first))
    variance = statistics.apart(both, np.array([0]), np.array([1]))
    return float(statistics.p_values(values[:1] - values[1:], variance).item())
