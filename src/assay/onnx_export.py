"""A trained network as an ONNX graph: dynamic batch, folded constants, the same bytes each time.

PyTorch's exporter writes the graph, onnxruntime folds it. The exporter's own optimiser is left off: it makes
4.6 s of export 7.8 s on a tanh network unrolled over 28 steps, and onnxruntime's does as much in 0.1 s. Of
what stays, 0.5 s an export is PyTorch reading its table of operators.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import nn

INPUT = "images"
OUTPUT = "logits"


def export(module: nn.Module, example: torch.Tensor) -> onnx.ModelProto:
    """Return the network as a graph with one input, ``images``, and one output, ``logits``.

    Args:
        module: is not modified; exported as it is in evaluation.
        example: (N, C, H, W) with any N; the graph takes every batch size.

    Raises:
        ValueError: an LSTM in ``module`` has projections, which the ONNX operator has not.
    """
    ready = with_onnx_lstm(copy.deepcopy(module).eval())
    # The exporter takes a dynamic size of 1 for a constant.
    batch = example[:1].expand(2, *example.shape[1:]).contiguous()
    with quiet():
        program = torch.onnx.export(
            ready,
            (batch,),
            dynamo=True,
            verbose=False,
            optimize=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    assert program is not None
    return tidy(fold(program.model_proto))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence exporter and quantiser, which warn of their own deprecated calls and of missing torchvision."""
    logger, root, silent = logging.getLogger("torch.onnx"), logging.getLogger(), logging.NullHandler()
    level = logger.level
    logger.setLevel(logging.ERROR)
    root.addHandler(silent)  # else the first message through the root logger gives it a handler, for good
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        root.removeHandler(silent)


def fold(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with constants folded and normalisation merged into convolutions.

    What is folded stays standard ONNX: onnxruntime's higher levels would write operators of one processor.
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


def tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take out, in place, what differs between two exports of one network, and return the model.

    That is stack traces with paths and addresses, and the order of initialisers and of unused operator sets.
    Inferred shapes go too: they are stale once a graph is quantised, and onnxruntime then refuses it.
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
    """Give a repeated protobuf field new values."""
    kept = copy.deepcopy(list(values))
    del field[:]
    field.extend(kept)


def with_onnx_lstm(module: nn.Module) -> nn.Module:
    """Replace, in place, each ``nn.LSTM`` by ONNX's operator, and return the module.

    Left to itself the exporter unrolls an LSTM over its steps, only to learn its shapes (3 s for 28 steps),
    and slices its weights at run time, so that quantisation finds none in the graph.
    """
    if isinstance(module, nn.LSTM):
        return OnnxLSTM(module)
    for name, child in list(module.named_modules()):
        if isinstance(child, nn.LSTM):
            module.set_submodule(name, OnnxLSTM(child))
    return module


class OnnxLSTM(nn.Module):
    """An ``nn.LSTM`` that starts from zeros as ONNX's operators; only the exporter can run it."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        if lstm.proj_size:
            raise ValueError(f"ONNX export: an LSTM with proj_size = {lstm.proj_size}; ONNX knows only 0")
        self.hidden = lstm.hidden_size
        self.directions = 2 if lstm.bidirectional else 1
        self.batch_first = lstm.batch_first
        self.layers = lstm.num_layers
        for layer in range(lstm.num_layers):
            for kind in ("weight_ih", "weight_hh", "bias"):
                self.register_buffer(f"{kind}_l{layer}", self.gathered(lstm, kind, layer))

    def gathered(self, lstm: nn.LSTM, kind: str, layer: int) -> torch.Tensor:
        """Return one layer's weights (directions, 4 * hidden, ...) or biases (directions, 8 * hidden)."""
        suffixes = [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]
        if kind != "bias":
            return torch.stack([self.reordered(getattr(lstm, kind + suffix)) for suffix in suffixes])
        if not lstm.bias:
            return torch.zeros(self.directions, 8 * self.hidden)
        pairs = [
            (getattr(lstm, "bias_ih" + suffix), getattr(lstm, "bias_hh" + suffix)) for suffix in suffixes
        ]
        return torch.stack([torch.cat([self.reordered(bias) for bias in pair]) for pair in pairs])

    def reordered(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the gates of a weight (4 * hidden, ...) in ONNX's order: PyTorch's is i, f, g, o."""
        i, f, g, o = weight.detach().chunk(4)
        return torch.cat([i, o, f, g])

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Do as ``nn.LSTM``: inputs (N, T, F) if ``batch_first``, else (T, N, F)."""
        states = inputs.transpose(0, 1) if self.batch_first else inputs  # (T, N, F)
        last: list[torch.Tensor] = []
        cells: list[torch.Tensor] = []
        for layer in range(self.layers):
            states, hidden, cell = self.run_layer(states, layer)
            last.append(hidden)
            cells.append(cell)
        outputs = states.transpose(0, 1) if self.batch_first else states
        return outputs, (torch.cat(last), torch.cat(cells))

    def run_layer(self, states: torch.Tensor, layer: int) -> Sequence[torch.Tensor]:
        """Map (T, N, F) to states (T, N, directions * hidden) and two last states (directions, N, hidden)."""
        length, batch = states.shape[:2]
        weights = [self.get_buffer(f"{kind}_l{layer}") for kind in ("weight_ih", "weight_hh", "bias")]
        last = (self.directions, batch, self.hidden)
        outputs, hidden, cell = torch.onnx.ops.symbolic_multi_out(
            "LSTM",
            (states, *weights),
            {"hidden_size": self.hidden, "direction": "bidirectional" if self.directions == 2 else "forward"},
            dtypes=(states.dtype,) * 3,
            shapes=((length, self.directions, batch, self.hidden), last, last),
        )
        return outputs.transpose(1, 2).flatten(2), hidden, cell
