# SPDX-License-Identifier: Apache-2.0
"""A user's rows of a table, encoded by what was learned from the training rows. Other columns are ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.data.preparation.table_encoder import BadCellError, TableEncoder
from assay.evaluation.inputs.parsing import tables
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Exports, FromOutputs, Prepared, named

if TYPE_CHECKING:
    import onnx

    from assay.artifacts.predictors import Predictor


class Rows(FromOutputs, Exports):
    """Rows as cells by the name of their column, and their classes."""

    columns: tuple[str, ...] = ("prediction", "confidence")
    suffixes = tables.SUFFIXES
    takes_text = False
    encoding = "utf-8"
    has_graph = True
    example = "table_classes"
    modules: tuple[str, ...] = ("features",)
    vocabularies: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def __init__(self, prepared: Prepared) -> None:
        self.facts, self.encoding = prepared.facts, prepared.encoding
        self.encoder = TableEncoder.load(prepared.folder)

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the rows of a source.

        Raises:
            ValueError: a column is missing or repeated, or there is no row; one line.
        """
        del column
        known: tuple[str, ...] | None = None
        is_empty = True
        for each in tables.rows(source, stream):
            is_empty = False
            if isinstance(each, Bad):
                yield each
                continue
            names, cells = each.value
            if names != known:
                self._check(source, names)
                known = names
            yield Item(each.source, each.row, dict(zip(names, cells, strict=True)))
        if is_empty:
            raise ValueError(f"{source.name}: no row after the column names; one row per line is expected")

    def _check(self, source: Source, names: Sequence[str]) -> None:
        """Check that the encoder's columns are there, once each."""
        for name in self.encoder.names:
            if names.count(name) > 1:
                raise ValueError(f"{source.name}: the column {name} is repeated; name it once")
        missing = [name for name in self.encoder.names if name not in names]
        if missing:
            noun, verb = ("column", "is") if len(missing) == 1 else ("columns", "are")
            needed = f"needed are {', '.join(self.encoder.names)}"
            raise ValueError(f"{source.name}: the {noun} {', '.join(missing)} {verb} missing; {needed}")

    def answer(self, predictor: Predictor, items: Sequence[Item]) -> list[Answer]:
        """Return a model's answer for each row; a cell that is not what its column holds is named."""
        bad = self._bad(items)
        fine = [item for number, item in enumerate(items) if number not in bad]
        found = iter(super().answer(predictor, fine) if fine else [])
        return [bad[number] if number in bad else next(found) for number in range(len(items))]

    def _bad(self, items: Sequence[Item]) -> dict[int, str]:
        """Return what is wrong with the rows that cannot be encoded, by their place in ``items``."""
        bad: dict[int, str] = {}
        rest = [*range(len(items))]
        while rest:
            try:
                self.encoder.read(self._cells([items[number] for number in rest]))
                break
            except BadCellError as error:
                bad[rest.pop(error.row)] = str(error)
        return bad

    def _cells(self, items: Sequence[Item]) -> dict[str, list[object]]:
        return {name: [item.value[name] for item in items] for name in self.encoder.names}

    def inputs(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Return the features (N, F) of rows, standardised as in training."""
        features = self.encoder.encode(self.encoder.read(self._cells(items)))
        mean, std = (
            np.array(scale, features.dtype).astype(np.float64)
            for scale in (self.encoder.mean, self.encoder.std)
        )
        return ((features.astype(np.float64) - mean) / std).astype(np.float32)

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return each row's class and its probability."""
        del inputs, items
        return named(outputs, self.facts["classes"])

    def labels(self) -> dict[str, Any]:
        """Return how cells become features, and the names of the classes."""
        return {
            "classes": self.facts["classes"],
            "columns": [{"name": each.name, **each.encoder.model_dump()} for each in self.encoder.columns],
            "decimal": self.encoder.cells.decimal,
            "day_first": self.encoder.cells.day_first,
            "missing": [*self.encoder.cells.missing],
            "precision": self.encoder.precision,
        }

    def exported(self, graph: onnx.ModelProto) -> onnx.ModelProto:
        """Return the graph with standardisation, for features (N, F)."""
        from assay.artifacts.onnx import preprocessing

        return preprocessing.of_rows(graph, self.encoder.mean, self.encoder.std, self.encoder.precision)
