# SPDX-License-Identifier: Apache-2.0
"""A trained network as an ONNX graph: dynamic batch size, folded constants, reproducible bytes.

PyTorch's exporter writes the graph, onnxruntime folds it. The exporter's own optimiser is disabled: it increases an
export from 4.6 to 7.8 s for a tanh network unrolled over 28 steps, and onnxruntime's does the same in 0.1 s. PyTorch
also needs 0.5 s per export to read its table of operators. Recurrent layers become ONNX's operators, except
tanh layers if ``unroll_tanh``: onnxruntime has their operator in full precision only. In the graph of a single step
(:mod:`assay.artifacts.onnx.step_export`) all are unrolled.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnxscript import opset18
from torch import nn
from torch.nn import functional as F

from assay.artifacts.onnx import cache, padding
from assay.artifacts.onnx_session import session
from assay.data.special_tokens import UNKNOWN
from assay.models.capabilities import OneLength

INPUT = "inputs"
OUTPUT = "logits"


def export(module: nn.Module, example: torch.Tensor, *, unroll_tanh: bool = False) -> onnx.ModelProto:
    """Return the network as a graph with one input, ``inputs``, and one output, ``logits``.

    Args:
        module: exported in evaluation mode; it is not modified. For a :class:`OneLength` no other length
            is tried.
        example: (N, ...) with any N; the graph accepts every batch size and, for texts, every length.
        unroll_tanh: whether each ``nn.RNN`` becomes one matrix product per step instead of one operator.

    Raises:
        ValueError: an LSTM in ``module`` has projections, which the ONNX operator does not support.
    """
    evaluated = copy.deepcopy(module).eval()
    # The exporter treats a dynamic size of 1 as a constant.
    batch = example[:2] if len(example) > 1 else example.expand(2, *example.shape[1:]).contiguous()
    if batch.dtype == torch.int64:  # the traced graph does not skip padding
        batch = batch.clamp(min=UNKNOWN)
    of_any_length = not (unroll_tanh or isinstance(module, OneLength)) and padding.ignores(evaluated, batch)
    ready = with_operators(copy.deepcopy(evaluated), (nn.LSTM, nn.GRU) if unroll_tanh else (nn.RNNBase,))

    def answers() -> list[torch.Tensor]:
        with torch.inference_mode():
            return [evaluated(batch)]

    if of_any_length:
        # It fails for a network with a loop over the words, such as a CRF, which is unrolled for one length.
        with contextlib.suppress(torch.onnx.OnnxExporterError):
            graph = graph_of(ready, {INPUT: batch}, [OUTPUT], [{0: "batch", 1: padding.LENGTH}], answers)
            return tidy(padding.left_out(graph))
    return graph_of(ready, {INPUT: batch}, [OUTPUT], [{0: "batch"}], answers)


def graph_of(
    ready: nn.Module,
    inputs: Mapping[str, torch.Tensor],
    outputs: Sequence[str],
    dynamic: Sequence[Any],
    answers: Callable[[], Sequence[torch.Tensor]],
) -> onnx.ModelProto:
    """Return a module, exported without changes, as a graph with these inputs and outputs.

    Args:
        inputs: an example of each input, in the order of ``ready.forward``.
        dynamic: for each argument of ``ready.forward`` the axes of variable size, 2 or more in the example, and
            their names, such as ``{0: "batch"}``; for its ``*arguments`` a tuple of such.
        answers: returns the network's outputs for these inputs: ``ready`` may have parts that only the exporter can
            run.
    """
    examples = [(name, tuple(example.shape), str(example.dtype)) for name, example in inputs.items()]
    traced = cache.exported(
        ready,
        (examples, list(outputs), dynamic),
        lambda: trace(ready, inputs, outputs, dynamic),
        lambda graph: agrees(graph, inputs, answers()),
    )
    # The Relu comes first, so that onnxruntime merges it with a convolution, and integers keep one layout.
    return tidy(exchanged(fold(traced), "MaxPool", "Relu"))


def agrees(
    graph: onnx.ModelProto, inputs: Mapping[str, torch.Tensor], expected: Sequence[torch.Tensor]
) -> bool:
    """Return whether a graph gives the expected outputs for these inputs, except for the order of sums."""
    try:
        running = session("kept.onnx", graph.SerializeToString(), 1, optimised=False)
        names = {value.name for value in running.get_inputs()}
        feed = {name: example.numpy() for name, example in inputs.items() if name in names}
        found = running.run(None, feed)
    except Exception:  # onnxruntime's exceptions have no other common base class
        return False
    return len(found) == len(expected) and all(
        one.shape == tuple(other.shape) and np.allclose(one, other.numpy(), rtol=1e-3, atol=1e-4)
        for one, other in zip(found, expected, strict=True)
    )


def trace(
    ready: nn.Module, inputs: Mapping[str, torch.Tensor], outputs: Sequence[str], dynamic: Sequence[Any]
) -> onnx.ModelProto:
    """Return a module as written by PyTorch's exporter; the arguments are those of :func:`graph_of`."""
    with quiet():
        program = torch.onnx.export(
            ready,
            tuple(inputs.values()),
            dynamo=True,
            verbose=False,
            optimize=False,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(dynamic),
            custom_translation_table={
                torch.ops.aten.remainder.Scalar: remainder,
                torch.ops.aten.unbind.int: unbind,
            },
        )
    assert program is not None
    graph: onnx.ModelProto = program.model_proto
    return graph


