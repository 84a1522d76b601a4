# SPDX-License-Identifier: Apache-2.0
"""A prepared dataset on disk: prepared.json vouches for the files beside it, so it goes first and comes last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors.numpy import save_file

from assay.data.preparation.cleaning import SPLITS
from assay.files import replacing, sha256, write_json

FILES = ("arrays.safetensors", "items.parquet")
"""What every kind of data has."""


def begin(out: Path) -> None:
    """Make the folder, and take away what would vouch for files that are about to be written."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "prepared.json").unlink(missing_ok=True)


def write_arrays(out: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays.safetensors."""
    with replacing(out / "arrays.safetensors") as aside:
        save_file(arrays, aside)


def write_items(out: Path, schema: pa.Schema, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
    """Write items.parquet: one row of facts an item, the table that validation reads."""
    with replacing(out / "items.parquet") as aside:
        pq.write_table(pa.table(columns, schema=schema), aside)


def seal(
    out: Path,
    facts: dict[str, Any],
    *,
    upstream: NDArray[np.str_],
    split: NDArray[np.str_],
    strategy: str,
    given: str = "upstream",
    vocabularies: Iterable[str] = (),
    optimum: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Write prepared.json and return what it holds.

    Args:
        facts: of the data, the dataset's name first.
        upstream: (M,) the split of each item as upstream names it, ``""`` where it names none.
        split: (M,) the split that is used.
        strategy: how what ``upstream`` does not name was held out.
        given: what gives the split that ``upstream`` holds.
        vocabularies: names of the files beside ``FILES``.
        optimum: the best value that any model can have, by metric, where it is known.
    """
    files = {name: sha256(out / name) for name in (*FILES, *vocabularies)}
    origin = _origin(upstream, split, strategy, given)
    prepared = {"status": "ok", "reason": "", **facts, "split": origin, "files": files}
    if optimum:
        prepared["optimum"] = dict(optimum)
    write_json(out / "prepared.json", prepared)
    return prepared


def _origin(upstream: NDArray[np.str_], split: NDArray[np.str_], strategy: str, given: str) -> dict[str, Any]:
    """Return where validation and test come from, by which strategy, and how many items of each split of upstream's
    are in which."""
    origins = {name: given if name in upstream else "drawn" for name in ("validation", "test")}
    return {
        **origins,
        "strategy": strategy if "drawn" in origins.values() else given,
        "items": {
            named: {used: int(((upstream == named) & (split == used)).sum()) for used in SPLITS}
            for named in SPLITS
            if named in upstream
        },
    }
