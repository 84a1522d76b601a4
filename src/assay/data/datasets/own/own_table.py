# SPDX-License-Identifier: Apache-2.0
"""A user's own table: a column of classes or numbers is predicted from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from numpy.typing import NDArray
from pydantic import Field

from assay.data.families import own_columns
from assay.data.families.own_columns import OwnRows
from assay.data.families.own_files import source_of
from assay.data.own import values
from assay.data.own.columns import Studied, Study
from assay.data.own.found import Options
from assay.data.own.json_values import Written
from assay.data.own.table import Cells
from assay.data.preparation import cells, tables
from assay.data.preparation.cells import CellFormat, Kind

KINDS: dict[str, Kind] = {"text": "text", "date": "date"}
"""By what a look finds in a column: what it is learned from as; the others are numbers or categories."""

LARGEST = 1e30
"""The largest number: in single precision its neighbours are finite."""


@dataclass(frozen=True, kw_only=True)
class OwnTable(OwnRows):
    """The rows of a CSV, TSV, JSON lines or Parquet file."""

    nouns = ("a row", "rows")
    target: str
    as_classes: bool
    ignore: tuple[str, ...]
    kinds: dict[str, Kind]
    """What columns hold that would be read as something else."""
    min_per_class: int
    """Rows of classes with fewer are left out."""

    def read(self, raw: Path) -> tables.TableSet:
        """Return the rows that have a target."""
        path = self.path  # the one that the user knows
        table, study = self.study(raw)
        own_columns.require_columns(path, table, [self.target, *self.ignore, *self.kinds])
        for each in study.columns:
            if each.name not in self.ignore:
                own_columns.check_numbers(path, table, each, LARGEST)
        found = own_columns.targets_of(
            path, study.get(self.target), as_classes=self.as_classes, min_per_class=self.min_per_class
        )
        split = own_columns.split_of(path, table, study, self.split)
        used = [
            each
            for each in study.columns
            if each.name not in {*self.ignore, self.target, split.column}
            and each.kind not in ("blank", "nested")
        ]
        kinds = {each.name: self.kinds.get(each.name, _kind(each)) for each in used}
        form = CellFormat(decimal=study.decimal, day_first=self._day_first(study))
        return tables.TableSet(
            {each.name: _values(each.cells, kinds[each.name], form)[found.rows] for each in used},
            kinds,
            found.targets,
            found.classes,
            groups=None if split.groups is None else split.groups[found.rows],
            times=None if split.times is None else split.times[found.rows],
            split=split.upstream[found.rows],
            equal_rows="keep",
            cells=form,
            numbers=table.lines[found.rows],
        )

    def _day_first(self, study: Study) -> bool:
        orders = [values.dates(each.cells.values, self.options.day_first)[1] for each in study.of("date")]
        return any(orders)

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return tables.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            split_strategy=own_columns.strategy_of(self.split),
        )


def _kind(column: Studied) -> Kind:
    if column.kind in KINDS:
        return KINDS[column.kind]
    return "number" if column.kind == "number" else "category"


def _values(column: Cells, kind: Kind, form: CellFormat) -> NDArray[Any]:
    texts: Sequence[str] = column.values
    if column.declared == "number":
        texts = [Written(text) for text in texts]
    found, _ = cells.read(kind, texts, form)
    return found[column.codes]


def own_table(
    *,
    path: str,
    digest: str,
    encoding: str | None,
    header: bool | None,
    day_first: bool | None,
    target: str,
    as_classes: bool,
    ignore: list[str],
    kinds: dict[str, Literal["number", "category", "date", "text"]],
    split: str,
    test_fraction: Annotated[float, Field(gt=0, lt=1)],
    min_per_class: Annotated[int, Field(ge=2)],
) -> OwnTable:
    """Return the dataset of a row of params.yaml."""
    return OwnTable(
        source=source_of(path),
        path=Path(path),
        digest=digest,
        options=Options(encoding=encoding, header=header, day_first=day_first),
        target=target,
        as_classes=as_classes,
        ignore=tuple(ignore),
        kinds=dict(kinds),
        split=split,
        test_fraction=test_fraction,
        min_per_class=min_per_class,
    )


FAMILY = own_table
