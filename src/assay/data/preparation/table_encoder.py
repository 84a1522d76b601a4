# SPDX-License-Identifier: Apache-2.0
"""From the raw columns of a table to model inputs, by what was learned from the training rows.

It is kept as encoder.json in the prepared dataset, and encodes a user's own rows in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.data.preparation import cells, column_encoders
from assay.data.preparation.cells import CellFormat, Kind
from assay.data.preparation.column_encoders import ColumnEncoder, Features
from assay.files import read_json, write_json

Precision = Literal["float32", "float64"]
FILE = "encoder.json"
FOLDS = 5
"""Folds of the training rows in which the targets of categories are counted apart."""
_MOST_ROUNDING = 1e-3
"""The largest error that float32 may make in a feature, in standard deviations; beyond it is kept in float64."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncodedColumn(_Record):
    """What was learned of one column."""

    name: str
    kind: Kind
    encoder: Annotated[ColumnEncoder, Field(discriminator="form")]


class TableEncoder(_Record):
    """What was learned of each column, and the scale of the features."""

    cells: CellFormat
    columns: tuple[EncodedColumn, ...]
    mean: tuple[float, ...]
    """(F,) over the training rows; 0 for those of categories."""
    std: tuple[float, ...]
    """(F,) over the training rows; 1 for those of categories and constant ones."""
    precision: Precision
    """In which the features are kept."""

    @classmethod
    def fit(
        cls,
        columns: Mapping[str, NDArray[Any]],
        kinds: Mapping[str, Kind],
        targets: Features,
        folds: NDArray[np.int64],
        form: CellFormat,
    ) -> tuple[TableEncoder, NDArray[Any]]:
        """Return the encoder that is fitted to training rows, and their features (N, F).

        Args:
            columns: (N,) values each, as :func:`assay.data.preparation.cells.read` returns them.
            targets: (N, M) numbers, or the shares of classes.
            folds: (N,) as in :func:`assay.data.preparation.column_encoders.fit`.
        """
        found, parts = [], []
        for name, values in columns.items():
            encoder, features = column_encoders.fit(kinds[name], values, targets, folds)
            found.append(EncodedColumn(name=name, kind=kinds[name], encoder=encoder))
            parts.append(features)
        features = np.concatenate(parts, axis=1)
        mean, std = _scale(
            features, np.repeat([each.encoder.scaled for each in found], [part.shape[1] for part in parts])
        )
        with np.errstate(over="ignore"):  # what is infinite in float32 is kept in float64
            errors = np.abs(features - features.astype(np.float32)).max(axis=0)
        precision: Precision = "float32" if (errors <= _MOST_ROUNDING * std).all() else "float64"
        fitted = cls(
            cells=form,
            columns=tuple(found),
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            precision=precision,
        )
        return fitted, features.astype(precision)

    @classmethod
    def load(cls, prepared: Path) -> TableEncoder:
        """Return the encoder of a prepared dataset.

        Raises:
            ValueError: the file is not an encoder; one line.
        """
        path = prepared / FILE
        try:
            return cls.model_validate(read_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{path}: {place}: {first['msg']}; prepare the dataset again") from None

    def save(self, out: Path) -> None:
        """Write encoder.json into a folder."""
        write_json(out / FILE, self.model_dump(mode="json"))

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [each.name for each in self.columns]

    @property
    def features(self) -> list[str]:
        """The names of the F features."""
        return [name for each in self.columns for name in each.encoder.names(each.name)]

    def read(self, rows: Mapping[str, Sequence[object]]) -> dict[str, NDArray[Any]]:
        """Return the values of columns from cells (N,) each, given as texts or as values of JSON or Parquet.

        Raises:
            BadCellError: a cell is neither a value of its column's kind nor missing.
        """
        found = {}
        for each in self.columns:
            found[each.name], bad = cells.read(each.kind, rows[each.name], self.cells)
            if len(bad):
                raise BadCellError(int(bad[0]), each.name, rows[each.name][bad[0]], cells.NOUNS[each.kind])
        return found

    def encode(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the features (N, F) of any rows, not yet standardised."""
        parts = [each.encoder.encode(columns[each.name]) for each in self.columns]
        return np.concatenate(parts, axis=1).astype(self.precision)


class BadCellError(ValueError):
    """A cell that is not what its column holds."""

    def __init__(self, row: int, column: str, cell: object, expected: str) -> None:
        super().__init__(f"{column} = {repr(cell)[:80]}; {expected} is expected")
        self.row = row
        """Counted from 0."""


def _scale(features: Features, scaled: NDArray[np.bool_]) -> tuple[Features, Features]:
    """Return mean and standard deviation (F,) of features (N, F); if it is not scaled, 0 and 1."""
    mean, std = features.mean(axis=0), features.std(axis=0)
    constant = std <= 1e-12 * np.abs(mean)
    return np.where(scaled, mean, 0.0), np.where(scaled & ~constant, std, 1.0)
