"""Build the report of a suite from what its jobs left; nothing here computes a result anew."""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assay import catalogue, layout, measuring
from assay.files import write_json
from assay.matrix import Matrix, select
from assay.params import load_params
from assay.report import build, metrics_by_row
from assay.report.compare import since_last


def tasks_of(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the tasks that ran, each with its primary metric, that metric's direction and its controls."""
    found = []
    for name in matrix.tasks:
        kind = matrix.kind(name)
        module = catalogue.load(kind.module)
        rows = [row for row in matrix.models if matrix.params.models[row].model in kind.controls]
        found.append(
            {
                "name": name,
                "dataset": matrix.dataset(name),
                "primary": module.PRIMARY.name,
                "direction": module.PRIMARY.direction,
                "metric": module.PRIMARY,
                "watched": module.WATCHED.name,
                "controls": rows,
            }
        )
    return found


def models_of(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the rows of models that ran, each with its family and whether its fit depends on the seed."""
    entries = {name: matrix.family(name) for name in matrix.models}
    return [{"name": name, "family": entry.family, "seeded": entry.seeded} for name, entry in entries.items()]


def variants_of(matrix: Matrix) -> list[dict[str, Any]]:
    """Return what was planned, each with the folders of its phases."""
    return [
        {
            **asdict(variant),
            "family": matrix.family(variant.model).family,
            "source": None if variant.method == layout.UNCOMPRESSED else matrix.source(variant).method,
            "trained": Path(matrix.trained(variant.cell)),
            "compressed": Path(matrix.compressed(variant)),
            "evaluated": Path(matrix.evaluated(variant)),
        }
        for variant in matrix.variants
    ]


def provenance_of(matrix: Matrix) -> dict[str, Any]:
    """Return how the run was made: commit, commands, digest of the params, how knobs were chosen."""
    return {
        **measuring.commit(),
        "commands": [f"snakemake --cores all --config suite={matrix.suite}"],
        "params": hashlib.sha256(layout.PARAMS.read_bytes()).hexdigest(),
        "lock": measuring.lock() or "",
        "tuning": matrix.params.budget,
    }


def main(argv: list[str]) -> int:
    """Build the report of the suite that ``argv`` names."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--models", default="")
    parser.add_argument("--out", type=Path, required=True, help="the page; tables go beside it")
    arguments = parser.parse_args(argv)
    matrix = select(
        load_params(layout.PARAMS), suite=arguments.suite, tasks=arguments.tasks, models=arguments.models
    )
    reports = arguments.out.parent
    names = matrix.datasets
    build(
        suite=matrix.suite,
        variants=variants_of(matrix),
        tasks=tasks_of(matrix),
        models=models_of(matrix),
        reports=reports,
        raw={name: Path(layout.RAW.format(dataset=name)) for name in names},
        prepared={name: Path(layout.PREPARED.format(dataset=name)) for name in names},
        validated={name: Path(layout.VALIDATED.format(dataset=name)) for name in names},
        provenance=provenance_of(matrix),
        since=since_last,
    )
    write_json(reports / "metrics.json", metrics_by_row(reports / "tables" / "matrix.csv"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
