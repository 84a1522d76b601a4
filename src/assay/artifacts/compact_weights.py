# SPDX-License-Identifier: Apache-2.0
"""Compact storage of weights: many zeros, few distinct values, products of two thin matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from assay.artifacts import huffman
from assay.artifacts.weights import Safetensors

MASK = "|mask"
VALUES = "|values"
SHAPE = "|shape"
CODEBOOK = "|codebook"
CODES = "|codes"
GAPS = "|gaps"
LEFT = "|left"
RIGHT = "|right"


class Sparse(Safetensors):
    """A network with many zeros: a packed mask of one bit per number, and the numbers that are not zero."""

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Store each float32 tensor as mask and values if that is smaller."""
        stored: dict[str, torch.Tensor] = {}
        for name, tensor in state.items():
            kept = tensor.view(torch.int32) != 0 if tensor.dtype == torch.float32 and tensor.ndim else None
            # As bits, so that a negative zero is kept.
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
    """A network whose weights share few values: a codebook, and the Huffman-coded index of each weight.

    If that is smaller, zeros are omitted from the codes, and the gaps between the other weights are coded.
    """

    ESCAPE = 255
    """This many zeros without a weight after them; a smaller gap is followed by a weight or the tensor's end."""

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Store each float32 tensor as codes if that is smaller."""
        stored: dict[str, torch.Tensor] = {}
        for name, tensor in state.items():
            smallest = min(self.encodings(name, tensor), key=file_bytes)
            stored |= smallest
        return stored

    def encodings(self, name: str, tensor: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        """Return the encodings of a tensor, the plain one first."""
        found = [{name: tensor}]
        if tensor.dtype != torch.float32 or not tensor.ndim:
            return found
        bits = tensor.numpy().view(np.int32).ravel()  # as bits, so that a negative zero is kept
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
        """Return the codebook of a tensor and its encoded indices."""
        values = torch.from_numpy(book.view(np.float32))
        return {name + CODEBOOK: values, name + CODES: torch.from_numpy(huffman.encode(codes))}

    def gaps(self, kept: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return the symbols of the gaps before each of the ascending positions ``kept`` (K,) and before ``count``."""
        gaps = np.diff(kept, prepend=-1, append=count) - 1
        escapes = gaps // self.ESCAPE
        symbols = np.full(len(gaps) + escapes.sum(), self.ESCAPE)
        symbols[np.cumsum(escapes + 1) - 1] = gaps % self.ESCAPE
        return symbols

    def places(self, symbols: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int]:
        """Return the positions and the count that were given to :meth:`gaps`.

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
                raise ValueError(f"{name}: its codebook has no {min(missing)}")
            try:
                state[name] = self.weight(found)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return state

    def weight(self, parts: dict[str, NDArray[Any]]) -> torch.Tensor:
        """Return one tensor from its parts; it is allocated only if the codes cover its shape.

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
    """A network with matrices that are products of two thin ones, which are buffers next to them."""

    LARGEST = 2048
    """The largest ratio of the sizes of a product and its factors: rank 1 in a matrix of 4096 x 4096."""

    def encode(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Omit the products."""
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


def file_bytes(tensors: dict[str, torch.Tensor]) -> int:
    """Return the size of a safetensors file of these tensors."""
    return len(safetensors.torch.save(tensors))


def product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return left (M, R) times right (R, N) in float32, summed in float64, the same for any number of threads."""
    return (left.double() @ right.double()).float()
