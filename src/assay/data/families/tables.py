# SPDX-License-Identifier: Apache-2.0
"""Tables of numbers; one column is predicted from the others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.declarations import Dataset
from assay.data.expectations import Check, apart, between, in_order, labels, of_table, widen
from assay.data.preparation import tables
from assay.data.preparation.split_strategies import StrategyName
from assay.data.preparation.tables import LABEL, TARGET

_READER = "check the dataset's read(): it should return upstream's numbers unchanged"
_TWIN_NOISE = 0.3
"""The standard deviation of the noise in a twin's targets, as a share of that of their linear function."""
_TWIN_GROUPS = 40
"""The number of groups in a twin whose dataset has groups; items belong to each in turn."""


@dataclass(frozen=True, kw_only=True)
class Tables(Dataset):
    """A dataset of a table of numbers: features, and one column to predict from them."""

    columns: Mapping[str, tuple[float, float]]
    """The smallest and largest plausible value of each feature, by name."""
    class_share: tuple[float, float] = (0.0, 1.0)
    """The smallest and largest share of a split that one class may have, within one item."""
    target: tuple[float, float] = (0.0, 1.0)
    """The smallest and largest plausible target, if targets are numbers."""
    origins: tuple[str, ...] = ()
    """The columns among ``group`` and ``time`` of its table, in this order."""
    split_strategy: StrategyName | None = None
    """How items are held out; None for ``stratified`` with classes, ``random`` without."""
    twin_items: int = 240

    @abstractmethod
    def read(self, raw: Path) -> tables.TableSet: ...

    @abstractmethod
    def write(self, raw: Path, table: tables.TableSet) -> None:
        """Write a table as upstream's files."""

    def make_twin(self, raw: Path, seed: int) -> None:
        rng = self.twin_rng(seed)
        low, high = np.array(list(self.columns.values())).T
        shares = rng.random((self.twin_items, len(self.columns)))  # (N, F) of each column's range
        score = (shares - 0.5) @ rng.normal(size=len(self.columns))
        score += _TWIN_NOISE * score.std() * rng.normal(size=self.twin_items)
        ranks = score.argsort().argsort() / self.twin_items  # (N,) in [0, 1)
        if self.classes:
            targets = (ranks * len(self.classes)).astype(np.int64)
        else:
            targets = np.rint(self.target[0] + ranks * (self.target[1] - self.target[0]))
        features = np.round(low + shares * (high - low), 5)
        order = np.arange(self.twin_items)
        table = tables.TableSet(
            features,
            targets,
            tuple(self.columns),
            self.classes,
            groups=order % _TWIN_GROUPS if tables.GROUP in self.origins else None,
            times=order if tables.TIME in self.origins else None,
        )
        self.write(raw, table)

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return tables.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            split_strategy=self.split_strategy,
            optimum=self.optimum,
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        predicted = LABEL if self.classes else TARGET
        own = [_within(name, *limits, knob=f"columns[{name!r}]") for name, limits in self.columns.items()]
        if self.classes:
            own += labels(counts, num_classes=len(self.classes), class_share=self.class_share)
        else:
            own.append(_within(TARGET, *self.target, knob="target"))
        if self.split_strategy == "group":
            own.append(apart())
        if self.split_strategy == "time":
            own.append(in_order())
        facts = ["item", "split", *self.origins, predicted, *self.columns, "sha256"]
        return of_table(counts, own, facts=facts, nouns=("a row", "rows"))


def _within(column: str, low: float, high: float, *, knob: str) -> Check:
    fix = f"not plausible: {_READER}; {widen(knob)}"
    return between(column, low, high, bad=high + abs(high) + 1, fix=fix)
