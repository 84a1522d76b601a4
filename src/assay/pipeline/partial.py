# SPDX-License-Identifier: Apache-2.0
"""Build reports/partial.html from what has finished, outside both graphs and without a lock.

A run does so now and then (src/snakemake_logger_plugin_assay); ``assay report --partial`` at any moment.
"""

from __future__ import annotations

import os
import sys

from assay import paths
from assay.config.matrix import Matrix, select
from assay.config.params import load_params
from assay.files import sha256
from assay.pipeline.stages.arguments import parse
from assay.pipeline.stages.report import inputs_of
from assay.report import partial

ATTEMPTS = 3
"""A run may replace a file while it is read."""
NICENESS = 19


def build(matrix: Matrix) -> str:
    """Write reports/partial.html and return how much of the matrix has finished, in one line.

    Raises:
        ValueError: a run changed the files again and again while they were read; one line.
    """
    for _ in range(ATTEMPTS):
        try:
            ended, planned = partial.build(paths.PARTIAL, **inputs_of(matrix, sha256(paths.PARAMS)))
        except (OSError, ValueError) as error:
            failure = error
        else:
            return f"{paths.PARTIAL}: {ended} of {planned} variants have finished"
    raise ValueError(f"{paths.PARTIAL}: not built, the results changed while they were read: {failure}")


def main(argv: list[str]) -> int:
    """Build the page for the run at work, at the lowest priority."""
    arguments = parse(argv, "partial", __doc__, "--params", "--suite", "--tasks", "--models")
    os.nice(NICENESS)
    params = load_params(arguments.params)
    matrix = select(params, suite=arguments.suite, tasks=arguments.tasks, models=arguments.models)
    print(build(matrix))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
