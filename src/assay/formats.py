"""The file formats of models, none of which can run code when it is read; the same model is the same bytes."""

from __future__ import annotations

import io
import itertools
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import safetensors.torch
import torch
from torch import nn

from assay import catalogue
from assay.predictors import EstimatorPredictor, ModulePredictor, OnnxPredictor, Predictor

if TYPE_CHECKING:
    import onnx

OURS = re.compile(r"assay\.models\.\w+:\w+")
MASK = "|mask"
VALUES = "|values"


class Format(Protocol):
    """One way to keep a model in one file."""

    file: str

    def write(self, path: Path, model: Any) -> None:
        """Write the model to ``path``."""

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the model that ``data``, the file's bytes, and its record describe."""


def resolve(target: str) -> type:
    """Import the class that a record names, if it is one of ours: a record can be edited by anyone.

    Raises:
        ValueError: it is not in the catalogue nor under assay.models, or there is no such class.
    """
    known = {model.target for model in catalogue.MODELS.values()}
    if not isinstance(target, str) or not (target in known or OURS.fullmatch(target)):
        raise ValueError(f"target {target!r}: only classes of the catalogue or of assay.models are loaded")
    try:
        found = catalogue.load(target)
    except (ImportError, AttributeError) as fault:
        raise ValueError(f"target {target!r}: {fault}") from None
    if not isinstance(found, type) or found.__module__ != target.partition(":")[0]:
        raise ValueError(f"target {target!r}: not a class that this module defines")
    return found


def one_line(fault: Exception) -> str:
    """Return what an exception says, on one line."""
    return " ".join(str(fault).split())


