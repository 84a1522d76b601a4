"""Datasets made of other datasets: the files of each part lie in a folder of its own, and its split stays its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from assay.data.declarations import Source
from assay.data.preparation import text


def source(name: str, parts: Mapping[str, ModuleType], quirks: str) -> Source:
    """Return where a dataset of these parts comes from."""
    modules = list(parts.values())
    return Source(
        name=name,
        files=tuple(file for module in modules for file in module.SOURCE.files),
        licence="; ".join(f"{part}: {module.SOURCE.licence}" for part, module in parts.items()),
        citation=" ".join(module.SOURCE.citation for module in modules),
        homepage=modules[0].SOURCE.homepage,
        quirks=quirks,
    )


def fetch(parts: Mapping[str, ModuleType], raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring the files of every part into ``raw/<part>``; return their addresses, sizes and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    found = {}
    for part, module in parts.items():
        (raw / part).mkdir(parents=True, exist_ok=True)
        for file, facts in module.fetch(raw / part, mirror=mirror).items():
            found[f"{part}/{file}"] = facts
    return found


def make_twins(parts: Mapping[str, ModuleType], raw: Path, seed: int) -> None:
    """Write the twin of every part into ``raw/<part>``."""
    for part, module in parts.items():
        (raw / part).mkdir(parents=True, exist_ok=True)
        module.make_twin(raw / part, seed)


def clean_and_split(module: ModuleType, raw: Path, seed: int, validation_fraction: float) -> text.Cleaned:
    """Return the texts of a labelled part, cleaned and split as that dataset itself does with these arguments.

    Raises:
        ValueError: a file of the part is not as it should be.
    """
    return text.clean_and_split(
        module.read(raw),
        dataset=module.SOURCE.name,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=module.TEST_FRACTION,
    )
