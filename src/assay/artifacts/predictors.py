# SPDX-License-Identifier: Apache-2.0
"""Predictors: models loaded from disk, one class per runtime (PyTorch, our own estimators, onnxruntime)."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assay.artifacts.onnx_session import joined, session
from assay.data.items import Items
from assay.models.capabilities import Steps
from assay.models.layers.source_and_target import parts
from assay.models.layers.word_embedding import cut

# The two graphs of a network that generates word by word, and their inputs and outputs.
START, STEP = "start", "step"
SOURCE, WORDS, LOGITS = "source", "words", "logits"
MEMORY, UPDATED = "memory_{}", "anew_{}"

READ_ITEMS = 64 * 256
"""The number of items in memory at a time, a multiple of the batch size."""


@runtime_checkable
class Predictor(Protocol):
    """A model loaded from disk, of any format."""

    model: Any
    """The network or the estimator; None for a graph."""
    format: str
    parameters: int
    """The number of learned parameters in the artifact; a sparse one does not hold its zeros."""
    arguments: dict[str, Any]
    """The arguments of its class, knobs included: some are about prediction rather than training, such as ``beam``."""

    def outputs(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to the model's outputs, such as logits (N, ...), ``batch_size`` items at a time."""

    def on_threads(self, count: int) -> Predictor:
        """Return the same model with this number of threads; those of PyTorch and BLAS are set elsewhere."""


def finite_outputs(predictor: Predictor, inputs: Items, items: NDArray[np.int64]) -> torch.Tensor:
    """Return the outputs (N, ...) for inputs (N, ...).

    Args:
        items: (N,) the items' numbers, for the error message.

    Raises:
        ValueError: an output is not finite.
    """
    starts = range(0, len(inputs), READ_ITEMS)
    parts = [predictor.outputs(inputs[start : start + READ_ITEMS].numpy()) for start in starts]
    logits = torch.from_numpy(joined(parts))
    not_finite = (~logits.isfinite()).flatten(1).any(dim=1).nonzero().flatten()
    if len(not_finite):
        first = int(items[int(not_finite[0])])
        raise ValueError(
            f"{len(not_finite)} of {len(logits)} items have outputs that are not finite, first item {first}"
        )
    return logits


class ModulePredictor:
    """A network in PyTorch."""

    def __init__(self, module: nn.Module, artifact: dict[str, Any]) -> None:
        # This halves the time of convolutions; other weights are unchanged.
        # torch's type stubs lack this overload.
        self.model = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]
        self.arguments: dict[str, Any] = artifact["arguments"]

    def outputs(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to outputs (N, ...)."""
        with torch.inference_mode():
            starts = range(0, len(inputs), batch_size)
            batches = [self.model(torch.from_numpy(inputs[start : start + batch_size])) for start in starts]
        return joined([batch.float().numpy() for batch in batches])

    def on_threads(self, count: int) -> Self:
        """Return itself: PyTorch's threads are the process's."""
        del count
        return self


class EstimatorPredictor:
    """An estimator, an instance of one of our own classes."""

    def __init__(self, estimator: Any, artifact: dict[str, Any]) -> None:
        self.model = estimator
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]
        self.arguments: dict[str, Any] = artifact["arguments"]

    def outputs(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, ...) to outputs (N, ...)."""
        starts = range(0, len(inputs), batch_size)
        batches = [self.model.outputs(inputs[start : start + batch_size]) for start in starts]
        return joined(batches).astype(np.float32, copy=False)

    def on_threads(self, count: int) -> Self:
        """Return itself: the threads of OpenMP and BLAS are the process's."""
        del count
        return self


class OnnxStepsPredictor(Steps):
    """A network that generates word by word, as two graphs in onnxruntime: one reads the source, one adds a word.

    Raises:
        ValueError: onnxruntime rejects a graph, or the record lacks the length of sources.
    """

    def __init__(self, graphs: dict[str, bytes], artifact: dict[str, Any], threads: int = 1) -> None:
        self.graphs, self.artifact = graphs, artifact
        self.arguments: dict[str, Any] = artifact["arguments"]
        length = self.arguments.get("source_length") if isinstance(self.arguments, dict) else None
        if type(length) is not int or length < 1:
            raise ValueError(f"arguments: source_length = {length!r}; a number of words is expected")
        self.source_length = length
        self.reading, self.writing = (
            session(f"{name}.onnx", graphs[name], threads) for name in (START, STEP)
        )
        self.num_kept = len(self.reading.get_outputs())
        self.step_inputs = {value.name for value in self.writing.get_inputs()}
        self.step_outputs = [value.name for value in self.writing.get_outputs()]
        self.model = None
        self.format: str = artifact["format"]
        self.parameters: int = artifact["parameters"]

    def start(self, source: Tensor) -> list[Tensor]:
        """Map source ids (N, S) to the states that are kept from step to step, each (N, ...)."""
        states = self.reading.run(named(MEMORY, self.num_kept), {SOURCE: np.ascontiguousarray(cut(source))})
        return [torch.from_numpy(part) for part in states]

    def step(self, words: Tensor, memory: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Map the last words (N,) to logits (N, V) for the next ones, and the updated states."""
        given = {WORDS: words, **dict(zip(named(MEMORY, self.num_kept), memory, strict=True))}
        feed = {name: np.ascontiguousarray(part) for name, part in given.items() if name in self.step_inputs}
        outputs = dict(
            zip(self.step_outputs, map(torch.from_numpy, self.writing.run(None, feed)), strict=True)
        )
        # Unchanged states are not among the outputs.
        updated = [
            outputs.get(name, part) for name, part in zip(named(UPDATED, self.num_kept), memory, strict=True)
        ]
        return outputs[LOGITS], updated

    def outputs(self, inputs: NDArray[Any], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Map inputs (N, S + T) to logits (N, T', V) of each next word, with T' the length of the longest target."""
        sources, targets = parts(torch.from_numpy(inputs), self.source_length)
        pairs = zip(torch.split(sources, batch_size), torch.split(targets, batch_size), strict=True)
        batches = [self._words(source, target) for source, target in pairs]
        logits: NDArray[np.float32] = np.concatenate(batches)
        return logits

    def _words(self, source: Tensor, target: Tensor) -> NDArray[np.float32]:
        memory, steps = self.start(source), []
        for words in target.T:
            logits, memory = self.step(words, memory)
            steps.append(logits.numpy())
        return np.stack(steps, axis=1)

    def on_threads(self, count: int) -> OnnxStepsPredictor:
        """Return the graphs in sessions with this number of threads."""
        return OnnxStepsPredictor(self.graphs, self.artifact, count)


def named(template: str, count: int) -> list[str]:
    """Return the names of the states."""
    return [template.format(number) for number in range(count)]
