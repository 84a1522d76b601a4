# SPDX-License-Identifier: Apache-2.0
"""Ingest a dataset: upstream's bytes, unchanged, in ``data/raw/<dataset>/``; of a twin, generated ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from assay.config import registry
from assay.data import loading
from assay.files import sha256
from assay.pipeline.stages.arguments import parse
from assay.provenance import records, snakemake_metadata

TWIN_SEED = 0
NOT_DATA = ("source.json", snakemake_metadata.MADE)


def ingest(dataset: str, raw: Path) -> dict[str, Any]:
    """Fetch or generate a dataset's files into ``raw`` and return the facts that source.json keeps."""
    entry = loading.load(dataset)
    raw.mkdir(parents=True, exist_ok=True)
    if dataset.endswith(registry.TWIN):
        entry.make_twin(raw, TWIN_SEED)
        files = {
            str(path.relative_to(raw)): {
                "url": "generated",
                "size": path.stat().st_size,
                "sha256": sha256(path),
            }
            for path in sorted(raw.rglob("*"))
            if path.is_file() and path.name not in NOT_DATA and not path.name.startswith(".")
        }
    else:
        files = entry.fetch(raw, mirror=os.environ.get("ASSAY_MIRROR"))
    told = {key: getattr(entry.source, key) for key in ("licence", "citation", "homepage", "quirks")}
    return {"files": files, **told}


def main(argv: list[str]) -> int:
    """Ingest the dataset that ``argv`` names; how it ended stands in the record."""
    arguments = parse(argv, "ingest", __doc__, "dataset", "--code", "--out", "--log")
    twin = arguments.dataset.endswith(registry.TWIN)

    records.keep(
        arguments.out,
        "ingest",
        lambda: ingest(arguments.dataset, arguments.out.parent),
        code=arguments.code,
        dataset=arguments.dataset,
        twin=twin,
    )
    arguments.log.write_text(arguments.out.read_text(encoding="utf-8"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
