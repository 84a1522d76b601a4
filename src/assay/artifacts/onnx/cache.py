# SPDX-License-Identifier: Apache-2.0
"""A cache of exported graphs without weights: in an export, PyTorch traces a network twice, for a second or more.

A trace depends only on the network's classes, sizes and code, so that the same network with other weights, of another
seed or for another method, can use the graph with its own weights. A graph is cached only if each of its weights is
found in it by name, byte for byte; a network with a part that is not from this package or PyTorch, or with a setting
that is not plain data, is exported each time.

Anyone who can write into the project can write a graph. Its digest covers its inputs, so that a graph is not used for
another network, and a cached graph is used only if its outputs equal the network's.
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
"""One folder per state of the code, of which only the last is kept, with one file per network."""
MAKERS = ("torch", "onnx", "onnxscript")
DIGEST = 32
"""A file begins with this many bytes: the SHA-256 digest of its path and the graph."""
PLAIN = (int, float, str, bool, type(None), torch.dtype, torch.device)


def exported(
    ready: nn.Module,
    options: Any,
    export: Callable[[], onnx.ModelProto],
    is_right: Callable[[onnx.ModelProto], bool],
) -> onnx.ModelProto:
    """Return a network's graph, its weights named as in ``ready``: the cached one if there is one, else ``export()``.

    Args:
        options: what the graph depends on in addition to the network, as plain data.
        is_right: returns whether a graph's outputs equal the network's; a cached one that fails is replaced.
    """
    described = _description(ready) if kept.usable() else None
    if described is None:
        return export()
    key = hashlib.sha256(repr((described, options)).encode())
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
        with contextlib.suppress(OSError):  # it is only needed next time
            _write(path, graph, weights)
    return graph


def _tensors(ready: nn.Module) -> list[tuple[str, Tensor]]:
    return [*ready.named_parameters(), *ready.named_buffers()]


def _bytes(tensor: Tensor) -> bytes:
    data: bytes = tensor.detach().contiguous().numpy().tobytes()
    return data


def _description(ready: nn.Module) -> list[Any] | None:
    """Return everything that tracing a network can see, except its weights' values; None if that is not known."""
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
"""The attributes of every module: its tensors and parts, which are described by name, and its hooks."""


def _is_torchs(name: str) -> bool:
    # Recurrent layers have lists of the same weights.
    return name in _OWN or name in ("_flat_weights", "_flat_weight_refs")


def _plain(value: Any) -> str | None:
    """Return a setting as text if the text describes it completely, else None."""
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
    """Return whether each weight in a graph has its own name there."""
    held = {tensor.name: tensor.raw_data for tensor in graph.graph.initializer}
    others = {data for name, data in held.items() if name not in weights}
    return all(weights[name] == data for name, data in held.items() if name in weights) and not (
        others & set(weights.values())
    )


def _folder() -> Path:
    """Return the folder for the current state of the code."""
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
    """Return the graph in a file; None if there is none, or an incomplete one."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    data = content[DIGEST:]
    if _digest(path, data) != content[:DIGEST]:
        return None
    try:
        return onnx.load_from_string(data)
    except DecodeError:  # another program wrote it
        return None


def _digest(path: Path, data: bytes) -> bytes:
    """Return the digest of a graph and its path, which contains the digests of code, network and inputs."""
    return hashlib.sha256(f"{path.parent.name}/{path.name}\0".encode() + data).digest()
