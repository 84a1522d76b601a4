# SPDX-License-Identifier: Apache-2.0
"""Reading of prepared datasets with bounded memory: arrays are memory-mapped, tables read by row group."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import safe_open

_DTYPES = {
    "U8": np.uint8,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "F32": np.float32,
    "F64": np.float64,
    "BOOL": np.bool_,
}


@dataclass(frozen=True)
class SplitRows:
    """The rows of one split's items."""

    rows: NDArray[np.int64]
    """(N,) ascending rows of items.parquet and of the arrays."""
    items: NDArray[np.int64]
    """(N,) each item's number."""
    columns: dict[str, NDArray[Any]]
    """Further columns of items.parquet, (N,) each."""


def arrays(prepared: Path) -> dict[str, NDArray[Any]]:
    """Map the arrays of arrays.safetensors, read-only, by name.

    Format: https://huggingface.co/docs/safetensors: the header's length in 8 bytes, the header as JSON, the data.
    """
    path = prepared / "arrays.safetensors"
    with safe_open(path, framework="numpy"):  # rejects a header that does not fit the file
        pass
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    mapped = np.memmap(path, np.uint8, mode="r")
    return {
        name: _array(mapped[8 + length :], entry) for name, entry in header.items() if name != "__metadata__"
    }


def _array(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    start, end = entry["data_offsets"]
    return np.asarray(data[start:end]).view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])


_withheld: frozenset[str] = frozenset()


@contextmanager
def withheld(*splits: str) -> Iterator[None]:
    """Make it impossible to read these splits in this process: a ValueError for whoever tries."""
    global _withheld
    before, _withheld = _withheld, _withheld | set(splits)
    try:
        yield
    finally:
        _withheld = before


def split_rows(prepared: Path, splits: Sequence[str], columns: Sequence[str] = ()) -> dict[str, SplitRows]:
    """Return the rows of each named split's items.

    Args:
        columns: further columns of items.parquet to read.

    Raises:
        ValueError: a split is withheld from this job.
    """
    if refused := _withheld.intersection(splits):
        raise ValueError(f"{prepared}: the items of {', '.join(sorted(refused))} are withheld from this job")
    found: dict[str, list[dict[str, NDArray[Any]]]] = {name: [] for name in splits}
    first = 0
    with pq.ParquetFile(prepared / "items.parquet") as file:
        for batch in file.iter_batches(columns=["item", "split", *columns], use_threads=False):
            values = {column: batch[column].to_numpy(zero_copy_only=False) for column in ("item", *columns)}
            for name in splits:
                rows = np.flatnonzero(pc.equal(batch["split"], name).to_numpy(zero_copy_only=False))
                found[name].append({_ROW: first + rows} | {key: value[rows] for key, value in values.items()})
            first += len(batch)
    return {name: _joined(parts) for name, parts in found.items()}


_ROW = "row"


def _joined(parts: Sequence[dict[str, NDArray[Any]]]) -> SplitRows:
    whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return SplitRows(whole.pop(_ROW), whole.pop("item"), whole)
