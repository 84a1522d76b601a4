# SPDX-License-Identifier: Apache-2.0
"""Tables; one column is predicted from the others, which may be numbers, categories, dates and texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.declarations import Dataset
from assay.data.expectations import Check, apart, in_order, labels, of_table
from assay.data.families.table_columns import Column, Number
from assay.data.preparation import tables
from assay.data.preparation.split_strategies import StrategyName
from assay.data.preparation.tables import LABEL, TARGET

_TWIN_NOISE = 0.3
"""The standard deviation of the noise in a twin's targets, as a share of that of their linear function."""
_TWIN_GROUPS = 40
"""The number of groups in a twin whose dataset has groups; items belong to each in turn."""


@dataclass(frozen=True, kw_only=True)
class Tables(Dataset):
    """A dataset of a table: features, and one column to predict from them."""

    columns: Mapping[str, Column]
    """What each feature may plausibly be, by name."""
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
        shares = rng.random((self.twin_items, len(self.columns)))  # (N, F) of each column's range
        score = (shares - 0.5) @ rng.normal(size=len(self.columns))
        noise = _TWIN_NOISE / max(1, len(self.classes) - 1)  # more classes are closer together
        score += noise * score.std() * rng.normal(size=self.twin_items)
        ranks = score.argsort().argsort() / self.twin_items  # (N,) in [0, 1)
        if self.classes:
            targets = (ranks * len(self.classes)).astype(np.int64)
        else:
            targets = np.rint(self.target[0] + ranks * (self.target[1] - self.target[0]))
        order = np.arange(self.twin_items)
        table = tables.TableSet(
            {
                name: _thinned(column.values_at(share, rng), column.missing, rng)
                for (name, column), share in zip(self.columns.items(), shares.T, strict=True)
            },
            {name: column.kind for name, column in self.columns.items()},
            targets,
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
        own = [column.check(name, f"columns[{name!r}]") for name, column in self.columns.items()]
        if self.classes:
            own += labels(counts, num_classes=len(self.classes), class_share=self.class_share)
        else:
            own.append(Number(*self.target).check(TARGET, "target"))
        if self.split_strategy == "group":
            own.append(apart())
        if self.split_strategy == "time":
            own.append(in_order())
        facts = ["item", "split", *self.origins, predicted, *self.columns, "sha256"]
        missing = {name: column.missing for name, column in self.columns.items()}
        return of_table(counts, own, facts=facts, nouns=("a row", "rows"), missing=missing)


def _thinned(values: NDArray[Any], missing: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return values (N,) of which half the allowed share is missing."""
    if not missing:
        return values
    thinned = values.copy()
    thinned[rng.random(len(values)) < missing / 2] = np.nan if values.dtype == np.float64 else None
    return thinned
