# SPDX-License-Identifier: Apache-2.0
"""Preparation of tables of numbers: cleaning, splitting, facts per row, and the files for tasks.

Items are the table's rows, numbered in upstream's order before any are dropped.
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
"""The column to predict: a class, or a number."""
GROUP, TIME = "group", "time"
"""The columns with the group of an item, and the time of its measurement, if these are known."""


@dataclass(frozen=True)
class TableSet:
    """A dataset in upstream's form."""

    features: NDArray[np.float64]
    """(N, F)."""
    targets: NDArray[np.int64] | NDArray[np.float64]
    """(N,): indices into ``classes``, or numbers without classes."""
    columns: tuple[str, ...]
    """The names of the F features."""
    classes: tuple[str, ...] = ()
    groups: NDArray[Any] | None = None
    """(N,) integers or strings: the group of each row, such as a person. Not a feature."""
    times: NDArray[Any] | None = None
    """(N,) numbers or dates: the time of each row. Not a feature."""
    weights: NDArray[np.float64] | None = None
    """(N,) above 0: the weight of each row in training, such as a survey weight. Not a feature."""
    split: NDArray[np.str_] | None = None
    """(N,) upstream's split: ``train``, ``validation`` or ``test``, or ``""`` if upstream has none."""

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def predicted(self) -> str:
        return LABEL if self.classes else TARGET

    @property
    def origins(self) -> dict[str, NDArray[Any]]:
        """Return the groups and the times by column, if they are known."""
        origins = {GROUP: self.groups, TIME: self.times}
        return {column: values for column, values in origins.items() if values is not None}


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

    Row r of items.parquet describes row r of the arrays. Equal arguments give equal files.

    Args:
        validation_fraction: part of the items outside of test that goes to validation, in (0, 1).
        test_fraction: part of all items that goes to test, in (0, 1).
        split_strategy: how they are held out; by group, the fractions are of groups. None for ``stratified`` with
            classes, ``random`` without.
        optimum: the best value that any model can reach, by metric, if it is known.

    Returns:
        The contents of prepared.json.

    Raises:
        ValueError: a split would have no item, or too few of a class; the table lacks the strategy's fact, or has two
            columns of the same name.
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
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(bad):
        row, weight = bad[0], weights[bad[0]]
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
    """Return mean and standard deviation of each feature (N, F); a constant column has the deviation 1."""
    deviations = features.std(axis=0)
    return {
        "mean": features.mean(axis=0).tolist(),
        "std": np.where(deviations > 0, deviations, 1.0).tolist(),
    }


def spread(targets: NDArray[np.float64]) -> dict[str, float]:
    """Return mean and standard deviation of targets (N,); the deviation is 1 if they are constant."""
    return {"target_mean": float(targets.mean()), "target_std": float(targets.std()) or 1.0}


def counts_of(classes: Sequence[str], labels: NDArray[Any], split: NDArray[np.str_]) -> dict[str, Any]:
    """Return the number of items of each class in each split."""
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
        data: the contents of the file, uncompressed.

    Raises:
        ValueError: it is not such a table, or a number is not finite; one line.
    """
    lines = text.require_text(path, 1, text.decode(path, "ascii", data)).splitlines()
    try:
        table = np.loadtxt(lines, delimiter=delimiter, dtype=np.float64, ndmin=2)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path}: not a table of numbers ({error}); delete the file and run again") from None
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
