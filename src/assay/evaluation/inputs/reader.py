# SPDX-License-Identifier: Apache-2.0
"""What a reader of a user's items is: one per signature of a task, in the other files of this folder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream

if TYPE_CHECKING:
    import onnx

    from assay.artifacts.predictors import Predictor
    from assay.data.declarations import Dataset

Answer = tuple[Any, ...] | str
"""The values of an item's answer, or the reason why it has none."""


@dataclass(frozen=True)
class Prepared:
    """The prepared dataset that a model learned from."""

    folder: Path
    kind: str
    """The kind of the task, a key of ``registry.TASKS``."""
    facts: dict[str, Any]
    """The content of prepared.json."""
    declared: dict[str, Any] = field(default_factory=dict)
    """What the reader needs of the dataset's declaration; see :class:`Module`."""

    @property
    def encoding(self) -> str:
        """Return the encoding of the dataset's own file, if it is a user's."""
        found: str | None = self.facts.get("spec", {}).get("knobs", {}).get("encoding")
        return found or "utf-8"

    def dataset(self) -> Dataset:
        """Import the dataset, which takes up to half a second."""
        from assay.data.loading import of_prepared

        return of_prepared(self.facts)


class Reader(Protocol):
    """Reads a user's items of a signature, and answers for them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the values of an answer."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes of the files that are read in a folder."""

    @property
    def takes_text(self) -> bool:
        """Whether an item is a text."""

    @property
    def encoding(self) -> str | None:
        """The encoding of the dataset's own file of text; None if items are not text."""

    @property
    def has_graph(self) -> bool:
        """Whether answers need only the model's outputs, which a graph can compute."""

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the items of a source.

        Args:
            column: the column of the texts in a table; None to find it.

        Raises:
            ValueError: the source as a whole cannot be read; one line.
        """

    def answer(self, predictor: Predictor, items: Sequence[Item]) -> list[Answer]:
        """Return a model's answer for each of some items."""


@runtime_checkable
class Exports(Protocol):
    """A reader whose models can be exported as a folder that runs without Assay."""

    @property
    def example(self) -> str:
        """The name of the program in ``examples/`` that answers as the reader does."""

    @property
    def modules(self) -> tuple[str, ...]:
        """The names of the files in ``examples/`` that the program imports."""
        return ()

    @property
    def vocabularies(self) -> tuple[str, ...]:
        """The files of the prepared dataset that the program reads."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that the program imports, in addition to onnxruntime and NumPy."""

    @abstractmethod
    def labels(self) -> dict[str, Any]:
        """Return what the program needs to read items and to name its answers, as JSON."""

    @abstractmethod
    def exported(self, graph: onnx.ModelProto) -> onnx.ModelProto:
        """Return the model's graph with as much of the preparation of inputs and answers as it can hold."""


@runtime_checkable
class FromOutputs(Reader, Protocol):
    """A reader whose answers are computed from the model's outputs, one pass per item, without PyTorch."""

    @abstractmethod
    def inputs(self, items: Sequence[Item]) -> NDArray[Any]:
        """Return items as the model's inputs (N, ...)."""

    @abstractmethod
    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return the answer for each item from its outputs (N, ...)."""

    def answer(self, predictor: Predictor, items: Sequence[Item]) -> list[Answer]:
        """Return a model's answer for each of some items."""
        inputs = self.inputs(items)
        outputs = predictor.outputs(inputs)
        finite: Any = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
        answers = self.answers(outputs, inputs, items)
        return [
            each if fine else "the model's outputs are not finite"
            for each, fine in zip(answers, finite.tolist(), strict=True)
        ]


class Module(Protocol):
    """A file of this folder that reads a signature."""

    SIGNATURE: str

    def declared(self, dataset: Dataset) -> dict[str, Any]:
        """Return what the reader needs of the dataset's declaration, as JSON, so that it need not be imported again."""

    def reader(self, prepared: Prepared) -> Reader:
        """Return the reader for a prepared dataset."""


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the softmax (N, K) of logits (N, K)."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    grown = np.exp(shifted)
    shares: NDArray[np.float64] = grown / grown.sum(axis=1, keepdims=True)
    return shares


def named(logits: NDArray[np.float32], classes: Sequence[str]) -> list[Answer]:
    """Return the most likely class of logits (N, K), and its probability.

    Args:
        classes: the names; if there are not K, classes are named by their numbers: a task may have other classes
            than its dataset.
    """
    shares = probabilities(logits)
    best = shares.argmax(axis=1)
    confidence = shares[np.arange(len(best)), best]
    names = classes if len(classes) == logits.shape[1] else [*map(str, range(logits.shape[1]))]
    return [(names[number], share) for number, share in zip(best.tolist(), confidence.tolist(), strict=True)]
