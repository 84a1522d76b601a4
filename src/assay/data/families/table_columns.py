# SPDX-License-Identifier: Apache-2.0
"""What the columns of a table may hold: the checks of each, and its values in a twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from assay.data.expectations import Check, between, characters_between, in_set, matches, widen
from assay.data.preparation.cells import Kind

READER = "check the dataset's read(): it should return upstream's values unchanged"
_WORDS = ("good", "bad", "old", "new", "small", "large", "early", "late")
"""The words of texts in twins."""


@dataclass(frozen=True)
class Column(ABC):
    """What one column may hold."""

    kind: ClassVar[Kind]

    missing: float = field(default=0.0, kw_only=True)
    """The largest share of missing values, in [0, 1]."""

    @abstractmethod
    def values_at(self, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[Any]:
        """Return values for a twin: larger or later ones for larger shares (N,) in [0, 1)."""

    @abstractmethod
    def check(self, name: str, knob: str) -> Check:
        """Return the check of all values that are not missing; ``knob`` is where its limits are."""


@dataclass(frozen=True)
class Number(Column):
    kind = "number"

    low: float
    high: float

    def values_at(self, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        del rng
        return np.round(self.low + shares * (self.high - self.low), 5)

    def check(self, name: str, knob: str) -> Check:
        bad = self.high + abs(self.high) + 1
        return between(name, self.low, self.high, bad=bad, fix=_implausible(knob))


@dataclass(frozen=True)
class Category(Column):
    kind = "category"

    values: tuple[str, ...]
    mostly: float = 1.0
    """The least share of the values that must be among ``values``."""

    def values_at(self, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.object_]:
        del rng
        return np.array(self.values, dtype=object)[(shares * len(self.values)).astype(np.int64)]

    def check(self, name: str, knob: str) -> Check:
        return in_set(name, self.values, bad="no such category", fix=_implausible(knob), mostly=self.mostly)


@dataclass(frozen=True)
class Date(Column):
    kind = "date"

    first: str
    """ISO 8601, without a time; only the years are checked."""
    last: str

    def values_at(self, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.object_]:
        del rng
        first = np.datetime64(self.first, "D")
        days = (shares * (np.datetime64(self.last, "D") - first).astype(np.int64)).astype(np.int64)
        return (first + days).astype(str).astype(object)

    def check(self, name: str, knob: str) -> Check:
        years = "|".join(map(str, range(int(self.first[:4]), int(self.last[:4]) + 1)))
        return matches(name, rf"^(?:{years})-\d\d-\d\d", bad="0000-01-01", fix=_implausible(knob))


@dataclass(frozen=True)
class Text(Column):
    kind = "text"

    least: int
    """Characters."""
    most: int

    def values_at(self, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.object_]:
        """The share decides the first word, the others are random."""
        texts = np.full(len(shares), None, dtype=object)
        for row, share in enumerate(shares):
            words = [_WORDS[int(share * len(_WORDS))]]
            while len(" ".join(words)) < self.least:
                words.append(str(rng.choice(_WORDS)))
            texts[row] = " ".join(words)[: self.most]
        return texts

    def check(self, name: str, knob: str) -> Check:
        return characters_between(name, self.least, self.most, fix=_implausible(knob))


def _implausible(knob: str) -> str:
    return f"not plausible: {READER}; {widen(knob)}"
