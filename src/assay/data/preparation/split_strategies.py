# SPDX-License-Identifier: Apache-2.0
"""How items are held out: in the proportions of their classes, at random, the latest, or whole groups of them.

A strategy decides only what upstream leaves open: the validation and test items that upstream names are always kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

StrategyName = Literal["stratified", "random", "time", "group"]

Held = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows that stay, and rows that are held out."""


class SplitStrategy(Protocol):
    """What holds out a part of the items."""

    @property
    def name(self) -> str:
        """What prepared.json calls it."""

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the rows (M,) that stay and those that are held out.

        Args:
            rows: (M,) numbers of items.
            fraction: how many are held out, in (0, 1).

        Raises:
            ValueError: they cannot be split; a reason without the dataset's name.
        """


@dataclass(frozen=True)
class Stratified:
    """Items are drawn so that each class has nearly the same proportion in every split."""

    labels: NDArray[np.int64]
    """(N,) classes."""

    @property
    def name(self) -> str:
        """Return ``random`` where there is a single class: then nothing is stratified."""
        return "stratified" if len(np.unique(self.labels)) > 1 else "random"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the rows that stay and those that are held out, each with every class."""
        return _draw(rows, fraction, seed, self.labels[rows])


@dataclass(frozen=True)
class Random:
    """Items are drawn whatever they are."""

    name = "random"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the rows that stay and those that are held out."""
        return _draw(rows, fraction, seed, None)


@dataclass(frozen=True)
class ByTime:
    """The latest items are held out; items of one time are held out together or stay together."""

    times: NDArray[Any]
    """(N,) numbers or dates."""
    name = "time"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the rows before a time and those from it on, so many of them as come nearest to the fraction."""
        del seed  # nothing is drawn
        times = self.times[rows]
        different, counts = np.unique(times, return_counts=True)
        if len(different) < 2:
            raise ValueError("all items that are left are of one time, which cannot stand in two splits")
        later = len(rows) - counts.cumsum()[:-1]  # items from the second, third, ... time on
        border = different[1:][np.abs(later - fraction * len(rows)).argmin()]
        return rows[times < border], rows[times >= border]


@dataclass(frozen=True)
class ByGroup:
    """Whole groups are drawn: the items of a person, say, stand in one split. Fractions are of groups, not of items."""

    groups: NDArray[Any]
    """(N,) the group of each item."""
    name = "group"

    def hold_out(self, rows: NDArray[np.int64], fraction: float, seed: int) -> Held:
        """Return the rows of the groups that stay and those of the groups that are held out."""
        from sklearn.model_selection import GroupShuffleSplit

        drawing = GroupShuffleSplit(n_splits=1, test_size=fraction, random_state=seed)
        stay, held = next(drawing.split(rows, groups=self.groups[rows]))
        return rows[stay], rows[held]


def choose(
    name: StrategyName,
    *,
    dataset: str,
    labels: NDArray[np.int64] | None = None,
    times: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> SplitStrategy:
    """Return the strategy of this name for items with these facts, (N,) each; None where they have no such fact.

    Raises:
        ValueError: the items lack what the strategy goes by; one line.
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
        f"{dataset}: split_strategy = {name!r}: its read() gives no {lacking}; allowed are {allowed}"
    )


def _draw(rows: NDArray[np.int64], fraction: float, seed: int, strata: NDArray[np.int64] | None) -> Held:
    from sklearn.model_selection import train_test_split  # 1.4 s, which ingestion and validation do not need

    stay, held = train_test_split(rows, test_size=fraction, stratify=strata, random_state=seed)
    return stay, held