def remainder(dividend: Any, divisor: Any) -> Any:
    """Write the remainder of integers; the exporter's own version does not support an axis's size as divisor."""
    return opset18.Mod(dividend, opset18.CastLike(divisor, dividend))


def unbind(values: Any, dim: int = 0) -> list[Any]:
    """Write the parts along an axis of known size as one operator each; the exporter's own version needs two."""
    places: list[Any] = [opset18.Constant(value_int=place) for place in range(values.shape[dim])]
    return [opset18.Gather(values, place, axis=dim) for place in places]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence exporter and quantiser, which warn about their own deprecated calls and missing torchvision."""
    logger, root, silent = logging.getLogger("torch.onnx"), logging.getLogger(), logging.NullHandler()
    level = logger.level
    logger.setLevel(logging.ERROR)
    root.addHandler(silent)  # otherwise the first message through the root logger adds a handler permanently
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        root.removeHandler(silent)


def fold(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with constants folded and normalisation merged into convolutions.

    The result is standard ONNX: onnxruntime's higher optimisation levels would write processor-specific operators.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(path)


def exchanged(
    model: onnx.ModelProto, first: str, second: str, chosen: Collection[str] | None = None
) -> onnx.ModelProto:
    """Swap each operator ``second`` with the ``first`` that it reads, in place, and return the model.

    Relu and MaxPool may be swapped: clipping does not change which value is largest.

    Args:
        chosen: names of the ``second`` operators to swap; by default all.
    """
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    reads = Counter(name for node in graph.node for name in node.input)
    reads.update(output.name for output in graph.output)
    for late in graph.node:
        early = makers.get(late.input[0]) if late.op_type == second and late.input else None
        if early is None or early.op_type != first or reads[late.input[0]] > 1:
            continue
        if chosen is None or late.name in chosen:
            before, after = copy.deepcopy(late), copy.deepcopy(early)
            before.input[0], before.output[0] = early.input[0], early.output[0]
            after.input[0], after.output[0] = early.output[0], late.output[0]
            early.CopyFrom(before)
            late.CopyFrom(after)
    return model


def tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove, in place, what differs between two exports of one network, and return the model.

    These are stack traces with paths and addresses, and the order of initialisers and of unused operator sets.
    Inferred shapes are removed too: they are stale once a graph is quantised, and onnxruntime then refuses it.
    """
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    graph.ClearField("value_info")
    replace(graph.initializer, sorted(graph.initializer, key=lambda tensor: tensor.name))
    used = {node.domain for node in graph.node} | {""}
    opsets = [opset for opset in model.opset_import if opset.domain in used]
    replace(model.opset_import, sorted(opsets, key=lambda opset: opset.domain))
    return model


