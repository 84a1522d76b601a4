# SPDX-License-Identifier: Apache-2.0
"""The numbers of a classical model as float32, or float16, instead of scikit-learn's float64.

Source: IEEE 754-2019, https://doi.org/10.1109/IEEESTD.2019.8766229. The file has half or a quarter of the bytes; NumPy
computes in the wider of two types, so the model is not necessarily faster. Arrays that compiled code reads, such as
the nodes of scikit-learn's trees, keep their type.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from assay.compression.context import CompressedModel, CompressionContext, Method
from assay.models.capabilities import WrapsEstimator
from assay.provenance.records import Skip

LEAST_SHARE = 0.5
"""If a smaller share of the numbers has fewer bits, the variant's name would be misleading."""


def compress(context: CompressionContext, *, bits: Literal[16, 32]) -> CompressedModel:
    """Return the estimator with its numbers in this many bits.

    Args:
        bits: 32, or 16: a number then has three digits, and an array with a number beyond 65,504 gets 32.

    Raises:
        Skip: less than half of the estimator's numbers can be narrowed, or its outputs are then not finite.
    """
    model = narrowed(context.model, bits)
    inputs = context.splits["validation"].inputs[:64].numpy()
    try:
        finite = bool(np.isfinite(model.outputs(inputs)).all())
    except (TypeError, ValueError) as error:
        raise Skip(
            f"{type(model).__name__} does not compute with float{bits}: {' '.join(str(error).split())}"
        ) from None
    if not finite:
        raise Skip(f"{type(model).__name__} has infinite outputs with float{bits}")
    return CompressedModel("skops", model, model.parameters())


def narrowed(model: Any, bits: int) -> Any:
    """Return a copy of an estimator whose wider arrays are narrowed to this many bits.

    Raises:
        Skip: less than half of its numbers are in such arrays, or it is a network or made of trees.
    """
    name = type(model).__name__
    if isinstance(model, nn.Module):
        raise Skip(f"{name} is a network: its numbers are tensors of float32")
    trees = DecisionTreeClassifier | HistGradientBoostingClassifier
    if isinstance(model, WrapsEstimator) and isinstance(model.estimator, trees):
        raise Skip(f"{name}'s trees are read by scikit-learn's compiled code, which supports only float64")
    numbers = {id(array): array for array in arrays(model, set())}
    wide = {key: array for key, array in numbers.items() if array.itemsize > bits // 8}
    if not wide:
        raise Skip(f"{name}'s numbers already have no more than {bits} bits")
    share = sum(array.size for array in wide.values()) / sum(array.size for array in numbers.values())
    if share < LEAST_SHARE:
        raise Skip(f"only {share:.0%} of {name}'s numbers have more than {bits} bits")
    # deepcopy uses the memo's copy of an object.
    memo: dict[int, Any] = {key: narrow(array, bits) for key, array in wide.items()}
    return copy.deepcopy(model, memo)


def narrow(array: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return the array in this many bits, in 32 if a number is too large for 16."""
    if bits == 16 and np.abs(array).max(initial=0) > np.finfo(np.float16).max:
        return array.astype(np.float32)
    return array.astype(f"float{bits}")


def arrays(part: Any, seen: set[int]) -> Iterator[NDArray[np.floating]]:
    """Yield the arrays of floating-point numbers that an object holds, at any depth.

    Args:
        seen: ids of the objects already visited.
    """
    if id(part) in seen or isinstance(part, type):
        return
    seen.add(id(part))
    if isinstance(part, np.ndarray):
        if part.dtype.kind == "f":
            yield part
        return
    if isinstance(part, list | tuple):
        held = list(part)
    else:
        held = list((part if isinstance(part, dict) else getattr(part, "__dict__", {})).values())
    for each in held:
        yield from arrays(each, seen)


METHOD = Method(compress, loops=("estimator",))
