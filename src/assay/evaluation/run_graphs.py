# SPDX-License-Identifier: Apache-2.0
"""The graph of a model that a run has left: that of a method that changes the runtime only, such as ``onnx``.

It answers for the model if the evaluation found the same answers for all test items, so that nothing is exported, and
PyTorch is not imported.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assay import paths
from assay.config import registry
from assay.files import sha256
from assay.provenance import records

if TYPE_CHECKING:
    import pyarrow as pa

TOLERANCE = 1e-3
"""The largest difference of two answers, absolute and relative, as in :mod:`assay.artifacts.onnx.of_predictor`."""


def find(folder: Path) -> bytes | None:
    """Return the graph of the model in a folder; None if no run has left one, or if its answers differ.

    Args:
        folder: of a variant, relative to the project's folder.
    """
    suite, task, model, seed, *method = folder.parts[2:]
    cell = {"suite": suite, "task": task, "model": model, "seed": seed}
    record = folder / paths.STATUS
    for path in sorted(Path(paths.COMPRESSED.format(**cell, method=".")).glob(f"*/{paths.STATUS}")):
        found = records.find(path)
        if found is None or not _is_same_model(found) or sha256(record) not in found["made_from"]:
            continue
        places = [
            Path(paths.EVALUATED.format(**cell, method=name)) / "predictions.parquet"
            for name in (method[0] if method else paths.UNCOMPRESSED, path.parent.name)
        ]
        graph = _graph(path.parent, found)
        if graph is not None and _agree(*places):
            return graph
    return None


def _is_same_model(record: dict[str, Any]) -> bool:
    """Return whether a variant is one graph, made by a method that changes only the runtime."""
    if record["status"] != records.OK or record["artifact"]["format"] != "onnx":
        return False
    module = record["spec"]["target"].partition(":")[0]
    return module in {method.module for method in registry.METHODS.values() if method.full_precision}


def _graph(folder: Path, record: dict[str, Any]) -> bytes | None:
    try:
        graph = (folder / "model.onnx").read_bytes()
    except OSError:
        return None
    return graph if hashlib.sha256(graph).hexdigest() == record["files"]["model.onnx"] else None


def _agree(one: Path, other: Path) -> bool:
    """Return whether two variants have been evaluated on the same items, with the same answers."""
    import pyarrow.parquet as pq  # only the first call for a model comes here

    try:
        first, second = (pq.read_table(path) for path in (one, other))
    except (OSError, ValueError):  # not evaluated, or damaged
        return False
    return (
        first.schema.equals(second.schema)
        and len(first) == len(second)
        and all(map(_are_close, first.columns, second.columns))
    )


def _are_close(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    if not pa.types.is_floating(one.type):
        return bool(one.equals(other))
    return np.allclose(one.to_numpy(), other.to_numpy(), TOLERANCE, TOLERANCE, equal_nan=True)
