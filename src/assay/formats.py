"""The file formats of models, none of which can run code when it is read; the same model is the same bytes."""

from __future__ import annotations

import io
import itertools
import json
import math
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import nn

from assay import catalogue, huffman, structure
from assay.openvino_predictor import OpenVinoPredictor
from assay.predictors import (
    EstimatorPredictor,
    ModulePredictor,
    OnnxPredictor,
    OnnxStepsPredictor,
    Predictor,
)

if TYPE_CHECKING:
    import onnx

OURS = re.compile(r"assay\.models\.\w+:\w+")
MASK = "|mask"
VALUES = "|values"
SHAPE = "|shape"
CODEBOOK = "|codebook"
CODES = "|codes"
GAPS = "|gaps"
LEFT = "|left"
RIGHT = "|right"


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
            state = self.decode(safetensors.torch.load(data))
            if artifact.get("resized"):
                structure.fit(module, state)
            module.load_state_dict(state)
        except Exception as fault:  # arguments that were edited can fail anywhere in the class
            problem = f"{type(fault).__name__}: {one_line(fault)}"
            raise ValueError(f"{artifact['target']}: {self.file} cannot be loaded: {problem}") from None
        return module.eval()

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors to keep in the file."""
        return state

    def decode(self, stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the weights from the file's tensors."""
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
                stored[name + SHAPE] = torch.tensor(tensor.shape, dtype=torch.int32)
        return stored

    def decode(self, stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the dense weights, bit for bit those that were written.

        Raises:
            ValueError: a mask does not fit its values or its shape.
        """
        state = {name: tensor for name, tensor in stored.items() if not name.endswith((MASK, VALUES, SHAPE))}
        for name in (key.removesuffix(MASK) for key in stored if key.endswith(MASK)):
            bits, shape = np.unpackbits(stored[name + MASK].numpy()), stored[name + SHAPE].tolist()
            if min(shape) < 0 or not 0 <= len(bits) - math.prod(shape) < 8:
                raise ValueError(f"{name}: {len(bits)} bits for a weight of shape {shape}")
            dense, values = torch.zeros(shape), stored[name + VALUES]
            mask = torch.from_numpy(bits[: dense.numel()].astype(bool))
            if int(mask.sum()) != values.numel():
                raise ValueError(f"{name}: {int(mask.sum())} bits are set for {values.numel()} values")
            dense[mask.view(dense.shape)] = values
            state[name] = dense
        return state


class Clustered(Safetensors):
    """A network whose weights share few values: these, and Huffman codes that say which one a weight has.

    Where that is smaller, zeros are left out of the codes, and gaps from one other weight to the next are coded.
    """

    ESCAPE = 255
    """So many zeros with no weight after them; a smaller gap has one, or the tensor's end."""

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Keep each float32 tensor as codes where that is smaller."""
        stored: dict[str, torch.Tensor] = {}
        for name, tensor in state.items():
            smallest = min(self.encodings(name, tensor), key=file_bytes)
            stored |= smallest
        return stored

    def encodings(self, name: str, tensor: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        """Return the ways to keep a tensor, the plain one first."""
        found = [{name: tensor}]
        if tensor.dtype != torch.float32 or not tensor.ndim:
            return found
        bits = tensor.numpy().view(np.int32).ravel()  # as bits, so that a negative zero comes back as one
        shape = {name + SHAPE: torch.tensor(tensor.shape, dtype=torch.int32)}
        book, codes = np.unique(bits, return_inverse=True)
        if len(book) <= huffman.ALPHABET:
            found.append(self.coded(name, book, codes) | shape)
        kept = np.flatnonzero(bits)
        if len(kept) < len(bits) and len(book) <= huffman.ALPHABET + 1:
            gaps = {name + GAPS: torch.from_numpy(huffman.encode(self.gaps(kept, len(bits))))}
            found.append(self.coded(name, *np.unique(bits[kept], return_inverse=True)) | gaps | shape)
        return found

    def coded(self, name: str, book: NDArray[np.int32], codes: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """Return what says a tensor's values and which number has which."""
        values = torch.from_numpy(book.view(np.float32))
        return {name + CODEBOOK: values, name + CODES: torch.from_numpy(huffman.encode(codes))}

    def gaps(self, kept: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return the symbols that lead to each of the places ``kept`` (K,), rising, and then to ``count``."""
        gaps = np.diff(kept, prepend=-1, append=count) - 1
        escapes = gaps // self.ESCAPE
        symbols = np.full(len(gaps) + escapes.sum(), self.ESCAPE)
        symbols[np.cumsum(escapes + 1) - 1] = gaps % self.ESCAPE
        return symbols

    def places(self, symbols: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int]:
        """Return the places and the count that :meth:`gaps` was given.

        Raises:
            ValueError: they do not end at a count.
        """
        if not len(symbols) or symbols[-1] == self.ESCAPE:
            raise ValueError(f"{len(symbols)} gaps that do not end")
        ends = symbols != self.ESCAPE
        places = np.cumsum(symbols + ends, dtype=np.int64)[ends] - 1
        return places[:-1], int(places[-1])

    def decode(self, stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the weights, bit for bit those that were written.

        Raises:
            ValueError: codes do not fit their values, their gaps or their shape.
        """
        parts = CODEBOOK, CODES, GAPS, SHAPE
        state = {name: tensor for name, tensor in stored.items() if not name.endswith(parts)}
        for name in (key.removesuffix(CODEBOOK) for key in stored if key.endswith(CODEBOOK)):
            found = {part: stored[name + part].numpy() for part in parts if name + part in stored}
            if missing := {CODES, SHAPE} - set(found):
                raise ValueError(f"{name}: no {min(missing)} beside its codebook")
            try:
                state[name] = self.weight(found)
            except ValueError as fault:
                raise ValueError(f"{name}: {fault}") from None
        return state

    def weight(self, parts: dict[str, NDArray[Any]]) -> torch.Tensor:
        """Return one tensor from its parts; it is made only once the codes cover its shape.

        Raises:
            ValueError: they do not fit one another.
        """
        book, codes, shape = parts[CODEBOOK], huffman.decode(parts[CODES]), parts[SHAPE]
        if book.dtype != np.float32 or shape.dtype != np.int32 or not book.ndim == shape.ndim == 1:
            raise ValueError(
                f"a codebook of {book.dtype} {book.shape}, a shape of {shape.dtype} {shape.shape}"
            )
        if len(codes) and codes.max() >= len(book):
            raise ValueError(f"code {codes.max()} in a codebook of {len(book)} values")
        places, count = np.arange(len(codes)), len(codes)
        if GAPS in parts:
            places, count = self.places(huffman.decode(parts[GAPS]))
        if len(places) != len(codes):
            raise ValueError(f"{len(codes)} codes for {len(places)} weights that are not zero")
        if min(shape, default=0) < 0 or count != math.prod(shape.tolist()):
            raise ValueError(f"{count} numbers for a weight of shape {shape.tolist()}")
        dense = np.zeros(count, np.float32)
        dense[places] = book[codes]
        return torch.from_numpy(dense.reshape(shape))


class LowRank(Safetensors):
    """A network some of whose matrices, marked by two buffers beside them, are products of two thin ones."""

    LARGEST = 2048
    """Numbers of a product for one number of its factors: a rank of 1 in a matrix of 4096 x 4096."""

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Leave out the products."""
        return {name: tensor for name, tensor in state.items() if name + LEFT not in state}

    def decode(self, stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the weights, the factors multiplied.

        Raises:
            ValueError: factors do not fit each other.
        """
        state = {name: tensor for name, tensor in stored.items() if not name.endswith((LEFT, RIGHT))}
        for name in (key.removesuffix(LEFT) for key in stored if key.endswith(LEFT)):
            left, right = stored[name + LEFT], stored.get(name + RIGHT, torch.empty(0))
            if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
                raise ValueError(f"{name}: factors of shapes {list(left.shape)} and {list(right.shape)}")
            if len(left) * right.shape[1] > self.LARGEST * (left.numel() + right.numel()):
                raise ValueError(f"{name}: a product of {len(left)} x {right.shape[1]} of rank {len(right)}")
            state[name] = product(left, right)
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


class OpenVino(Onnx):
    """The same, run by OpenVINO."""

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the graph as a predictor on one thread.

        Raises:
            ValueError: OpenVINO is not installed, or refuses the graph.
        """
        return OpenVinoPredictor(data, artifact)


class OnnxSteps:
    """Two graphs of a network that writes word by word: one reads the source, one writes a word."""

    file = "model.onnx.zip"

    def write(self, path: Path, model: dict[str, onnx.ModelProto]) -> None:
        """Write the graphs ``start`` and ``step``."""
        from assay import onnx_pair  # it imports onnx, which a network does not need

        path.write_bytes(onnx_pair.pack(model))

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the graphs as a predictor on one thread.

        Raises:
            ValueError: the file is not made of two graphs alone, or onnxruntime refuses one.
        """
        from assay import onnx_pair

        try:
            return OnnxStepsPredictor(onnx_pair.unpack(data), artifact)
        except ValueError as fault:
            raise ValueError(f"{self.file} is refused: {fault}") from None


FORMATS: dict[str, Format] = {
    "safetensors": Safetensors(),
    "sparse": Sparse(),
    "clustered": Clustered(),
    "low_rank": LowRank(),
    "skops": Skops(),
    "onnx": Onnx(),
    "onnx_steps": OnnxSteps(),
    "openvino": OpenVino(),
}


def file_bytes(tensors: dict[str, torch.Tensor]) -> int:
    """Return how large a safetensors file of these tensors is."""
    return len(safetensors.torch.save(tensors))


def product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return left (M, R) times right (R, N) in float32, summed in float64: the same whatever the threads."""
    return (left.double() @ right.double()).float()


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
