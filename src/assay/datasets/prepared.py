"""A prepared dataset on disk: prepared.json vouches for the files beside it, so it goes first and comes last."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save_file

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


def seal(
    out: Path,
    facts: dict[str, Any],
    *,
    vocabularies: Iterable[str] = (),
    optimum: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Write prepared.json and return what it holds.

    Args:
        facts: of the data, the dataset's name first.
        vocabularies: names of the files beside ``FILES``.
        optimum: the best value that any model can have, by metric, where it is known.
    """
    files = {name: sha256(out / name) for name in (*FILES, *vocabularies)}
    prepared = {"status": "ok", "reason": "", **facts, "files": files}
    if optimum:
        prepared["optimum"] = optimum
    write_json(out / "prepared.json", prepared)
    return prepared
