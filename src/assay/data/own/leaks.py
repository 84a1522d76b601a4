# SPDX-License-Identifier: Apache-2.0
"""Columns that repeat another, and columns that give the target away."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.own.columns import Studied, Study

_CHANCE = 1e-6
"""A rule that holds in all rows counts unless it would hold by chance with more than this probability."""
_COPY, _CLOSE = 0.9999, 0.8
"""Correlation from which a number is the target in other units, and from which it is nearly the target."""
_FEWEST_ROWS = 30
_MOST_DATES = 6
_MOST_SUMMED = 100
"""Most columns of numbers of which one is looked at as the sum of others."""


def doubles(study: Study) -> dict[str, str]:
    """Return the columns that say the same as an earlier one, with the reason."""
    first: dict[bytes, str] = {}
    found = {}
    for each in study.of("category", "number"):
        key = _fingerprint(each)
        if key in first:
            found[each.name] = f"says the same as {first[key]} in every row"
        else:
            first[key] = each.name
    return found


def _fingerprint(column: Studied) -> bytes:
    """Return bytes that are equal for columns of the same numbers, or whose classes correspond one to one."""
    if column.kind == "number":
        return b"number" + column.row_numbers().tobytes()
    classes = column.row_classes()
    return np.where(classes < 0, -1, pd.factorize(classes)[0]).tobytes()


def sums(study: Study) -> dict[str, str]:
    """Return the columns that are the sum of all numbers before them, or of all others."""
    columns = study.of("number")
    if not 4 <= len(columns) <= _MOST_SUMMED:
        return {}
    rows = np.stack([each.row_numbers() for each in columns])  # (number columns, N)
    found = {}
    for place, each in enumerate(columns):
        for others in {tuple(range(place)), tuple(i for i in range(len(columns)) if i != place)}:
            if len(others) > 1 and _equal(rows[list(others)].sum(axis=0), rows[place]):
                found[each.name] = f"is the sum of {len(others)} other columns"
    return found


def _equal(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < _FEWEST_ROWS or np.ptp(other[both]) == 0:
        return False
    return bool(np.isclose(one[both], other[both], rtol=1e-9, atol=1e-9).mean() > 0.99)


def of_class(study: Study, target: Studied) -> dict[str, str]:
    """Return the columns that give away a target of classes, with the reason."""
    found = {}
    classes = target.row_classes()
    for each in study.columns:
        if each.name == target.name or each.kind in ("id", "constant", "blank", "text", "nested", "group"):
            continue
        if _determines(each, classes):
            one_to_one = _determines(target, each.row_classes())
            found[each.name] = (
                f"is {target.name} in other words" if one_to_one else f"its values determine {target.name}"
            )
        elif each.kind == "number" and _separates(each.row_numbers(), classes):
            found[each.name] = f"its value alone separates the classes of {target.name}"
    return found


def of_number(study: Study, target: Studied) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns that give away a target that is a number, and those that are close to it."""
    leaks, close = _intervals(study, target), {}
    numbers = target.row_numbers()
    for each in study.of("category", "number"):
        if each.name == target.name:
            continue
        if each.kind == "category" and each.column.distinct > 2 and _separates(numbers, each.row_classes()):
            leaks[each.name] = f"holds {target.name} in steps"
        elif each.kind == "number":
            correlation = _correlation(numbers, each.row_numbers())
            if abs(correlation) >= _COPY:
                leaks[each.name] = f"is {target.name} in other units (correlation {correlation:.4f})"
            elif abs(correlation) >= _CLOSE:
                close[each.name] = (
                    f"correlation {correlation:.2f} with {target.name}: is it known beforehand?"
                )
    return leaks, close


def _determines(column: Studied, classes: NDArray[np.int64]) -> bool:
    """Return whether rows of one value are always of one class, and that is not chance.

    Args:
        classes: (N,), -1 where missing.
    """
    values = column.row_classes()
    both = (values >= 0) & (classes >= 0)
    values, classes = values[both], classes[both]
    if len(values) < 10:
        return False
    class_of = np.zeros(values.max() + 1, dtype=np.int64)
    class_of[values] = classes  # the last row of a value wins: all others must agree with it
    shares = np.bincount(classes) / len(classes)
    if (class_of[values] != classes).any() or shares.max() == 1:
        return False
    counts = np.bincount(values)
    sizes, times = np.unique(counts[counts > 1], return_counts=True)
    chance = sum(
        n * np.log((shares ** float(size)).sum()) for size, n in zip(sizes, times, strict=True) if size > 1
    )
    covered = counts[counts > 1].sum() / len(values)
    return bool(chance < np.log(_CHANCE) and covered > 0.5)


def _separates(numbers: NDArray[np.float64], classes: NDArray[np.int64]) -> bool:
    """Return whether the classes lie in ranges of the number that do not overlap.

    Args:
        numbers: (N,), NaN where missing.
        classes: (N,), -1 where missing.
    """
    both = np.isfinite(numbers) & (classes >= 0)
    if both.sum() < _FEWEST_ROWS:
        return False
    numbers, classes = numbers[both], classes[both]
    low, high = np.full(classes.max() + 1, np.inf), np.full(classes.max() + 1, -np.inf)
    np.minimum.at(low, classes, numbers)
    np.maximum.at(high, classes, numbers)
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    order = np.argsort(low)
    if not 2 <= len(low) <= len(numbers) / 10 or (high[order][:-1] >= low[order][1:]).any():
        return False
    return len(np.unique(numbers)) > len(low)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < _FEWEST_ROWS or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return 0.0
    return float(np.corrcoef(one[both], other[both])[0, 1])


def _intervals(study: Study, target: Studied) -> dict[str, str]:
    """Return the later date of a pair whose difference in days is the target."""
    numbers = target.row_numbers()
    for begin, end in permutations(study.of("date")[:_MOST_DATES], 2):
        days = end.row_days() - begin.row_days()
        both = ~np.isnat(days) & np.isfinite(numbers)
        if both.sum() < _FEWEST_ROWS or np.ptp(numbers[both]) == 0:
            continue
        off = days[both].astype(np.int64) - numbers[both]
        if (np.abs(off - np.median(off)) < 0.5).mean() > 0.95 and abs(np.median(off)) <= 1:
            return {end.name: f"{target.name} is the number of days from {begin.name} to it"}
    return {}
