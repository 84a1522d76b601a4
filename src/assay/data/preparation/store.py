# SPDX-License-Identifier: Apache-2.0
"""A prepared dataset on disk: prepared.json has the other files' digests, so it is removed first and written last."""

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
"""The files of every kind of data."""


def begin(out: Path) -> None:
    """Make the folder, and remove prepared.json, which would not match the files about to be written."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "prepared.json").unlink(missing_ok=True)


def write_arrays(out: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays.safetensors."""
    with replacing(out / "arrays.safetensors") as aside:
        save_file(arrays, aside)


def write_items(out: Path, schema: pa.Schema, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
    """Write items.parquet, the table that validation reads: one row of facts per item."""
    with replacing(out / "items.parquet") as aside:
        pq.write_table(pa.table(columns, schema=schema), aside)


def with_origins(schema: pa.Schema, origins: Mapping[str, NDArray[Any]]) -> pa.Schema:
    """Return the columns of items.parquet with those of groups and times after the split."""
    fields = list(schema)
    place = schema.get_field_index("split") + 1
    own = [pa.field(fact, pa.array(values[:0]).type) for fact, values in origins.items()]
    return pa.schema([*fields[:place], *own, *fields[place:]])


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
    """Write prepared.json and return its contents.

    Args:
        facts: the facts of the data, the dataset's name first.
        upstream: (M,) upstream's split of each item, ``""`` if it has none.
        split: (M,) the split that is used.
        strategy: how the items without a split in ``upstream`` were held out.
        given: the origin of ``upstream``.
        vocabularies: the names of the files besides ``FILES``.
        optimum: the best value that any model can reach, by metric, if it is known.
    """
    files = {name: sha256(out / name) for name in (*FILES, *vocabularies)}
    origin = _origin(upstream, split, strategy, given)
    prepared = {"status": "ok", "reason": "", **facts, "split": origin, "files": files}
    if optimum:
        prepared["optimum"] = dict(optimum)
    write_json(out / "prepared.json", prepared)
    return prepared


def _origin(upstream: NDArray[np.str_], split: NDArray[np.str_], strategy: str, given: str) -> dict[str, Any]:
    """Return the origin of validation and test, the strategy, and the number of items for each upstream and actual
    split."""
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
