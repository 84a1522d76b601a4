# SPDX-License-Identifier: Apache-2.0
"""From the values of one column to the features that models take, by what was learned from the training rows.

Each class is one way to encode a column and keeps what it learned as plain numbers and texts. Its ``fit`` gets values
(N,) as :mod:`assay.data.preparation.cells` returns them; ``encode`` returns features (N, M) for any values of the
column, seen in training or not.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from assay.data.preparation.cells import Kind, days

Features = NDArray[np.float64]

FREQUENT = 5
"""The fewest training rows of a category, or of a word, that is encoded for itself."""
MOST_CATEGORIES = 30
"""The most frequent categories with a column each; with more of them each is encoded by the targets of its rows."""
PRIOR_ROWS = 10.0
"""The number of rows that the mean of all targets counts for in the mean of a category."""
MOST_WORDS, TOPICS = 500, 16
"""The most words of a column of texts that are counted, and the components that their counts are reduced to."""
_BLOCK = 4096
"""Texts whose word counts are in memory at a time."""
_LEAST_SQUARE = 1e-4
"""The least share of the largest squared singular value that a component has."""
_WORD = re.compile(r"\w+")
_PERIODS = {"year": 365.2425, "week": 7.0, "day": 1.0}
"""In days."""
_LEAST_SPREAD = 0.05
"""A position in a period that varies less, as the weekday of weekly dates does, is not encoded."""


class _Encoder(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scaled: ClassVar[bool] = True
    """Whether the features are standardised: not those of categories, which are 0 or 1."""


class NumberEncoder(_Encoder):
    """A number; a missing one becomes the median of the training rows, beside a column that says so."""

    form: Literal["number"] = "number"
    median: float
    has_missing: bool
    """Whether a number is missing in a training row."""

    @classmethod
    def fit(cls, numbers: Features) -> NumberEncoder:
        there = numbers[~np.isnan(numbers)]
        return cls(
            median=float(np.median(there)) if len(there) else 0.0, has_missing=len(there) < len(numbers)
        )

    def names(self, column: str) -> list[str]:
        return [column, *([f"{column} is missing"] if self.has_missing else [])]

    def encode(self, numbers: Features) -> Features:
        missing = np.isnan(numbers)
        filled = np.where(missing, self.median, numbers)
        return np.column_stack([filled, missing] if self.has_missing else [filled])


class DateEncoder(_Encoder):
    """A date: its number of days since 1970, and sine and cosine of its position in the year, the week and the day."""

    form: Literal["date"] = "date"
    number: NumberEncoder
    """Of the days."""
    periods: tuple[Literal["year", "week", "day"], ...]
    """Those that the training rows span at least once, in different positions."""

    @classmethod
    def fit(cls, dates: NDArray[Any]) -> DateEncoder:
        numbers = days(dates)
        there = numbers[~np.isnan(numbers)]
        periods = [
            name
            for name, length in _PERIODS.items()
            if len(there)
            and np.ptp(there) >= length
            and _circle(there, length).std(axis=0).sum() > _LEAST_SPREAD
        ]
        return cls.model_validate({"number": NumberEncoder.fit(numbers), "periods": periods})

    def names(self, column: str) -> list[str]:
        positions = [
            f"{column}: {wave} of the {name}" for name in self.periods for wave in ("sine", "cosine")
        ]
        return [*self.number.names(column), *positions]

    def encode(self, dates: NDArray[Any]) -> Features:
        features = self.number.encode(days(dates))
        return np.column_stack(
            [features, *(_circle(features[:, 0], _PERIODS[name]) for name in self.periods)]
        )


def _circle(numbers: Features, period: float) -> Features:
    """Return sine and cosine (N, 2) of the position of days (N,) in a period."""
    angles = 2 * np.pi * (numbers % period) / period
    return np.column_stack([np.sin(angles), np.cos(angles)])


class CategoryEncoder(_Encoder):
    """One column of 0 and 1 for each frequent category, one for all rare ones, one for missing values.

    A category that no training row has counts as rare; without a rare one in training, it is 0 in all columns.
    """

    form: Literal["category"] = "category"
    scaled: ClassVar[bool] = False
    categories: tuple[str, ...]
    """The frequent ones."""
    has_rare: bool
    has_missing: bool

    @classmethod
    def fit(cls, names: NDArray[Any]) -> CategoryEncoder:
        counts = Counter(name for name in names if name is not None)
        frequent = frequent_names(names)
        return cls(
            categories=frequent, has_rare=len(counts) > len(frequent), has_missing=counts.total() < len(names)
        )

    def names(self, column: str) -> list[str]:
        rare = [f"{column} is rare"] if self.has_rare else []
        missing = [f"{column} is missing"] if self.has_missing else []
        return [*(f"{column} = {name}" for name in self.categories), *rare, *missing]

    def encode(self, names: NDArray[Any]) -> Features:
        width = len(self.categories)
        places: dict[str | None, int] = {name: place for place, name in enumerate(self.categories)}
        if self.has_missing:
            places[None] = width + self.has_rare
        found = np.array(
            [places.get(name, width if self.has_rare and name is not None else -1) for name in names],
            dtype=np.int64,
        )
        features = np.zeros((len(names), width + self.has_rare + self.has_missing))
        rows = np.flatnonzero(found >= 0)
        features[rows, found[rows]] = 1
        return features


def frequent_names(names: NDArray[Any]) -> tuple[str, ...]:
    """Return the categories of at least ``FREQUENT`` rows, in alphabetical order."""
    counts = Counter(name for name in names if name is not None)
    return tuple(sorted(name for name, count in counts.items() if count >= FREQUENT))


class TargetEncoder(_Encoder):
    """The mean target of the training rows of a category, drawn towards the mean of all rows the fewer they are.

    One column, or one for each class if there are more than two: its share of the rows. Many categories as columns of
    their own would be too many features for small data, and hashed ones would mix categories at random. A missing
    value is a category; one that no training row has gets the mean of all rows. After Micci-Barreca, "A Preprocessing
    Scheme for High-Cardinality Categorical Attributes", SIGKDD Explorations 3(1), 2001,
    https://doi.org/10.1145/507533.507538.
    """

    form: Literal["target"] = "target"
    mean: tuple[float, ...]
    """(M,) of all rows."""
    means: dict[str, tuple[float, ...]]
    """(M,) by category."""
    missing: tuple[float, ...]
    """(M,) of the rows with a missing value."""

    @classmethod
    def fit(cls, names: NDArray[Any], targets: Features, mean: Features) -> TargetEncoder:
        """Fit to categories (N,), targets (N, M) and the mean (M,) towards which those of few rows are drawn."""
        import pandas as pd  # it takes half a second, and predicting a user's rows does not need it

        groups = pd.DataFrame(targets).groupby(pd.Series(names).fillna("").to_numpy())
        sums = groups.sum().add(PRIOR_ROWS * mean).div(groups.size() + PRIOR_ROWS, axis=0)
        means = {
            str(name): tuple(row) for name, row in zip(sums.index, sums.to_numpy().tolist(), strict=True)
        }
        missing = means.pop("", tuple(mean.tolist()))
        return cls(mean=tuple(mean.tolist()), means=means, missing=missing)

    def names(self, column: str) -> list[str]:
        width = len(self.mean)
        return (
            [f"mean target of {column}"]
            if width == 1
            else [f"share of class {place} by {column}" for place in range(width)]
        )

    def encode(self, names: NDArray[Any]) -> Features:
        found = [self.missing if name is None else self.means.get(name, self.mean) for name in names]
        return np.array(found, dtype=np.float64).reshape(len(names), len(self.mean))


class TextEncoder(_Encoder):
    """The number of words of a text, and its frequent words' TF-IDF, reduced to a few components.

    The components are the first right singular vectors of the training rows (latent semantic analysis): Deerwester et
    al., JASIS 41(6), 1990. TF-IDF is that of scikit-learn's TfidfVectorizer.
    """

    form: Literal["text"] = "text"
    words: tuple[str, ...]
    """(V,) in alphabetical order."""
    weights: tuple[float, ...]
    """(V,) inverse document frequencies."""
    components: tuple[tuple[float, ...], ...]
    """(C, V)."""
    has_missing: bool

    @classmethod
    def fit(cls, texts: NDArray[Any]) -> TextEncoder:
        counts = Counter(word for text in texts for word in set(_words(text)))
        known = sorted(
            (word for word, count in counts.items() if count >= FREQUENT),
            key=lambda word: (-counts[word], word),
        )
        words = tuple(sorted(known[:MOST_WORDS]))
        weights = np.array([np.log((1 + len(texts)) / (1 + counts[word])) + 1 for word in words])
        has_missing = any(text is None for text in texts)
        empty = cls(words=words, weights=tuple(weights.tolist()), components=(), has_missing=has_missing)
        components = empty._right_vectors(texts)
        return empty.model_copy(update={"components": tuple(map(tuple, components.tolist()))})

    def _right_vectors(self, texts: NDArray[Any]) -> Features:
        """Return the first right singular vectors (C, V); the largest number of each is positive."""
        products = np.zeros((len(self.words), len(self.words)))
        for start in range(0, len(texts), _BLOCK):
            block = self._tf_idf(texts[start : start + _BLOCK])
            products += block.T @ block
        if not self.words:
            return products
        squares, vectors = np.linalg.eigh(products)  # ascending
        chosen = vectors.T[squares > _LEAST_SQUARE * squares[-1]][::-1][:TOPICS]
        largest = np.take_along_axis(chosen, np.abs(chosen).argmax(axis=1)[:, None], axis=1)
        found: Features = np.round(chosen * np.sign(largest), 6)  # their last bits depend on the machine
        return found

    def _tf_idf(self, texts: NDArray[Any]) -> Features:
        places = {word: place for place, word in enumerate(self.words)}
        found = np.zeros((len(texts), len(self.words)))
        for row, text in enumerate(texts):
            for word, count in Counter(_words(text)).items():
                if word in places:
                    found[row, places[word]] = count
        found *= self.weights
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        scaled: Features = found / np.where(lengths > 0, lengths, 1.0)
        return scaled

    def names(self, column: str) -> list[str]:
        topics = [f"{column}: component {number}" for number in range(1, len(self.components) + 1)]
        return [f"words in {column}", *topics, *([f"{column} is missing"] if self.has_missing else [])]

    def encode(self, texts: NDArray[Any]) -> Features:
        components = np.array(self.components).reshape(len(self.components), len(self.words))
        blocks = [texts[start : start + _BLOCK] for start in range(0, len(texts), _BLOCK)]
        topics = [self._tf_idf(block) @ components.T for block in blocks]
        lengths = np.array([len(_words(text)) for text in texts], dtype=np.float64)
        missing = np.array([text is None for text in texts])
        reduced = np.concatenate(topics) if topics else np.zeros((0, len(components)))
        return np.column_stack([lengths, reduced, *([missing] if self.has_missing else [])])


def _words(text: str | None) -> list[str]:
    return [] if text is None else _WORD.findall(text.lower())


ColumnEncoder = NumberEncoder | DateEncoder | CategoryEncoder | TargetEncoder | TextEncoder


def fit(
    kind: Kind, values: NDArray[Any], targets: Features, folds: NDArray[np.int64]
) -> tuple[ColumnEncoder, Features]:
    """Return the encoder of a column, fitted to the training rows, and their features (N, M).

    A target that is encoded would be known to its own feature. So the features of the training rows in a fold are
    those of an encoder that was fitted to the other folds; all other rows get those of the encoder of all.

    Args:
        values: (N,).
        targets: (N, M) numbers, or the shares of classes.
        folds: (N,) the number of each row's fold.
    """
    if kind == "category" and len(frequent_names(values)) > MOST_CATEGORIES:
        mean = targets.mean(axis=0)
        features = np.empty_like(targets)
        for fold in np.unique(folds):
            held = folds == fold
            features[held] = TargetEncoder.fit(values[~held], targets[~held], mean).encode(values[held])
        return TargetEncoder.fit(values, targets, mean), features
    encoder = _FIXED[kind].fit(values)
    return encoder, encoder.encode(values)


_FIXED: dict[Kind, type[NumberEncoder | DateEncoder | CategoryEncoder | TextEncoder]] = {
    "number": NumberEncoder,
    "date": DateEncoder,
    "category": CategoryEncoder,
    "text": TextEncoder,
}
"""The encoders that do not use targets, by kind of column."""
