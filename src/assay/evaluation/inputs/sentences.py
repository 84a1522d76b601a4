# SPDX-License-Identifier: Apache-2.0
"""A user's sentences to tag, with words separated by spaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from assay.data.special_tokens import PADDING
from assay.evaluation.inputs.parsing import texts
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Exports, FromOutputs, Prepared, Reader

if TYPE_CHECKING:
    import onnx

    from assay.data.declarations import Dataset

SIGNATURE = "text -> tags"


def declared(dataset: Dataset) -> dict[str, Any]:
    """Return nothing: sentences are read as they are."""
    del dataset
    return {}


def reader(prepared: Prepared) -> Reader:
    """Return the reader of sentences to tag."""
    return Sentences(prepared)


class Sentences(FromOutputs, Exports):
    """Sentences as lists of words, and their tags."""

    columns = ("prediction",)
    suffixes = texts.SUFFIXES
    takes_text = True
    encoding = "utf-8"
    has_graph = True
    example = "sentence_tags"
    vocabularies: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def __init__(self, prepared: Prepared) -> None:
        self.facts, self.encoding = prepared.facts, prepared.encoding
        self.words, self.characters = (
            Tokenizer.from_file(str(prepared.folder / name)).get_vocab()
            for name in ("tokenizer.json", "characters.json")
        )

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the words of each sentence."""
        most = self.facts["shape"][0]
        for each in texts.texts(source, stream, column):
            if isinstance(each, Bad):
                yield each
                continue
            words = each.value.split()
            if len(words) > most:
                yield each.wrong(f"{len(words)} words; allowed are {most}, as in the dataset")
            else:
                yield Item(each.source, each.row, words)

    def inputs(self, items: Sequence[Item]) -> NDArray[np.int64]:
        """Return sentences (N, T, 1 + L): each word's id, its shape and its characters, padded with 0."""
        from assay.data.preparation.tagged import NO_TAG, encode  # it imports pyarrow

        words = [item.value for item in items]
        nothing = [[NO_TAG] * len(sentence) for sentence in words]
        arrays = encode(words, nothing, self.words, self.characters)
        joined = np.concatenate([arrays["words"][:, :, None], arrays["characters"]], axis=2)
        missing = self.facts["shape"][0] - joined.shape[1]
        return np.pad(joined, [(0, 0), (0, missing), (0, 0)], constant_values=PADDING).astype(np.int64)

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return the tags of each sentence's words, separated by spaces."""
        del inputs
        classes = self.facts["classes"]
        return [
            (" ".join(classes[tag] for tag in tags[: len(item.value)]),)
            for tags, item in zip(outputs.argmax(2).tolist(), items, strict=True)
        ]

    def labels(self) -> dict[str, Any]:
        """Return the names of the tags, the ids of words and characters, and the number of words of a sentence."""
        return {
            "classes": self.facts["classes"],
            "shape": self.facts["shape"],
            "words": self.words,
            "characters": self.characters,
        }

    def exported(self, graph: onnx.ModelProto) -> onnx.ModelProto:
        """Return the graph, whose inputs are ids."""
        return graph
