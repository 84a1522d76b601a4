# SPDX-License-Identifier: Apache-2.0
"""Prepare a dataset: clean it, split it, and compute its normalisation from the training items."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from assay.data import loading
from assay.data.preparation import croissant
from assay.pipeline.stages.arguments import parse
from assay.provenance import records


def prepare(spec: dict[str, Any], source: Path, out: Path) -> dict[str, Any]:
    """Prepare the raw files next to ``source`` into ``out`` and return the facts for prepared.json."""
    ingested, raw = records.require_intact(source, "ingest"), source.parent
    prepared = loading.of_spec(spec).prepare(
        raw, out, seed=spec["split_seed"], validation_fraction=spec["validation_fraction"]
    )
    return croissant.add(raw, out, ingested, prepared)


def main(argv: list[str]) -> int:
    """Prepare the dataset that ``argv`` names; the record holds its status."""
    arguments = parse(argv, "prepare", __doc__, "dataset", "--spec", "--source", "--code", "--out")
    records.keep(
        arguments.out,
        "prepare",
        lambda: prepare(arguments.spec, arguments.source, arguments.out.parent),
        code=arguments.code,
        made_from=[arguments.source],
        dataset=arguments.dataset,
        spec=arguments.spec,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
