# SPDX-License-Identifier: Apache-2.0
"""Strategies for holding items out: stratified by class, at random, the latest ones, or whole groups; and folds.

A strategy splits only the items without a split in upstream: upstream's validation and test items are always kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

StrategyName = Literal["stratified", "random", "time", "group"]


@dataclass(frozen=True)
class Fold:
    """One of several folds: parts of nearly equal size into which items are divided, each of which is test once."""

    number: int
    """From 0 to ``folds`` - 1."""
    folds: int
    """How many there are, at least 2."""


TestPart = float | Fold
"""The items that go to test: a fraction of all in (0, 1), or one fold of them."""
Held = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The remaining rows, and the held out rows."""


class SplitStrategy(Protocol):
    """A way to hold out a part of the items."""

    @property
    def name(self) -> str:
        """Its name in prepared.json."""

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the remaining rows and the held out rows.

        Args:
            rows: (M,) the numbers of the items to split.
            fraction: the fraction to hold out, in (0, 1).

        Raises:
            ValueError: they cannot be split; the reason does not include the dataset's name.
        """

    def hold_out_fold(self, rows: NDArray[np.int64], fold: Fold, seed: int) -> Held:
        """Return the rows of the other folds and those of this one; with equal rows and seed, each row is in one fold.

        Args:
            rows: (M,) the numbers of the items to split.

        Raises:
            ValueError: they have no such folds; the reason does not include the dataset's name.
        """


@dataclass(frozen=True)
class Stratified:
    """A random split in which each class has nearly the same proportion in every part."""

    labels: NDArray[np.int64]
    """(N,) classes."""

    @property
    def name(self) -> str:
        """Return ``random`` for a single class, with which nothing is stratified."""
        return "stratified" if len(np.unique(self.labels)) > 1 else "random"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the remaining rows and the held out rows, each with every class."""
        return _draw(rows, fraction, seed, self.labels[rows])

    def hold_out_fold(self, rows: NDArray[np.int64], fold: Fold, seed: int) -> Held:
        """Return the rows of the other folds and those of this one; a class has nearly as many in each fold."""
        from sklearn.model_selection import StratifiedKFold

        labels = self.labels[rows]
        fewest = int(np.unique(labels, return_counts=True)[1].min())
        if fewest < fold.folds:
            raise ValueError(f"a class has {fewest} items, fewer than there are folds: {fold.folds}")
        drawing = StratifiedKFold(fold.folds, shuffle=True, random_state=seed)
        return _of_fold(rows, list(drawing.split(rows, labels))[fold.number])


@dataclass(frozen=True)
class Random:
    """A random split of the items."""

    name = "random"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the remaining rows and the held out rows."""
        return _draw(rows, fraction, seed, None)

    def hold_out_fold(self, rows: NDArray[np.int64], fold: Fold, seed: int) -> Held:
        """Return the rows of the other folds and those of this one."""
        from sklearn.model_selection import KFold

        drawing = KFold(fold.folds, shuffle=True, random_state=seed)
        return _of_fold(rows, list(drawing.split(rows))[fold.number])


@dataclass(frozen=True)
class ByTime:
    """A split in which the latest items are held out; items of the same time stay together."""

    times: NDArray[Any]
    """(N,) numbers or dates."""
    name = "time"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the rows before a time and those from it on; the time is chosen to come closest to the fraction."""
        del seed  # the split is deterministic
        times = self.times[rows]
        different, counts = np.unique(times, return_counts=True)
        if len(different) < 2:
            raise ValueError("all remaining items have the same time, which cannot be split")
        later = len(rows) - counts.cumsum()[:-1]  # the number of items from the second, third, ... time on
        border = different[1:][np.abs(later - fraction * len(rows)).argmin()]
        return rows[times < border], rows[times >= border]

    def hold_out_fold(self, rows: NDArray[np.int64], fold: Fold, seed: int) -> Held:
        """Raise an error: all folds but the last would be predicted from later items."""
        del rows, fold, seed
        raise ValueError(
            "by time there are no folds, since models would learn from later items than those of test"
        )


@dataclass(frozen=True)
class ByGroup:
    """A random split of whole groups, such as the items of a person. Fractions are of groups, not of items."""

    groups: NDArray[Any]
    """(N,) the group of each item."""
    name = "group"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the rows of the remaining groups and those of the held out groups."""
        from sklearn.model_selection import GroupShuffleSplit

        drawing = GroupShuffleSplit(n_splits=1, test_size=fraction, random_state=seed)
        return _of_fold(rows, next(drawing.split(rows, groups=self.groups[rows])))

    def hold_out_fold(self, rows: NDArray[np.int64], fold: Fold, seed: int) -> Held:
        """Return the rows of the other folds and those of this one; a group is in one fold."""
        from sklearn.model_selection import GroupKFold

        drawing = GroupKFold(fold.folds, shuffle=True, random_state=seed)
        return _of_fold(rows, list(drawing.split(rows, groups=self.groups[rows]))[fold.number])


@dataclass(frozen=True)
class Together:
    """Another strategy for items some of which are equal: these stay together, and count as one when it draws."""

    strategy: SplitStrategy
    kinds: NDArray[np.int64]
    """(N,) the same number for equal items."""

    @property
    def name(self) -> str:
        """Return the name of the other strategy."""
        return self.strategy.name

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the remaining rows and the held out rows, both ascending."""
        return self._with_equal(rows, self.strategy.hold_out(self._firsts(rows), fraction, seed))

    def hold_out_fold(self, rows: NDArray[np.int64], fold: Fold, seed: int) -> Held:
        """Return the rows of the other folds and those of this one, both ascending."""
        return self._with_equal(rows, self.strategy.hold_out_fold(self._firsts(rows), fold, seed))

    def _firsts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first of equal items, ascending."""
        return np.sort(rows[np.unique(self.kinds[rows], return_index=True)[1]])

    def _with_equal(self, rows: NDArray[np.int64], firsts: Held) -> Held:
        """Return all rows, each where the first of its equals is."""
        is_held = np.isin(self.kinds[rows], self.kinds[firsts[1]])
        return rows[~is_held], rows[is_held]


def choose(
    name: StrategyName,
    *,
    dataset: str,
    labels: NDArray[np.int64] | None = None,
    times: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> SplitStrategy:
    """Return the strategy of this name for items with these facts, (N,) each; None if they have no such fact.

    Raises:
        ValueError: the items lack the strategy's fact; one line.
    """
    if name == "random":
        return Random()
    if name == "stratified" and labels is not None:
        return Stratified(labels)
    if name == "time" and times is not None:
        return ByTime(times)
    if name == "group" and groups is not None:
        return ByGroup(groups)
    lacking = {"stratified": "classes", "time": "times", "group": "groups"}[name]
    facts = {"stratified": labels, "time": times, "group": groups}
    allowed = ", ".join(["random", *(each for each, fact in facts.items() if fact is not None)])
    raise ValueError(
        f"{dataset}: split_strategy = {name!r}: its read() returns no {lacking}; allowed are {allowed}"
    )


def _draw(rows: NDArray[np.int64], fraction: float, seed: int, strata: NDArray[np.int64] | None) -> Held:
    from sklearn.model_selection import (
        train_test_split,
    )  # takes 1.4 s, and ingestion and validation do not need it

    stay, held = train_test_split(rows, test_size=fraction, stratify=strata, random_state=seed)
    return stay, held


def _of_fold(rows: NDArray[np.int64], places: Held) -> Held:
    stay, held = places
    return rows[stay], rows[held]