class Safetensors:
    """A network's weights as they are."""

    file = "model.safetensors"

    def write(self, path: Path, model: nn.Module) -> None:
        """Write the weights."""
        safetensors.torch.save_file(self.encode(plain_state(model)), path)

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the network as a predictor."""
        return ModulePredictor(self.module(data, artifact), artifact)

    def module(self, data: bytes, artifact: dict[str, Any]) -> nn.Module:
        """Return the network with its weights, in evaluation mode.

        Raises:
            ValueError: class, arguments and weights do not fit one another.
        """
        target = resolve(artifact["target"])
        if not issubclass(target, nn.Module):
            raise ValueError(f"target {artifact['target']!r}: not a network, but its record says {self.file}")
        try:
            with torch.random.fork_rng(devices=[]):  # the random weights that are replaced next draw from it
                module: nn.Module = target(**artifact["arguments"])
            module.load_state_dict(self.decode(safetensors.torch.load(data), module.state_dict()))
        except Exception as fault:  # arguments that were edited can fail anywhere in the class
            problem = f"{type(fault).__name__}: {one_line(fault)}"
            raise ValueError(f"{artifact['target']}: {self.file} cannot be loaded: {problem}") from None
        return module.eval()

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors to keep in the file."""
        return state

    def decode(
        self, stored: dict[str, torch.Tensor], like: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Return the weights from the file's tensors; ``like`` has their names and shapes."""
        del like
        return stored


class Sparse(Safetensors):
    """A network with many zeros: a packed mask of a bit a number, and the numbers that are not zero."""

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Keep each float32 tensor as mask and values where that is smaller."""
        stored: dict[str, torch.Tensor] = {}
        for name, tensor in state.items():
            kept = tensor.view(torch.int32) != 0 if tensor.dtype == torch.float32 and tensor.ndim else None
            # As bits, so that a negative zero comes back as one.
            if kept is None or kept.numel() + 32 * int(kept.sum()) >= 32 * kept.numel():
                stored[name] = tensor
            else:
                stored[name + MASK] = torch.from_numpy(np.packbits(kept.numpy()))
                stored[name + VALUES] = tensor[kept]
        return stored

    def decode(
        self, stored: dict[str, torch.Tensor], like: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Return the dense weights, bit for bit those that were written.

        Raises:
            ValueError: a mask fits no weight of the class, or its values.
        """
        state = {name: tensor for name, tensor in stored.items() if not name.endswith((MASK, VALUES))}
        for name in (key.removesuffix(MASK) for key in stored if key.endswith(MASK)):
            if name not in like:
                raise ValueError(f"{name} is no weight of this class")
            dense, values = torch.zeros(like[name].shape), stored[name + VALUES]
            mask = torch.from_numpy(
                np.unpackbits(stored[name + MASK].numpy(), count=dense.numel()).astype(bool)
            )
            if int(mask.sum()) != values.numel():
                raise ValueError(f"{name}: {int(mask.sum())} bits are set for {values.numel()} values")
            dense[mask.view(dense.shape)] = values
            state[name] = dense
        return state


class Skops:
    """An estimator's attributes."""

    file = "model.skops"

    def write(self, path: Path, model: Any) -> None:
        """Write the estimator, the same bytes each time."""
        import skops.io  # it imports scikit-learn (2 s), which a network does not need

        path.write_bytes(without_addresses(skops.io.dumps(model)))

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the estimator as a predictor.

        Raises:
            ValueError: the file holds another class, or one that is not trusted.
        """
        import skops.io

        target = resolve(artifact["target"])
        own = f"{target.__module__}.{target.__qualname__}"
        # A model's file names there what else its estimator is made of, such as compiled trees.
        others = getattr(sys.modules[target.__module__], "TRUSTED", ())
        try:
            estimator = skops.io.loads(data, trusted=[own, *others])
        except Exception as fault:  # a file that is no zip, or no schema, can fail anywhere in skops
            raise ValueError(f"{artifact['target']}: {self.file} is refused: {one_line(fault)}") from None
        if type(estimator) is not target:
            raise ValueError(f"{self.file}: holds a {type(estimator).__name__}, its record says {own}")
        return EstimatorPredictor(estimator, artifact)


class Onnx:
    """A graph of operators with its weights."""

    file = "model.onnx"

    def write(self, path: Path, model: onnx.ModelProto) -> None:
        """Write the graph."""
        path.write_bytes(model.SerializeToString(deterministic=True))

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the graph as a predictor on one thread.

        Raises:
            ValueError: it is no ONNX graph, or its weights lie in other files.
        """
        return OnnxPredictor(data, artifact)


FORMATS: dict[str, Format] = {
    "safetensors": Safetensors(),
    "sparse": Sparse(),
    "skops": Skops(),
    "onnx": Onnx(),
}


def plain_state(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return a network's weights by name, each in its own contiguous memory on the processor."""
    state = module.state_dict()
    return {
        name: state[name].detach().cpu().clone(memory_format=torch.contiguous_format)
        for name in sorted(state)
    }


def without_addresses(data: bytes) -> bytes:
    """Return a skops file with its objects numbered in order of appearance and its members undated.

    skops names objects and files by their address in memory, and a zip file holds the time of writing.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(members.pop("schema.json"))
    files: dict[str, str] = {}
    renumber(schema, {}, files, itertools.count(1))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, content in [(new, members[old]) for old, new in files.items()]:
            zipped.writestr(zipfile.ZipInfo(name), content)
        zipped.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema))
    return buffer.getvalue()


def renumber(node: Any, ids: dict[int, int], files: dict[str, str], numbers: itertools.count[int]) -> None:
    """Number the objects and files of a skops schema, in place; ``ids`` and ``files`` map old to new."""
    if isinstance(node, list):
        for child in node:
            renumber(child, ids, files, numbers)
    elif isinstance(node, dict):
        if "__loader__" in node:
            if node.get("is_json"):  # whether two equal numbers are one object is the interpreter's affair
                node.pop("__id__", None)
            if "__id__" in node:
                node["__id__"] = ids.setdefault(node["__id__"], next(numbers))
            if "file" in node:
                name = f"{len(files) + 1}{Path(node['file']).suffix}"
                node["file"] = files.setdefault(node["file"], name)
        for child in node.values():
            renumber(child, ids, files, numbers)
