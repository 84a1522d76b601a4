# SPDX-License-Identifier: Apache-2.0
"""Export a network as one graph or, if it generates token by token, as two.

For a network with ``start`` and ``step`` (:mod:`assay.models.generation.beam_search`) each becomes a graph: ``start``
reads the source and returns the state, ``step`` takes the last words and the state and returns logits and the changed
parts of the state. So a text costs one pass over its source and one step per word, and nothing is read again.
The logits of known texts are also computed in steps: a third graph would store most weights a second time.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assay.artifacts.onnx.export import INPUT, OneStep, export, graph_of, with_operators
from assay.artifacts.predictors import LOGITS, MEMORY, SOURCE, START, STEP, UPDATED, WORDS, named
from assay.data.special_tokens import END, UNKNOWN
from assay.models.capabilities import Steps
from assay.models.layers.source_and_target import parts as source_and_target

ITEMS = 64
"""Items per call."""
# Sizes of the example: 0 and 1 would be treated as constants, equal sizes as the same dimension.
EXAMPLE_ITEMS, EXAMPLE_SOURCE, EXAMPLE_WORDS = 3, 4, 2

Feed = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Part:
    """One graph of a network."""

    name: str
    graph: onnx.ModelProto
    constants: frozenset[str]
    """Names in the graph of tensors that are not learned."""
    feeds: Callable[[Tensor], Iterator[Feed]]
    """Returns, for the network's inputs (N, ...), the inputs of the graph's calls, ``ITEMS`` items at a time."""


def parts_of(model: nn.Module, inputs: Tensor, *, unroll_tanh: bool = False) -> list[Part]:
    """Return a network's graphs: ``logits``, or ``start`` and ``step``.

    Args:
        inputs: (N, ...) inputs of the network, for their shape.
        unroll_tanh: as in :func:`assay.artifacts.onnx.export.export`; ``step`` never has a recurrent operator, and
            ``start``, which accepts sources of every length, cannot be unrolled.
    """
    if isinstance(model, Steps):
        return start_and_step(model)
    graph = export(model, inputs[:2], unroll_tanh=unroll_tanh)
    constants = frozenset(name for name, _ in model.named_buffers())
    return [
        Part(
            LOGITS,
            graph,
            constants,
            lambda items: ({INPUT: part.numpy()} for part in torch.split(items, ITEMS)),
        )
    ]


def stored(graphs: dict[str, onnx.ModelProto]) -> tuple[str, Any]:
    """Return the format of graphs with the names of :func:`parts_of`, and the model to write."""
    return ("onnx", graphs[LOGITS]) if LOGITS in graphs else ("onnx_steps", graphs)


def step_layers(model: nn.Module) -> set[nn.Module]:
    """Return the recurrent layers that ``model.step`` calls, if it has one: in its graph they are products."""
    called: set[nn.Module] = set()
    if not isinstance(model, Steps):
        return called
    layers = [layer for layer in model.modules() if isinstance(layer, nn.RNNBase)]
    memory = begin(model, EXAMPLE_SOURCE)
    hooks = [layer.register_forward_pre_hook(lambda layer, _: called.add(layer)) for layer in layers]
    try:
        after(model, memory, 1)
    finally:
        for hook in hooks:
            hook.remove()
    return called


def start_and_step(model: Any) -> list[Part]:
    """Return the two graphs of a network that generates token by token."""
    short, memory = begin(model, EXAMPLE_SOURCE // 2), begin(model, EXAMPLE_SOURCE)
    before, now, then = (after(model, memory, EXAMPLE_WORDS + more) for more in (-1, 0, 1))
    names = named(MEMORY, len(memory))
    changed = [number for number, pair in enumerate(zip(now, then, strict=True)) if pair[0] is not pair[1]]
    sizes = tuple(
        {0: "batch"} | differing(few, many, "source") | differing(less, more, "words")
        for few, many, less, more in zip(short, memory, before, now, strict=True)
    )
    reading = with_operators(copy.deepcopy(model).eval(), (nn.RNNBase,))
    source = {SOURCE: some_words(EXAMPLE_ITEMS, EXAMPLE_SOURCE)}
    start = graph_of(Start(reading), source, names, [{0: "batch", 1: "source"}], lambda: memory)

    writing = with_operators(copy.deepcopy(model).eval(), (nn.RNNBase,), OneStep)
    given = {WORDS: some_words(EXAMPLE_ITEMS)}
    given |= {name: part.contiguous() for name, part in zip(names, now, strict=True)}
    outputs = [LOGITS, *(UPDATED.format(number) for number in changed)]

    def answers() -> list[Tensor]:
        with torch.inference_mode():
            logits, renewed = model.step(given[WORDS], now)
        return [logits, *(renewed[number] for number in changed)]

    step = graph_of(Step(writing, changed), given, outputs, [{0: "batch"}, sizes], answers)

    constants = frozenset(f"network.{name}" for name, _ in model.named_buffers())
    input_names = {value.name for value in step.graph.input}
    return [
        Part(START, start, constants, lambda items: start_feeds(model, items)),
        Part(STEP, step, constants, lambda items: step_feeds(model, items, input_names)),
    ]


class Start(nn.Module):
    """``network.start`` as a module."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, source: Tensor) -> tuple[Tensor, ...]:
        """Map source ids (N, S) to the state."""
        # Clones, since an output that is an input or another output would lose its name.
        return tuple(part.clone() for part in self.network.start(source))