def replace(field: Any, values: Sequence[Any]) -> None:
    """Replace the values of a repeated protobuf field."""
    kept = copy.deepcopy(list(values))
    del field[:]
    field.extend(kept)


def with_operators(
    module: nn.Module,
    kinds: tuple[type[nn.RNNBase], ...],
    make: Callable[[nn.RNNBase], nn.Module] | None = None,
) -> nn.Module:
    """Replace, in place, each recurrent layer of the given kinds by ONNX's operator, and return the module.

    Otherwise the exporter unrolls a layer over its steps (an LSTM only to infer its shapes: 3 s for 28
    steps) and slices an LSTM's weights at run time, so that quantisation finds none in the graph.

    Args:
        make: returns the replacement of a layer, by default :class:`OnnxRecurrent`.
    """
    make = make or OnnxRecurrent
    if isinstance(module, kinds):
        return make(module)
    for name, child in list(module.named_modules()):
        if isinstance(child, kinds):
            module.set_submodule(name, make(child))
    return module


# ONNX's order of gates as indices into PyTorch's: LSTM i, o, f, g in i, f, g, o; GRU z, r, n in r, z, n.
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu"}


class OnnxRecurrent(nn.Module):
    """Recurrent layers of PyTorch, started from zeros, as ONNX's operators; only the exporter can run them."""

    def __init__(self, layers: nn.RNNBase) -> None:
        super().__init__()
        if layers.proj_size:
            raise ValueError(f"ONNX export: an LSTM with proj_size = {layers.proj_size}; ONNX knows only 0")
        self.operator = next(kind for kind in (nn.LSTM, nn.GRU, nn.RNN) if isinstance(layers, kind)).__name__
        self.hidden_size = layers.hidden_size
        self.directions = 2 if layers.bidirectional else 1
        self.batch_first = layers.batch_first
        self.layers = layers.num_layers
        self.attributes: dict[str, Any] = {
            "hidden_size": self.hidden_size,
            "direction": "bidirectional" if layers.bidirectional else "forward",
        }
        if isinstance(layers, nn.GRU):
            self.attributes["linear_before_reset"] = 1  # PyTorch's variant
        if isinstance(layers, nn.RNN):
            self.attributes["activations"] = [ACTIVATIONS[layers.nonlinearity]] * self.directions
        for layer in range(layers.num_layers):
            for kind in ("weight_ih", "weight_hh", "bias"):
                self.register_buffer(f"{kind}_l{layer}", self.gathered(layers, kind, layer))

    def gathered(self, layers: nn.RNNBase, kind: str, layer: int) -> torch.Tensor:
        """Return one layer's weights (directions, gates * hidden, ...) or biases (directions, 2 * gates * hidden)."""
        suffixes = [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]
        if kind != "bias":
            return torch.stack([self.reordered(getattr(layers, kind + suffix)) for suffix in suffixes])
        if not layers.bias:
            return torch.zeros(self.directions, 2 * len(GATES[self.operator]) * self.hidden_size)
        pairs = [
            (getattr(layers, "bias_ih" + suffix), getattr(layers, "bias_hh" + suffix)) for suffix in suffixes
        ]
        return torch.stack([torch.cat([self.reordered(bias) for bias in pair]) for pair in pairs])

    def reordered(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the gates of a weight (gates * hidden, ...) in ONNX's order."""
        gates = weight.detach().chunk(len(GATES[self.operator]))
        return torch.cat([gates[place] for place in GATES[self.operator]])

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Compute the layers' outputs: inputs (N, T, F) if ``batch_first``, else (T, N, F)."""
        states = inputs.transpose(0, 1) if self.batch_first else inputs  # (T, N, F)
        last: list[Sequence[torch.Tensor]] = []
        for layer in range(self.layers):
            states, *ends = self.run_layer(states, layer)
            last.append(ends)
        outputs = states.transpose(0, 1) if self.batch_first else states
        hidden, *cells = (torch.cat(ends) for ends in zip(*last, strict=True))
        return outputs, (hidden, *cells) if cells else hidden

    def run_layer(self, states: torch.Tensor, layer: int) -> Sequence[torch.Tensor]:
        """Map (T, N, F) to states (T, N, directions * hidden) and last states, each (directions, N, hidden)."""
        length, batch = states.shape[:2]
        weights = [self.get_buffer(f"{kind}_l{layer}") for kind in ("weight_ih", "weight_hh", "bias")]
        last = (self.directions, batch, self.hidden_size)
        num_last = 2 if self.operator == "LSTM" else 1
        outputs, *ends = torch.onnx.ops.symbolic_multi_out(
            self.operator,
            (states, *weights),
            self.attributes,
            dtypes=(states.dtype,) * (1 + num_last),
            shapes=((length, self.directions, batch, self.hidden_size), *(last,) * num_last),
        )
        if self.directions == 1:
            return outputs.squeeze(1), *ends
        return outputs.transpose(1, 2).flatten(2), *ends


class OneStep(nn.Module):
    """Recurrent layers of PyTorch applied to one element and a state, as products and gates instead of one operator.

    Products have 8-bit operators; the GRU's and the tanh layer's operators do not.
    """

    def __init__(self, layers: nn.RNNBase) -> None:
        super().__init__()
        if layers.bidirectional or layers.proj_size:
            raise ValueError(
                f"ONNX export: a step of {layers}; it must be unidirectional and without projections"
            )
        self.layers, self.hidden_size = layers, layers.hidden_size
        cells: dict[str, Callable[..., tuple[torch.Tensor, ...]]]
        cells = {"LSTM": self.lstm, "GRU": self.gru, "RNN_TANH": self.tanh, "RNN_RELU": self.relu}
        self.cell = cells[layers.mode]

    def forward(self, inputs: torch.Tensor, last: Any) -> tuple[torch.Tensor, Any]:
        """Compute the layers' outputs, for inputs (N, 1, F) if ``batch_first``, else (1, N, F)."""
        axis = 1 if self.layers.batch_first else 0
        states = inputs.squeeze(axis)  # (N, F)
        given = last if isinstance(last, tuple) else (last,)
        ends = []
        for number in range(self.layers.num_layers):
            read = self.gates("ih", number, states)
            kept = self.gates("hh", number, given[0][number])
            ends.append(self.cell(read, kept, *(state[number] for state in given)))
            states = ends[-1][0]
        hidden, *cells = (torch.stack(each) for each in zip(*ends, strict=True))
        return states.unsqueeze(axis), (hidden, *cells) if cells else hidden

    def gates(self, kind: str, number: int, states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return one layer's gate pre-activations, each (N, hidden), for states (N, F)."""
        bias = getattr(self.layers, f"bias_{kind}_l{number}") if self.layers.bias else None
        every = F.linear(states, getattr(self.layers, f"weight_{kind}_l{number}"), bias)
        return every.view(every.shape[0], -1, self.hidden_size).unbind(dim=1)

    def lstm(
        self, read: Sequence[torch.Tensor], kept: Sequence[torch.Tensor], *last: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the next states (N, hidden), from the gates of the input and last state, and the last states."""
        into, forget, offered, out = (one + other for one, other in zip(read, kept, strict=True))
        cell = forget.sigmoid() * last[1] + into.sigmoid() * offered.tanh()
        return out.sigmoid() * cell.tanh(), cell

    def gru(
        self, read: Sequence[torch.Tensor], kept: Sequence[torch.Tensor], last: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the next state (N, hidden); the arguments are those of :meth:`lstm`."""
        reset, update = ((read[gate] + kept[gate]).sigmoid() for gate in (0, 1))
        offered = (read[2] + reset * kept[2]).tanh()
        return (offered + update * (last - offered),)

    def tanh(
        self, read: Sequence[torch.Tensor], kept: Sequence[torch.Tensor], last: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the next state (N, hidden); the arguments are those of :meth:`lstm`."""
        del last
        return ((read[0] + kept[0]).tanh(),)

    def relu(
        self, read: Sequence[torch.Tensor], kept: Sequence[torch.Tensor], last: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the next state (N, hidden); the arguments are those of :meth:`lstm`."""
        del last
        return ((read[0] + kept[0]).relu(),)
