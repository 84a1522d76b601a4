# SPDX-License-Identifier: Apache-2.0
"""What a run says of itself to whoever shows it: src/snakemake_logger_plugin_assay, through Snakemake's log.

Other loggers print nothing of these records, because they have no message.
"""

from __future__ import annotations

import logging
import statistics
import sys
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from assay import paths
from assay.pipeline import trust
from assay.pipeline.rule_functions import Graph
from assay.pipeline.worker import client
from assay.provenance import measurement

LOGGER = logging.getLogger("snakemake.logging")


def introduce(graph: Graph) -> None:
    """Log where the run's report goes, and the command that builds a partial one meanwhile."""
    matrix = graph.matrix
    chosen = (f"--tasks={','.join(matrix.only_tasks)}", f"--models={','.join(matrix.only_models)}")
    partial = ("assay.pipeline.partial", "--params", str(paths.RUN_PARAMS), "--suite", matrix.suite, *chosen)
    command = [sys.executable, "-S", "-E", str(client.__file__), *partial]
    run = {"page": str(graph.reports / "index.html"), "partial": command}
    LOGGER.info(None, extra={"assay_run": run})


def expect(graph: Graph, records: Collection[str]) -> None:
    """Log the jobs that a run begins with: record -> the job's row and the seconds that it is expected to take.

    A job is expected to take the mean of the earlier jobs of its row, its own last one included; None without any.

    Args:
        records: the paths of the records that will be made.
    """
    due = [job for job in graph.jobs if job.record in records and job.phase in trust.COMPUTED]
    rows = {(job.phase, job.name) for job in due}
    took: dict[tuple[str, str], list[float]] = defaultdict(list)
    for job in graph.jobs:
        if (job.phase, job.name) in rows:
            with suppress(ValueError):
                seconds = float(measurement.read(Path(job.record))["seconds"])
                took[job.phase, job.name].append(seconds)
    means = {row: statistics.fmean(each) for row, each in took.items()}
    expected = {job.record: (f"{job.phase} {job.name}", means.get((job.phase, job.name))) for job in due}
    LOGGER.info(None, extra={"assay_expected": expected})
