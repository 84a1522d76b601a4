# SPDX-License-Identifier: Apache-2.0
"""A user's texts to classify."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from assay.data.own.found import JOINED_BY
from assay.data.special_tokens import PADDING
from assay.evaluation.inputs.parsing import objects, texts
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Exports, FromOutputs, Prepared, Reader, named

if TYPE_CHECKING:
    import onnx

    from assay.data.declarations import Dataset, Files

SIGNATURE = "text -> class"


def declared(dataset: Dataset) -> dict[str, Any]:
    """Return whether the dataset fixes its texts, and the columns that it joins, if there are several."""
    from assay.data.declarations import HasTextColumns, Mends

    columns = list(dataset.text_columns) if isinstance(dataset, HasTextColumns) else []
    return {"mends": isinstance(dataset, Mends), "columns": columns if len(columns) > 1 else []}


def reader(prepared: Prepared) -> Reader:
    """Return the reader of texts to classify."""
    return Texts(prepared)


class Texts(FromOutputs, Exports):
    """Texts, fixed and truncated like the dataset's, and their classes."""

    columns: tuple[str, ...] = ("prediction", "confidence")
    suffixes = texts.SUFFIXES
    takes_text = True
    encoding = "utf-8"
    has_graph = True
    example = "text_classes"
    vocabularies = ("tokenizer.json",)
    packages = ("tokenizers",)

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self.facts, self.encoding = prepared, prepared.facts, prepared.encoding
        self.tokenizer = Tokenizer.from_file(str(prepared.folder / "tokenizer.json"))

    @cached_property
    def mend(self) -> Callable[[str], str]:
        """The function by which the dataset fixes its texts."""
        return mending(self.prepared.dataset()) if self.prepared.declared["mends"] else str

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the texts of a source; in a table they are those of the dataset's columns, joined in the same way."""
        *others, last = self.prepared.declared.get("columns") or [None]
        if column is None and last and source.suffix in (*texts.TABLES, *objects.SUFFIXES):
            return texts.texts(source, stream, last, others, JOINED_BY)
        return texts.texts(source, stream, column)

    def inputs(self, items: Sequence[Item]) -> NDArray[np.int64]:
        """Return the ids (N, T) of texts, padded with 0."""
        return ids(self.tokenizer, [self.mend(item.value) for item in items], self.facts["shape"][0])

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return each text's class and its probability."""
        del inputs, items
        return named(outputs, self.facts["classes"])

    def labels(self) -> dict[str, Any]:
        """Return the names of the classes, and the number of tokens at which texts are truncated."""
        return {"classes": self.facts["classes"], "length": self.facts["shape"][0]}

    def exported(self, graph: onnx.ModelProto) -> onnx.ModelProto:
        """Return the graph, whose inputs are ids."""
        return graph


def mending(dataset: Files) -> Callable[[str], str]:
    """Return the function by which a dataset fixes its source's texts."""
    from assay.data.declarations import Mends

    return dataset.mend if isinstance(dataset, Mends) else str


def ids(tokenizer: Tokenizer, found: Sequence[str], length: int) -> NDArray[np.int64]:
    """Return the ids (N, length) of texts, with whitespace collapsed, truncated or padded with 0."""
    encoded = tokenizer.encode_batch_fast([" ".join(text.split()) for text in found])
    padded = np.full((len(encoded), length), PADDING, dtype=np.int64)
    for row, each in enumerate(encoded):
        numbers = each.ids[:length]
        padded[row, : len(numbers)] = numbers
    return padded
