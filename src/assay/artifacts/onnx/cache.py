# SPDX-License-Identifier: Apache-2.0
"""Exported graphs, kept without their weights: an export is PyTorch tracing a network, twice, for a second or more.

What it traces depends on the network's classes, sizes and code alone, so that the same network with other weights,
of another seed or for another method, takes the graph and puts its own weights in. A graph is kept only if each of
its weights is found in it by name, byte for byte; a network with a part that is not this package's or PyTorch's, or
with a setting that is not plain data, is exported each time.

Whoever can write into the project can write a graph. Its digest covers what made it, so that one network's graph is
none of another's, and a kept graph is used only if it answers as the network does.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
import torch

# The ignore: protobuf ships no types.
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from torch import Tensor, nn

from assay.artifacts import kept
from assay.files import replacing
from assay.provenance.code_digest import digest, package

FOLDER = Path(".assay/graphs")
"""A folder for each state of the code, of which the last alone is kept; in it a file a network."""
MAKERS = ("torch", "onnx", "onnxscript")
DIGEST = 32
"""Bytes of SHA-256, of what made the graph and of the graph, with which a file begins."""
PLAIN = (int, float, str, bool, type(None), torch.dtype, torch.device)


def exported(
    ready: nn.Module,
    asked: Any,
    export: Callable[[], onnx.ModelProto],
    is_right: Callable[[onnx.ModelProto], bool],
) -> onnx.ModelProto:
    """Return a network's graph, its weights named as in ``ready``: the kept one if there is one, else ``export()``.

    Args:
        asked: what the graph depends on beside the network, as plain data.
        is_right: says whether a graph answers as the network does; a kept one that does not is replaced.
    """
    described = _description(ready) if kept.usable() else None
    if described is None:
        return export()
    key = hashlib.sha256(repr((described, asked)).encode())
    path = _folder() / f"{key.hexdigest()}.onnx"
    weights = {name: _bytes(tensor) for name, tensor in _tensors(ready)}
    graph = _read(path)
    if graph is not None:
        for tensor in graph.graph.initializer:
            if tensor.name in weights:
                tensor.raw_data = weights[tensor.name]
        if is_right(graph):
            return graph
    graph = export()
    if _holds_each(graph, weights):
        with contextlib.suppress(OSError):  # it is wanted next time, not now
            _write(path, graph, weights)
    return graph


def _tensors(ready: nn.Module) -> list[tuple[str, Tensor]]:
    return [*ready.named_parameters(), *ready.named_buffers()]


def _bytes(tensor: Tensor) -> bytes:
    data: bytes = tensor.detach().contiguous().numpy().tobytes()
    return data


def _description(ready: nn.Module) -> list[Any] | None:
    """Return all that tracing a network can see but its weights' numbers; None if that is not known."""
    found: list[Any] = [
        (name, tuple(tensor.shape), tensor.stride(), str(tensor.dtype)) for name, tensor in _tensors(ready)
    ]
    for name, module in ready.named_modules():
        kind = type(module)
        if kind.__module__.partition(".")[0] not in ("assay", "torch"):
            return None
        settings = {key: value for key, value in vars(module).items() if not _is_torchs(key)}
        plain = {key: _plain(value) for key, value in settings.items()}
        if None in plain.values():
            return None
        found.append((name, kind.__module__, kind.__qualname__, sorted(plain.items())))
    return found


_OWN = frozenset(vars(nn.Module()))
"""What every module has: its tensors and parts, which are described by name, and its hooks."""


def _is_torchs(name: str) -> bool:
    # Of recurrent layers: lists of the same weights.
    return name in _OWN or name in ("_flat_weights", "_flat_weight_refs")


def _plain(value: Any) -> str | None:
    """Return a setting as text if that says all about it, else None."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, list | tuple):
        parts = [_plain(part) for part in value]
        return None if None in parts else f"{type(value).__name__}{parts}"
    if isinstance(value, dict):
        return _plain(sorted(value.items())) if all(isinstance(key, str) for key in value) else None
    bound = getattr(value, "__self__", None)
    if isinstance(bound, nn.Module):  # a method of a part
        return f"{type(bound).__qualname__}.{value.__name__}"
    return None


def _holds_each(graph: onnx.ModelProto, weights: Mapping[str, bytes]) -> bool:
    """Say whether whatever a graph holds of the weights stands there under its name."""
    held = {tensor.name: tensor.raw_data for tensor in graph.graph.initializer}
    others = {data for name, data in held.items() if name not in weights}
    return all(weights[name] == data for name, data in held.items() if name in weights) and not (
        others & set(weights.values())
    )


def _folder() -> Path:
    """Return the folder of this state of the code."""
    code = digest(package()) + "".join(version(maker) for maker in MAKERS)
    return FOLDER / hashlib.sha256(code.encode()).hexdigest()[:16]


def _write(path: Path, graph: onnx.ModelProto, weights: Mapping[str, bytes]) -> None:
    bare = onnx.ModelProto()
    bare.CopyFrom(graph)
    for tensor in bare.graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
    if not path.parent.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)  # of other states of the code
    data = bare.SerializeToString()
    with replacing(path) as aside:
        aside.write_bytes(_digest(path, data) + data)


def _read(path: Path) -> onnx.ModelProto | None:
    """Return the graph that a file holds; None if there is none, or not a whole one."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    data = content[DIGEST:]
    if _digest(path, data) != content[:DIGEST]:
        return None
    try:
        return onnx.load_from_string(data)
    except DecodeError:  # somebody else wrote it
        return None


def _digest(path: Path, data: bytes) -> bytes:
    """Return the digest of a graph and of what made it, which its path names: code, network, inputs."""
    return hashlib.sha256(f"{path.parent.name}/{path.name}\0".encode() + data).digest()
