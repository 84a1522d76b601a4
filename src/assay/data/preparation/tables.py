# SPDX-License-Identifier: Apache-2.0
"""Tables of numbers: cleaned, split, described row by row, and written for the tasks to read.

Items are the table's rows, numbered in upstream's order before anything is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.preparation import store, text
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import StrategyName, choose

LABEL, TARGET = "label", "target"
"""The column that holds what is predicted: a class, or a number."""
GROUP, TIME = "group", "time"
"""The columns that hold to whom or what an item belongs, and when it was measured, where that is known."""


@dataclass(frozen=True)
class TableSet:
    """A dataset as upstream gives it."""

    features: NDArray[np.float64]
    """(N, F)."""
    targets: NDArray[np.int64] | NDArray[np.float64]
    """(N,): an index into ``classes``, or numbers where there are none."""
    columns: tuple[str, ...]
    """The names of the F features."""
    classes: tuple[str, ...] = ()
    groups: NDArray[Any] | None = None
    """(N,) whole numbers or texts: to which person, say, each row belongs. No feature."""
    times: NDArray[Any] | None = None
    """(N,) numbers or dates: when each row was measured. No feature."""
    weights: NDArray[np.float64] | None = None
    """(N,) above 0: how much each row counts in training, such as survey weights. No feature."""
    split: NDArray[np.str_] | None = None
    """(N,) upstream's split: ``train``, ``validation`` or ``test``, or ``""`` where upstream names none."""

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def predicted(self) -> str:
        return LABEL if self.classes else TARGET

    @property
    def origins(self) -> dict[str, NDArray[Any]]:
        """Return the groups and the times by column, where they are known."""
        found = {GROUP: self.groups, TIME: self.times}
        return {column: values for column, values in found.items() if values is not None}


def prepare(
    table: TableSet,
    out: Path,
    *,
    dataset: str,
    seed: int,
    validation_fraction: float,
    test_fraction: float,
    split_strategy: StrategyName | None = None,
    optimum: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Clean, split and describe a table; write arrays.safetensors, items.parquet and prepared.json.

    Row r of items.parquet describes row r of the arrays. Equal arguments give equal bytes.

    Args:
        validation_fraction: part of what is left of test that goes to validation, in (0, 1).
        test_fraction: part of all items that goes to test, in (0, 1).
        split_strategy: how they are held out; by group, the fractions are of groups. None for ``stratified`` where
            there are classes, ``random`` where there are none.
        optimum: the best value that any model can have, by metric, where it is known.

    Returns:
        What prepared.json holds.

    Raises:
        ValueError: a split would have no item, or too few of a class; the table has not what the strategy goes by, or
            names two columns alike.
    """
    names = schema(table).names
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{dataset}: two columns are called {twice[0]!r}; rename the feature in its read()")
    store.begin(out)
    digests = np.array([hashlib.sha256(row.tobytes()).hexdigest() for row in table.features], dtype=object)
    upstream = np.full(len(table), "") if table.split is None else table.split
    kept, dropped = clean(digests, table.targets, upstream, noun="features")
    features, targets = table.features[kept], table.targets[kept]
    origins = {column: values[kept] for column, values in table.origins.items()}
    strategy = choose(
        split_strategy or ("stratified" if table.classes else "random"),
        dataset=dataset,
        labels=targets.astype(np.int64) if table.classes else None,
        times=origins.get(TIME),
        groups=origins.get(GROUP),
    )
    split = draw_split(upstream[kept], strategy, seed, validation_fraction, test_fraction, dataset=dataset)
    arrays = {"features": features.astype(np.float32), f"{table.predicted}s": targets.astype(_kind(table))}
    if table.weights is not None:
        arrays["weights"] = _checked(table.weights, dataset)[kept]
    store.write_arrays(out, arrays)
    store.write_items(
        out,
        schema(table),
        {
            "item": kept,
            "split": split,
            **origins,
            table.predicted: targets,
            **dict(zip(table.columns, features.T, strict=True)),
            "sha256": digests[kept],
        },
    )
    learned = split == "train"
    facts = {
        "dataset": dataset,
        "classes": list(table.classes),
        "columns": list(table.columns),
        "shape": [len(table.columns)],
        "axes": ["columns"],
        "counts": {name: int((split == name).sum()) for name in SPLITS},
        **measure(features[learned]),
        **(counts_of(table.classes, targets, split) if table.classes else spread(targets[learned])),
        "dropped": dropped,
    }
    return store.seal(
        out, facts, upstream=upstream[kept], split=split, strategy=strategy.name, optimum=optimum
    )


def _checked(weights: NDArray[np.float64], dataset: str) -> NDArray[np.float32]:
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(wrong):
        row, weight = wrong[0], weights[wrong[0]]
        raise ValueError(
            f"{dataset}: row {row + 1} has the weight {weight:g}; allowed are numbers above 0; fix its read()"
        )
    return weights.astype(np.float32)


def _kind(table: TableSet) -> type[np.generic]:
    return np.int64 if table.classes else np.float32


def schema(table: TableSet) -> pa.Schema:
    """Return the columns of items.parquet."""
    predicted = pa.int64() if table.classes else pa.float64()
    return pa.schema(
        [
            ("item", pa.int64()),
            ("split", pa.string()),
            *((column, pa.array(values[:0]).type) for column, values in table.origins.items()),
            (table.predicted, predicted),
            *((column, pa.float64()) for column in table.columns),
            ("sha256", pa.string()),
        ]
    )


def measure(features: NDArray[np.float64]) -> dict[str, list[float]]:
    """Return mean and standard deviation of each feature (N, F); a column that does not vary has the deviation 1."""
    deviations = features.std(axis=0)
    return {
        "mean": features.mean(axis=0).tolist(),
        "std": np.where(deviations > 0, deviations, 1.0).tolist(),
    }


def spread(targets: NDArray[np.float64]) -> dict[str, float]:
    """Return mean and standard deviation of targets (N,); if they do not vary the deviation is 1."""
    return {"target_mean": float(targets.mean()), "target_std": float(targets.std()) or 1.0}


def counts_of(classes: Sequence[str], labels: NDArray[Any], split: NDArray[np.str_]) -> dict[str, Any]:
    """Return how many items of each class are in each split."""
    return {
        "class_counts": {
            name: np.bincount(labels[split == name].astype(np.int64), minlength=len(classes)).tolist()
            for name in SPLITS
        }
    }


def read_numbers(
    path: Path, data: bytes, *, columns: int, delimiter: str | None = None
) -> NDArray[np.float64]:
    """Return the numbers (N, columns) of a file's lines.

    Args:
        data: what the file holds, unpacked.

    Raises:
        ValueError: it is not such a table, or a number is not finite; one line.
    """
    lines = text.require_text(path, 1, text.decode(path, "ascii", data)).splitlines()
    try:
        table = np.loadtxt(lines, delimiter=delimiter, dtype=np.float64, ndmin=2)
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"{path}: not a table of numbers ({fault}); delete the file and run again") from None
    if table.shape[1] != columns:
        raise ValueError(
            f"{path}: {table.shape[1]} columns, expected {columns}; delete the file and run again"
        )
    if not np.isfinite(table).all():
        row = int((~np.isfinite(table)).any(axis=1).argmax())
        raise ValueError(
            f"{path}: row {row + 1} has a number that is not finite; delete the file and run again"
        )
    return table
