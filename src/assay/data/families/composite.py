# SPDX-License-Identifier: Apache-2.0
"""Datasets made of other datasets: each part keeps its own folder of files, and its split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import Dataset, Files, Source


@dataclass(frozen=True, kw_only=True)
class Composite(Dataset):
    """A dataset whose files are those of its parts, in ``raw/<part>``."""

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
        files = {}
        for name, part in self.parts.items():
            (raw / name).mkdir(parents=True, exist_ok=True)
            for file, facts in part.fetch(raw / name, mirror=mirror).items():
                files[f"{name}/{file}"] = facts
        return files

    def make_twin(self, raw: Path, seed: int) -> None:
        for name, part in self.parts.items():
            (raw / name).mkdir(parents=True, exist_ok=True)
            part.make_twin(raw / name, seed)


def source(name: str, parts: Mapping[str, Files], quirks: str) -> Source:
    """Return the source of a dataset of these parts."""
    sources = {name: part.source for name, part in parts.items()}
    return Source(
        name=name,
        files=tuple(file for each in sources.values() for file in each.files),
        licence="; ".join(f"{part}: {each.licence}" for part, each in sources.items()),
        citation=" ".join(each.citation for each in sources.values()),
        published=max(each.published for each in sources.values()),
        homepage=next(iter(sources.values())).homepage,
        quirks=quirks,
    )
