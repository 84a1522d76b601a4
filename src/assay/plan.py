"""What a run would do and why, before it does it: read from what Snakemake knows of each job, without Snakemake."""

from __future__ import annotations

import ast
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assay import knowledge, layout, records
from assay.files import read_json, sha256
from assay.graph import Graph

COMPUTED = ("train", "compress", "evaluate")


@dataclass(frozen=True)
class Job:
    """One job as the rules ask for it."""

    phase: str
    name: str
    """What the phase is done to, without the seed: ``digits/mlp/int8``."""
    record: Path
    inputs: tuple[Path, ...]
    asked: Mapping[str, str]
    """As :class:`assay.graph.Graph` has it."""
    changed: tuple[Path, ...] = ()
    """Files it made that have other bytes now."""


@dataclass(frozen=True)
class Planned:
    """A job that would run, and why."""

    job: Job
    reasons: tuple[str, ...]


def plan(graph: Graph) -> tuple[list[Job], list[Planned]]:
    """Return all jobs of the phases before the report, and those that would run, causes before what follows."""
    jobs = list(_jobs(graph))
    due: dict[Path, Planned] = {}
    for job in jobs:
        reasons = tuple(_reasons(job, due))
        if reasons:
            due[job.record] = Planned(job, reasons)
    return jobs, list(due.values())


def _jobs(graph: Graph) -> Iterator[Job]:
    matrix = graph.matrix
    for dataset in matrix.datasets:
        named = SimpleNamespace(dataset=dataset)
        raw = Path(layout.RAW.format(dataset=dataset), "source.json")
        prepared = Path(layout.PREPARED.format(dataset=dataset), "prepared.json")
        validated = Path(layout.VALIDATED.format(dataset=dataset))
        yield Job("ingest", dataset, raw, (), graph.asked_to_ingest(named), tuple(records.changed(raw)))
        yield Job("prepare", dataset, prepared, (raw,), graph.asked_to_prepare(named))
        yield Job("validate", dataset, validated, (prepared,), graph.asked_to_validate(named))
    for cell in matrix.cells:
        record = Path(matrix.trained(cell), layout.STATUS)
        inputs = _paths(graph.train_from(cell))
        yield Job("train", f"{cell.task}/{cell.model}", record, inputs, graph.asked_to_train(cell))
    for each in matrix.variants:
        name = f"{each.task}/{each.model}/{each.method}"
        if each.method != layout.UNCOMPRESSED:
            record = Path(matrix.compressed(each), layout.STATUS)
            source = (Path(graph.compress_from(each)),)
            yield Job("compress", name, record, source, graph.asked_to_compress(each))
        record = Path(matrix.evaluated(each), layout.STATUS)
        yield Job("evaluate", name, record, _paths(graph.evaluate_from(each)), graph.asked_to_evaluate(each))


def _paths(named: Mapping[str, str | list[str]]) -> tuple[Path, ...]:
    lists = ([each] if isinstance(each, str) else each for each in named.values())
    return tuple(Path(name) for names in lists for name in names)


def _reasons(job: Job, due: Mapping[Path, Planned]) -> Iterator[str]:
    """Yield why a job would run; nothing if it would not."""
    if not job.record.is_file():
        aside = records.aside(job.record)
        yield f"{read_json(aside)['status']} last time" if aside.is_file() else "never made"
        return
    place = knowledge.place(str(job.record))
    known = read_json(place) if place.is_file() else {}
    told = [ast.literal_eval(value) for value in known.get("params", [])]
    asked = next((each for each in told if isinstance(each, dict)), {} if told else job.asked)
    yield from _changes(_spec(asked), _spec(job.asked))
    if job.asked["code"] != asked.get("code"):
        yield "its code changed"
    for path in job.changed:
        yield f"{path} is not what was ingested"
    sums = known.get("input_checksums", {})
    for path in job.inputs:
        if path in due:
            yield f"{due[path].job.phase} runs"
        elif str(path) in sums and sums[str(path)] != f"sha256:{_sha256(path)}":
            yield f"{path} changed"


def _spec(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the spec of what a job is asked, with keys such as ``training.learning_rate``."""
    return dict(_flat(json.loads(asked.get("spec", "{}"))))


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*before, *now]):
        if before.get(key) != now.get(key):
            yield f"{key}: {before.get(key)} is now {now.get(key)}"


@cache
def _sha256(path: Path) -> str:
    return sha256(path) if path.is_file() else ""


@dataclass(frozen=True)
class Expected:
    """What the jobs of a phase would take, by what earlier ones took; None where there were none."""

    jobs: int
    seconds: float | None
    size_bytes: int | None


def expected(jobs: list[Job], planned: list[Planned]) -> dict[str, Expected]:
    """Return what each phase would take.

    A job is expected to take what the other seeds of its row took, or else what its phase took on average.
    """
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    sizes: dict[str, list[int]] = defaultdict(list)
    for job in jobs:
        measured = job.record.with_name(layout.MEASURED)
        if job.phase in COMPUTED and measured.is_file():
            seconds[job.phase, job.name].append(float(read_json(measured)["seconds"]))
            sizes[job.phase].append(sum(path.stat().st_size for path in job.record.parent.iterdir()))
    told: dict[str, Expected] = {}
    for phase in dict.fromkeys(each.job.phase for each in planned):
        rows = [each.job for each in planned if each.job.phase == phase]
        earlier = [value for (other, _), values in seconds.items() if other == phase for value in values]
        if not earlier:
            told[phase] = Expected(len(rows), None, None)
            continue
        usual = statistics.fmean(earlier)
        each_row = [statistics.fmean(seconds.get((phase, job.name), [usual])) for job in rows]
        told[phase] = Expected(len(rows), sum(each_row), round(statistics.fmean(sizes[phase]) * len(rows)))
    return told
