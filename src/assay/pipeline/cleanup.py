# SPDX-License-Identifier: Apache-2.0
"""Remove results that params.yaml no longer requests from the versioned folders, since DVC's persisted outs keep them.

Nothing is deleted: files move to ``.assay/replaced``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from assay import paths
from assay.config.matrix import Matrix
from assay.config.params import Params
from assay.files import replaced, set_aside
from assay.provenance import snakemake_metadata

OF_DATASETS = (paths.RAW, paths.PREPARED, paths.VALIDATED, paths.DATA_DOCS)
VERSIONED = (*OF_DATASETS, paths.TUNED, paths.TRAINED, paths.COMPRESSED, paths.EVALUATED)
OWN = (Path("data/own"), Path("data/expectations"))
"""What users bring; Git or DVC tracks it."""
KEPT = {Path(paths.VALIDATED).with_name(snakemake_metadata.MADE)}


def sweep(params: Params) -> None:
    """Move the files and folders that no suite of ``params`` holds, with a line on stderr for each.

    The top folders are created if missing: DVC needs each, even if a suite reads or writes nothing there.
    """
    for folder in (*OWN, *(Path(template.partition("/{")[0]) for template in VERSIONED)):
        folder.mkdir(parents=True, exist_ok=True)
    aside = replaced()
    for path in list(leftovers(params)):
        set_aside(path, aside)
        print(f"{path}: not in params.yaml; moved to {aside}", file=sys.stderr)


def leftovers(params: Params) -> Iterator[Path]:
    """Yield the folders and files of datasets, cells and variants that no suite of ``params`` holds."""
    held = {Path(name) for suite in params.suites for name in _held(Matrix(params, suite))}
    for template in VERSIONED:
        yield from sorted(path for path in Path().glob(_any(template)) if path not in held | KEPT)


def _held(matrix: Matrix) -> Iterator[str]:
    for dataset in (*matrix.datasets, *matrix.prepared):
        for template in OF_DATASETS:
            yield template.format(dataset=dataset)
    yield from map(matrix.tuning_folder, matrix.tuned)
    yield from map(matrix.trained, matrix.cells)
    for variant in matrix.variants:
        yield matrix.compressed(variant)
        yield matrix.evaluated(variant)


def _any(template: str) -> str:
    """Return the glob pattern of a template's paths, excluding hidden files."""
    fields = dict.fromkeys(("suite", "dataset", "task", "model", "seed", "method"), "[!.]*")
    return template.format(**fields)
