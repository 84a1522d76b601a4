# SPDX-License-Identifier: Apache-2.0
"""Validate a prepared dataset: the gate. Nothing trains on data that fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from assay.config import registry
from assay.data import expectations_file, loading, validation
from assay.files import sha256
from assay.pipeline.stages.arguments import parse
from assay.provenance import records


def check(dataset: str, prepared: Path, docs: Path, further: Path | None) -> dict[str, Any]:
    """Check a dataset's items against its expectations, and those in the file ``further``."""
    facts = records.require_intact(prepared, "prepare")
    path = prepared.parent / "items.parquet"
    declared = loading.of_prepared(facts)
    expectations = declared.expectations(facts["counts"])
    if further:
        expectations += expectations_file.read(further)
    result = validation.validate(
        pd.read_parquet(path),
        expectations,
        dataset=dataset,
        file=str(further or registry.file_of(facts["spec"]["family"])),
        docs=docs,
    )
    return {**result, "data": sha256(path)}


def main(argv: list[str]) -> int:
    """Validate the dataset that ``argv`` names; the record holds its status."""
    arguments = parse(
        argv,
        "validate",
        __doc__,
        "dataset",
        "--prepared",
        "--expectations",
        "--docs",
        "--code",
        "--out",
        "--died",
    )
    further = Path(arguments.expectations) if arguments.expectations else None
    records.keep(
        arguments.out,
        "validate",
        lambda: check(arguments.dataset, arguments.prepared, arguments.docs, further),
        code=arguments.code,
        made_from=[arguments.prepared],
        died=arguments.died,
        dataset=arguments.dataset,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
