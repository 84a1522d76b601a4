# SPDX-License-Identifier: Apache-2.0
"""Datasets made of other datasets: the files of each part lie in a folder of its own, and its split stays its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import Dataset, Files, Source


@dataclass(frozen=True, kw_only=True)
class Composite(Dataset):
    """A dataset that has no files but those of its parts, in ``raw/<part>``."""

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
        found = {}
        for name, part in self.parts.items():
            (raw / name).mkdir(parents=True, exist_ok=True)
            for file, facts in part.fetch(raw / name, mirror=mirror).items():
                found[f"{name}/{file}"] = facts
        return found

    def make_twin(self, raw: Path, seed: int) -> None:
        for name, part in self.parts.items():
            (raw / name).mkdir(parents=True, exist_ok=True)
            part.make_twin(raw / name, seed)


def source(name: str, parts: Mapping[str, Files], quirks: str) -> Source:
    """Return where a dataset of these parts comes from."""
    sources = {name: part.source for name, part in parts.items()}
    return Source(
        name=name,
        files=tuple(file for each in sources.values() for file in each.files),
        licence="; ".join(f"{part}: {each.licence}" for part, each in sources.items()),
        citation=" ".join(each.citation for each in sources.values()),
        homepage=next(iter(sources.values())).homepage,
        quirks=quirks,
    )
