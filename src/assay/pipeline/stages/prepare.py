"""Prepare a dataset: cleaned, split, with the normalisation that its training items give."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from assay.data import loading
from assay.provenance import records


def prepare(dataset: str, spec: dict[str, Any], source: Path, out: Path) -> dict[str, Any]:
    """Prepare ``source``'s folder into ``out`` and return the facts that prepared.json keeps."""
    records.require_whole(source, "ingest")
    return loading.load(dataset).prepare(
        source.parent, out, seed=spec["split_seed"], validation_fraction=spec["validation_fraction"]
    )


def main(argv: list[str]) -> int:
    """Prepare the dataset that ``argv`` names; how it ended stands in the record."""
    parser = argparse.ArgumentParser(prog="prepare", description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--spec", type=json.loads, required=True, help="how it is split, as JSON")
    parser.add_argument("--source", type=Path, required=True, help="source.json of the raw files")
    parser.add_argument("--code", required=True, help="digest of the files that this job runs")
    parser.add_argument("--out", type=Path, required=True, help="prepared.json, beside which the arrays go")
    arguments = parser.parse_args(argv)
    records.keep(
        arguments.out,
        "prepare",
        lambda: prepare(arguments.dataset, arguments.spec, arguments.source, arguments.out.parent),
        code=arguments.code,
        made_from=[arguments.source],
        dataset=arguments.dataset,
        spec=arguments.spec,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
