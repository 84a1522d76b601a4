# SPDX-License-Identifier: Apache-2.0
"""A user's texts, each with ``____`` for the missing word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.data.special_tokens import MASK, PADDING
from assay.evaluation.inputs import text
from assay.evaluation.inputs.parsing import texts
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Prepared, Reader, named

if TYPE_CHECKING:
    from assay.data.declarations import Dataset

SIGNATURE = "text -> missing word"
MISSING = "____"


def declared(dataset: Dataset) -> dict[str, Any]:
    """Return nothing: texts are read as they are."""
    del dataset
    return {"mends": False}


def reader(prepared: Prepared) -> Reader:
    """Return the reader of texts with a missing word."""
    return MissingWords(prepared)


class MissingWords(text.Texts):
    """Texts with a missing word, and that word."""

    example = "missing_words"

    def __init__(self, prepared: Prepared) -> None:
        super().__init__(prepared)
        numbers = self.tokenizer.get_vocab()
        self.words = sorted(numbers, key=lambda word: numbers[word])

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the ids of the texts of a source."""
        for each in texts.texts(source, stream, column):
            yield each if isinstance(each, Bad) else self._encoded(each)

    def _encoded(self, item: Item) -> Item | Bad:
        length = self.facts["shape"][0]
        parts = [self.tokenizer.encode(" ".join(part.split())).ids for part in item.value.split(MISSING)]
        if len(parts) != 2:
            return item.wrong(f"{len(parts) - 1} times {MISSING}; it is expected once")
        if len(parts[0]) >= length:
            return item.wrong(f"{MISSING} is token {len(parts[0]) + 1}; at most the first {length} are read")
        return Item(item.source, item.row, [*parts[0], MASK, *parts[1]][:length])

    def inputs(self, items: Sequence[Item]) -> NDArray[np.int64]:
        """Return the ids (N, T) of texts, padded with 0."""
        padded = np.full((len(items), self.facts["shape"][0]), PADDING, dtype=np.int64)
        for row, item in enumerate(items):
            padded[row, : len(item.value)] = item.value
        return padded

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return each missing word and its probability."""
        del inputs, items
        return named(outputs, self.words)

    def labels(self) -> dict[str, Any]:
        """Return the words, by id, and the number of tokens of a text."""
        return {"classes": self.words, "length": self.facts["shape"][0]}
