# SPDX-License-Identifier: Apache-2.0
"""What a run would do and why, computed from the records, without Snakemake."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assay.pipeline import trust
from assay.pipeline.rule_functions import Graph, Job
from assay.provenance import measurement, records


@dataclass(frozen=True)
class Planned:
    """A job that would run, and why."""

    job: Job
    reasons: tuple[str, ...]


def plan(graph: Graph) -> tuple[list[Job], list[Planned]]:
    """Return all jobs of the phases before the report, and those that would run, each after its dependencies."""
    proofs = trust.Proofs()
    due: dict[str, Planned] = {}
    for job in graph.jobs:
        reasons = tuple(_reasons(job, proofs, due))
        if reasons:
            due[job.record] = Planned(job, reasons)
    return graph.jobs, list(due.values())


def _reasons(job: Job, proofs: trust.Proofs, due: Mapping[str, Planned]) -> Iterator[str]:
    """Yield the reasons why a job would run; none if it would not."""
    record = Path(job.record)
    if not record.exists():
        earlier = records.find(records.aside(record))
        yield f"{earlier['status']} last time" if earlier else "new"
        return
    yield from (problem.text for problem in proofs.problems(job))
    yield from (f"{due[path].job.phase} runs" for path in job.made_from if path in due)


@dataclass(frozen=True)
class Expected:
    """The expected cost of the jobs of a phase, estimated from earlier jobs; None if there were none."""

    jobs: int
    seconds: float | None
    size_bytes: int | None


def expected(jobs: list[Job], planned: list[Planned]) -> dict[str, Expected]:
    """Return the expected cost of each phase.

    A job is expected to cost the mean of the other seeds of its row, or else the mean of its phase.
    """
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    sizes: dict[str, list[int]] = defaultdict(list)
    for job in jobs:
        if job.phase not in trust.COMPUTED:
            continue
        record = Path(job.record)
        with suppress(ValueError):
            took = float(measurement.read(record)["seconds"])
            seconds[job.phase, job.name].append(took)
            sizes[job.phase].append(sum(path.lstat().st_size for path in record.parent.iterdir()))
    costs: dict[str, Expected] = {}
    for phase in dict.fromkeys(each.job.phase for each in planned):
        rows = [each.job for each in planned if each.job.phase == phase]
        earlier = [value for (other, _), values in seconds.items() if other == phase for value in values]
        if not earlier:
            costs[phase] = Expected(len(rows), None, None)
            continue
        usual = statistics.fmean(earlier)
        each_row = [statistics.fmean(seconds.get((phase, job.name), [usual])) for job in rows]
        costs[phase] = Expected(len(rows), sum(each_row), round(statistics.fmean(sizes[phase]) * len(rows)))
    return costs
