# SPDX-License-Identifier: Apache-2.0
"""The graph of a model that answers for a user's items, made at the first call and kept in ``.assay/predict``.

A graph is kept with the digests of the two records that it depends on: that of the model, and that of its prepared
dataset. If either changes, or the graph's bytes, it is made again. So later calls import neither PyTorch nor the
dataset. Also kept is why a model has no graph, so that it is not tried again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.files import replacing, write_json

FOLDER = Path(".assay/predict")
FORM = 1
"""The version of what is kept."""


@dataclass(frozen=True)
class Kept:
    """What is known of a model after its first call."""

    declared: dict[str, Any]
    """What the reader needs of the dataset's declaration."""
    graph: bytes | None
    """None if the model has none that is a fixed function of its inputs."""
    reason: str = ""
    """Why there is no graph."""


def find(folder: Path, *records: Path) -> Kept | None:
    """Return what is kept of a model, None if there is nothing or something has changed.

    Args:
        folder: the folder of the model; its path names what is kept.
        records: the files on which the graph depends.
    """
    place = FOLDER / folder
    try:
        facts = json.loads((place / "kept.json").read_bytes())
        if facts["key"] != key(*records):
            return None
        graph = (place / "model.onnx").read_bytes() if facts["graph"] else None
        if graph is not None and hashlib.sha256(graph).hexdigest() != facts["graph"]:
            return None
        return Kept(facts["declared"], graph, facts["reason"])
    except (OSError, ValueError, KeyError, TypeError):  # an interrupted call, or another version
        return None


def keep(folder: Path, kept: Kept, *records: Path) -> None:
    """Keep what is known of a model, if the folder can be written to; the arguments are those of :func:`find`."""
    place = FOLDER / folder
    facts = {"key": key(*records), "declared": kept.declared, "graph": "", "reason": kept.reason}
    with contextlib.suppress(OSError):
        if kept.graph is not None:
            facts["graph"] = hashlib.sha256(kept.graph).hexdigest()
            with replacing(place / "model.onnx") as aside:
                aside.write_bytes(kept.graph)
        write_json(place / "kept.json", facts)


def key(*records: Path) -> str:
    """Return one digest of the contents of files."""
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in records]
    return hashlib.sha256(" ".join([str(FORM), *digests]).encode()).hexdigest()


def made(folder: Path, records: tuple[Path, ...], make: Callable[[], Kept]) -> Kept:
    """Return what is kept of a model; if there is nothing, make it and keep it."""
    kept = find(folder, *records)
    if kept is None:
        kept = make()
        keep(folder, kept, *records)
    return kept
