# SPDX-License-Identifier: Apache-2.0
"""Preparation of tables: cleaning, encoding, splitting, facts per row, and the files for tasks.

Items are the table's rows, numbered in upstream's order before any are dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.preparation import store, table_encoder, text
from assay.data.preparation.cells import CellFormat, Kind
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import SplitStrategy, StrategyName, TestPart, Together, choose
from assay.data.preparation.table_encoder import TableEncoder

LABEL, TARGET = "label", "target"
"""The column to predict: a class, or a number."""
GROUP, TIME = "group", "time"
"""The columns with the group of an item, and the time of its measurement, if these are known."""
LARGEST = 1e100
"""The largest number that a column may hold: the squares of larger ones are infinite."""


@dataclass(frozen=True)
class TableSet:
    """A dataset in upstream's form."""

    columns: Mapping[str, NDArray[Any]]
    """The values (N,) of each feature, by name: float64 with NaN for a missing number; texts with None for a missing
    category, date or text. Dates are ISO 8601, with or without a time."""
    kinds: Mapping[str, Kind]
    """What each of the columns holds."""
    targets: NDArray[np.int64] | NDArray[np.float64]
    """(N,): indices into ``classes``, or numbers without classes."""
    classes: tuple[str, ...] = ()
    groups: NDArray[Any] | None = None
    """(N,) integers or strings: the group of each row, such as a person. Not a feature."""
    times: NDArray[Any] | None = None
    """(N,) numbers or dates: the time of each row. Not a feature."""
    weights: NDArray[np.float64] | None = None
    """(N,) above 0: the weight of each row in training, such as a survey weight. Not a feature."""
    split: NDArray[np.str_] | None = None
    """(N,) upstream's split: ``train``, ``validation`` or ``test``, or ``""`` if upstream has none."""
    equal_rows: Literal["drop", "keep"] = "drop"
    """Whether rows with equal features are dropped but for the first, and all of them if their targets differ; or kept,
    as for rows of different people, in the same split unless items are held out by time or group."""
    cells: CellFormat = field(default_factory=CellFormat)
    """How the cells of rows to predict are written."""
    numbers: NDArray[np.int64] | None = None
    """(N,) the number of each row in upstream's file; None for its place, from 0."""

    @classmethod
    def of_numbers(
        cls,
        features: NDArray[np.float64],
        targets: NDArray[np.int64] | NDArray[np.float64],
        names: Sequence[str],
        classes: tuple[str, ...] = (),
        **others: Any,
    ) -> TableSet:
        """Return a table of numbers (N, F); ``others`` are further fields."""
        columns = dict(zip(names, features.T, strict=True))
        assert len(columns) == len(names), "two columns have the same name"
        return cls(columns, dict.fromkeys(columns, "number"), targets, classes, **others)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def features(self) -> NDArray[np.float64]:
        """The columns of numbers, (N, F)."""
        numbers = [values for name, values in self.columns.items() if self.kinds[name] == "number"]
        return np.column_stack(numbers) if numbers else np.zeros((len(self), 0))

    @property
    def predicted(self) -> str:
        return LABEL if self.classes else TARGET

    @property
    def origins(self) -> dict[str, NDArray[Any]]:
        """Return the groups and the times by column, if they are known."""
        origins = {GROUP: self.groups, TIME: self.times}
        return {column: values for column, values in origins.items() if values is not None}

    def take(self, rows: NDArray[np.int64]) -> TableSet:
        """Return some of the rows (M,), in their order."""
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            targets=self.targets[rows],
            groups=_of_rows(self.groups, rows),
            times=_of_rows(self.times, rows),
            weights=_of_rows(self.weights, rows),
            split=_of_rows(self.split, rows),
            numbers=_of_rows(self.numbers, rows),
        )


