# SPDX-License-Identifier: Apache-2.0
"""What a dataset is: where its bytes come from, how they are read and prepared, what must hold of them.

A dataset's file ends with ``DATASET``, an object of one of the classes in :mod:`assay.data.families`, which share
all that datasets of a kind have in common. ``DATASET`` and, where there are parts, ``PARTS`` stand at the top level.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from assay.data import download
from assay.data.download import RemoteFile

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

    from assay.data.expectations import Check
    from assay.data.preparation.split_strategies import StrategyName, TestPart


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from, and on what terms."""

    name: str
    files: tuple[RemoteFile, ...]
    licence: str
    citation: str
    homepage: str
    quirks: str
    """What a user must know before comparing numbers: missing splits, imbalance, duplicates."""
    published: str = ""
    """The year in which it was first published; "" if it is not."""


@dataclass(frozen=True)
class Augmentation:
    """How training batches of images are varied; :mod:`assay.data.augmentation.images` applies it."""

    shift: int
    """Largest shift in pixels, each axis, each direction."""
    rotation: float
    """Largest turn in degrees, each direction."""
    erase: float
    """Probability that a rectangle of an image is replaced by background, in [0, 1]."""
    flip: bool
    """Mirror left and right in half of the images. Never where handedness is part of the class."""


@dataclass(frozen=True)
class TextAugmentation:
    """How training batches of texts are varied; :mod:`assay.data.augmentation.text` applies it."""

    drop: float
    """Probability that a word becomes an unknown one, in [0, 1)."""
    swap: float
    """Probability that a word changes place with its right neighbour, in [0, 1)."""


@dataclass(frozen=True, kw_only=True)
class Files(ABC):
    """Raw files: upstream's, and those of the twin, a small generated dataset of the same shape."""

    source: Source

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
        """Bring upstream's files into ``raw``; return address, size and sha256 of each.

        Raises:
            DownloadError: no source gave a file's declared bytes.
        """
        return download.describe(download.fetch(self.source.files, raw, mirror=mirror))

    @abstractmethod
    def make_twin(self, raw: Path, seed: int) -> None:
        """Write the twin into ``raw``, in upstream's files."""

    def file(self, raw: Path) -> Path:
        """Return the first of the files in ``raw``, often the only one."""
        return raw / self.source.files[0].name

    def twin_rng(self, seed: int) -> np.random.Generator:
        """Return what draws the twin; twins of different datasets differ."""
        return np.random.default_rng([seed, *self.source.name.encode()])


@dataclass(frozen=True, kw_only=True)
class Dataset(Files):
    """A dataset, as the pipeline uses it."""

    augmentation: Augmentation | TextAugmentation | None = None
    """None where training batches are not varied."""
    classes: tuple[str, ...] = ()
    """Names of the labels, by their numbers; none where an item has no label."""
    parts: Mapping[str, Files] = field(default_factory=dict)
    """What it is made of; validation and test items of a part are not learned from here."""
    test_fraction: TestPart = 0.0
    """Part of all items that goes to test where upstream names no test items: a fraction, or a fold."""
    optimum: Mapping[str, float] | None = None
    """The best value that any model can have, by metric, where it is known."""

    @abstractmethod
    def read(self, raw: Path) -> Sized:
        """Return the items that upstream's files hold.

        Raises:
            ValueError: a file is not as it should be; one line.
        """

    @abstractmethod
    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin.

        Returns:
            What prepared.json holds.
        """

    @abstractmethod
    def checks(self, counts: dict[str, int]) -> list[Check]:
        """Return what must hold of the prepared items, in this order; ``counts`` are the items of each split."""

    def expectations(self, counts: dict[str, int]) -> list[Expectation]:
        """Return what must hold of the prepared items, as validation takes it."""
        return [check.expectation for check in self.checks(counts)]


@runtime_checkable
class HasSplitStrategy(Protocol):
    """Items that are held out by a strategy where upstream has no split."""

    @property
    def split_strategy(self) -> StrategyName | None:
        """Return the strategy; None for the default of this kind of dataset."""


@runtime_checkable
class HasLevels(Protocol):
    """Images of which upstream's pixels are whole numbers from 0 to ``levels``."""

    @property
    def levels(self) -> int:
        """Return the largest value of a pixel."""


@runtime_checkable
class Mends(Protocol):
    """Texts that are changed when they are read, as a user's own must be too."""

    def mend(self, text: str) -> str:
        """Return the text as it was before upstream damaged it."""


@runtime_checkable
class HasTextColumns(Protocol):
    """Texts that are read from columns of a table."""

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Return the names of the columns; texts of several are joined by ``assay.data.own.found.JOINED_BY``."""


@runtime_checkable
class HasGroups(Protocol):
    """Labelled items of several tasks."""

    @property
    def groups(self) -> Mapping[str, tuple[int, int]]:
        """Return the classes of each task: the first, and the one after the last."""