class Step(nn.Module):
    """``network.step`` as a module that returns only the changed parts of the state."""

    def __init__(self, network: Any, changed: Sequence[int]) -> None:
        super().__init__()
        self.network, self.changed = network, changed

    def forward(self, words: Tensor, *memory: Tensor) -> tuple[Tensor, ...]:
        """Map the last words (N,) and the state to logits (N, V) and the changed parts of the state."""
        logits, renewed = self.network.step(words, list(memory))
        return logits, *(renewed[number] for number in self.changed)


@torch.no_grad()  # the exporter refuses what inference mode makes
def begin(model: Any, length: int) -> list[Tensor]:
    """Return the state for sources of ``length`` words."""
    memory: list[Tensor] = model.start(some_words(EXAMPLE_ITEMS, length))
    return memory


@torch.no_grad()  # the exporter refuses what inference mode makes
def after(model: Any, memory: list[Tensor], words: int) -> list[Tensor]:
    """Return the state after this many words."""
    for _ in range(words):
        memory = model.step(some_words(EXAMPLE_ITEMS), memory)[1]
    return memory


def some_words(*shape: int) -> Tensor:
    """Return ids that are in every vocabulary, not all equal and none padding."""
    return UNKNOWN + torch.arange(math.prod(shape)).view(shape) % END


def differing(one: Tensor, other: Tensor, name: str) -> dict[int, str]:
    """Return the axes along which two tensors differ in size, all under one name."""
    sizes = zip(one.shape, other.shape, strict=True)
    return {axis: name for axis, (first, second) in enumerate(sizes) if first != second}


def start_feeds(model: Any, inputs: Tensor) -> Iterator[Feed]:
    """Yield the sources of inputs (N, S + T)."""
    for items in torch.split(inputs, ITEMS):
        yield {SOURCE: source_and_target(items, model.source_length)[0].contiguous().numpy()}


@torch.inference_mode()
def step_feeds(model: Any, inputs: Tensor, input_names: set[str]) -> Iterator[Feed]:
    """Yield each word of inputs (N, S + T) with the state before it, only the parts in ``input_names``."""
    for items in torch.split(inputs, ITEMS):
        source, target = source_and_target(items, model.source_length)
        memory = model.start(source)
        for words in target.T:
            given = {WORDS: words, **dict(zip(named(MEMORY, len(memory)), memory, strict=True))}
            yield {name: part.contiguous().numpy() for name, part in given.items() if name in input_names}
            memory = model.step(words, memory)[1]