def _of_rows(values: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    return None if values is None else values[rows]


def prepare(
    table: TableSet,
    out: Path,
    *,
    dataset: str,
    seed: int,
    validation_fraction: float,
    test_fraction: TestPart,
    split_strategy: StrategyName | None = None,
    optimum: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Clean, split and describe a table; write arrays.safetensors, items.parquet, encoder.json and prepared.json.

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
        ValueError: a split would have no item, or too few of a class; the table lacks the strategy's fact, or
            has a number or weight that is not allowed.
    """
    _check(table, dataset)
    table = replace(table, columns={name: _plain(values) for name, values in table.columns.items()})
    store.begin(out)
    digests = _digests(table)
    kinds = np.unique(digests, return_inverse=True)[1]
    if table.equal_rows == "keep":
        digests = _numbered(digests)
    upstream = np.full(len(table), "") if table.split is None else table.split
    kept, dropped = clean(digests, table.targets, upstream, noun="features", numbers=table.numbers)
    table = table.take(kept)
    strategy: SplitStrategy = choose(
        split_strategy or ("stratified" if table.classes else "random"),
        dataset=dataset,
        labels=table.targets.astype(np.int64) if table.classes else None,
        times=table.times,
        groups=table.groups,
    )
    if table.equal_rows == "keep" and strategy.name not in (GROUP, TIME):
        strategy = Together(strategy, kinds[kept])
    split = draw_split(upstream[kept], strategy, seed, validation_fraction, test_fraction, dataset=dataset)
    learned = split == "train"
    encoder, features = _encode(table, learned, seed)
    encoder.save(out)
    arrays = {"features": features, f"{table.predicted}s": table.targets.astype(_kind(table))}
    if table.weights is not None:
        arrays["weights"] = table.weights.astype(np.float32)
    store.write_arrays(out, arrays)
    names = stored_names(table)
    store.write_items(
        out,
        schema(table),
        {
            "item": kept if table.numbers is None else table.numbers,
            "split": split,
            **table.origins,
            table.predicted: table.targets,
            **{names[column]: values for column, values in table.columns.items()},
            "sha256": digests[kept],
        },
    )
    facts = {
        "dataset": dataset,
        "classes": list(table.classes),
        "columns": list(table.columns),
        "features": encoder.features,
        "shape": [features.shape[1]],
        "axes": ["features"],
        "counts": {name: int((split == name).sum()) for name in SPLITS},
        **(
            counts_of(table.classes, table.targets, split)
            if table.classes
            else spread(table.targets[learned].astype(np.float64))
        ),
        "dropped": dropped,
    }
    return store.seal(
        out,
        facts,
        upstream=upstream[kept],
        split=split,
        strategy=strategy.name,
        vocabularies=(table_encoder.FILE,),
        optimum=optimum,
    )


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Return a column (N,) with None for each missing text, which pandas may give as NaN."""
    if values.dtype != object:
        return values
    plain = values.copy()
    plain[pd.isna(values)] = None
    return plain


def _encode(table: TableSet, learned: NDArray[np.bool_], seed: int) -> tuple[TableEncoder, NDArray[Any]]:
    """Return the encoder fitted to the rows of train, (N,) bool, and the features (N, F) of all rows."""
    train, others = table.take(np.flatnonzero(learned)), table.take(np.flatnonzero(~learned))
    encoder, of_train = TableEncoder.fit(
        train.columns, train.kinds, _shares(train), _folds(train, seed), table.cells
    )
    features = np.empty((len(table), of_train.shape[1]), of_train.dtype)
    features[learned], features[~learned] = of_train, encoder.encode(others.columns)
    return encoder, features


def _shares(table: TableSet) -> NDArray[np.float64]:
    """Return numbers to predict (N, 1), the share of the second of two classes (N, 1), or those of K classes (N, K)."""
    if not table.classes:
        return table.targets.astype(np.float64)[:, None]
    shares = np.eye(len(table.classes))[table.targets.astype(np.int64)]
    return shares[:, 1:] if len(table.classes) == 2 else shares


def _folds(table: TableSet, seed: int) -> NDArray[np.int64]:
    """Return the fold (N,) of each row; the rows of a group are in one."""
    units = np.arange(len(table)) if table.groups is None else np.unique(table.groups, return_inverse=True)[1]
    drawn = np.random.default_rng(seed).permutation(units.max() + 1)
    folds: NDArray[np.int64] = drawn[units] % table_encoder.FOLDS
    return folds


def _digests(table: TableSet) -> NDArray[np.object_]:
    """Return the hash of each row's features, (N,)."""
    numbers = np.ascontiguousarray(np.where(np.isnan(table.features), np.nan, table.features))
    others = [values for name, values in table.columns.items() if table.kinds[name] != "number"]
    texts = zip(*others, strict=True) if others else [()] * len(table)
    parts = (
        row.tobytes() + (json.dumps(words).encode() if words else b"")
        for row, words in zip(numbers, texts, strict=True)
    )
    return np.array([hashlib.sha256(part).hexdigest() for part in parts], dtype=object)


def _numbered(digests: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return another hash for each of equal ones, by its number among them, (N,)."""
    numbers = pd.Series(digests).groupby(digests).cumcount()
    again = [f"{digest}{number}".encode() for digest, number in zip(digests, numbers, strict=True)]
    return np.array([hashlib.sha256(each).hexdigest() for each in again], dtype=object)


def _check(table: TableSet, dataset: str) -> None:
    """Raise for the first weight or number that is not allowed."""
    weights = np.ones(len(table)) if table.weights is None else table.weights
    for row in np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))[:1]:
        raise ValueError(
            f"{dataset}: row {row + 1} has the weight {weights[row]:g}; allowed are numbers above 0; fix its read()"
        )
    for name, values in table.columns.items():
        too_large = np.abs(values) > LARGEST if table.kinds[name] == "number" else np.zeros(0)
        for row in np.flatnonzero(too_large)[:1]:
            raise ValueError(
                f"{dataset}: row {row + 1}: {name} = {values[row]:g}; allowed are numbers up to {LARGEST:g};"
                " fix its read()"
            )


def _kind(table: TableSet) -> type[np.generic]:
    return np.int64 if table.classes else np.float32


def stored_names(table: TableSet) -> dict[str, str]:
    """Return the name of each feature in items.parquet: its own, with ``_`` behind it if the file has such a column."""
    taken = {"item", "split", *table.origins, table.predicted, "sha256"}
    names: dict[str, str] = {}
    for column in table.columns:
        name = column
        while name in taken or (name != column and name in table.columns):
            name += "_"
        names[column] = name
        taken.add(name)
    return names


def schema(table: TableSet) -> pa.Schema:
    """Return the columns of items.parquet."""
    names = stored_names(table)
    predicted = pa.int64() if table.classes else pa.float64()
    return pa.schema(
        [
            ("item", pa.int64()),
            ("split", pa.string()),
            *((column, pa.array(values[:0]).type) for column, values in table.origins.items()),
            (table.predicted, predicted),
            *(
                (names[column], pa.float64() if table.kinds[column] == "number" else pa.string())
                for column in table.columns
            ),
            ("sha256", pa.string()),
        ]
    )


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
