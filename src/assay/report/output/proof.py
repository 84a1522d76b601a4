# SPDX-License-Identifier: Apache-2.0
"""The proof of each number: the code, data and host that produced it, its cost, and the commands that reproduce it.

One JSON value for all variants of a report. What repeats (hosts, package versions, specs, data, the training that
several methods share) is stored once and referred to by its position in a list.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from assay.paths import UNCOMPRESSED
from assay.report.results.collect import Phase, Variant

NAMES = ("task", "model", "seed", "method", "suite")
"""The keys of a spec that identify a variant; the others are equal over seeds."""
SHARED = ("code", "host", "software", "spec", "data")
"""Parts of a job that are stored once: the job holds a position in the list of that name."""
COLUMNS = ("phase", "status", "seconds", "peak_memory_bytes", "finished", "files", *SHARED)
"""The columns of the jobs, which are stored as rows: as repeated keys they would be a third of all bytes."""


def proofs(suite: str, variants: Sequence[Variant]) -> dict[str, Any]:
    """Return the proofs of all variants, fit for JSON.

    Returns:
        ``variants``: name (task/model/seed or task/model/seed/method) -> ``jobs`` (positions in ``jobs``, in the
        order in which they ran), ``commands``, ``from_scratch`` (the command that makes it in a clone without
        results) and, if a method compressed the output of another one, ``source`` (that variant's name). ``jobs``:
        one row per phase, with the columns of ``columns``; ``files`` is name -> SHA-256, and the last columns are
        positions in the lists ``code`` (commit, dirty), ``host``, ``software`` (python, packages, lock), ``spec``
        (parameters without names and seed) and ``data`` (file -> SHA-256). What was not recorded is null.
    """
    lists: dict[str, Places] = {name: Places() for name in (*SHARED, "jobs")}
    found = {}
    for each in variants:
        phases = zip(_phase_names(each), each.phases, strict=True)
        jobs = [lists["jobs"].of(_job(name, phase, lists)) for name, phase in phases]
        lines = {"commands": commands(suite, each), "from_scratch": from_scratch(suite, each)}
        found[name_of(each)] = {"jobs": jobs, **lines, **_source(each)}
    return {"variants": found, "columns": COLUMNS, **{name: places.values for name, places in lists.items()}}


def proof(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the proof of one variant from the result of ``proofs``, with its references resolved."""
    row = table["variants"][name]
    jobs = [dict(zip(table["columns"], table["jobs"][place], strict=True)) for place in row["jobs"]]
    return {**row, "jobs": [job | {key: table[key][job[key]] for key in SHARED} for job in jobs]}


def name_of(variant: Variant, method: str | None = None) -> str:
    """Return a variant's name as ``assay verify`` takes it, or that of its cell under another method."""
    last = variant.method if method is None else method
    parts = [variant.task, variant.model, variant.seed, *([] if last == UNCOMPRESSED else [last])]
    return "/".join(parts)


def commands(suite: str, variant: Variant) -> list[str]:
    """Return the shell commands that reproduce a variant and compare it with the project's result.

    The commit is that of its last phase: Snakemake reruns a phase whose code has changed since.
    """
    measured = variant.phases[-1].measured
    checkout = [f"git checkout {shlex.quote(str(measured['commit']))}"] if measured.get("commit") else []
    return [*checkout, f"assay verify {shlex.quote(name_of(variant))} --suite {shlex.quote(suite)}"]


def from_scratch(suite: str, variant: Variant) -> str:
    """Return the shell command that makes a variant without existing results, including its data and warm start."""
    selection = {"suite": suite, "tasks": variant.task, "models": variant.model}
    words = [shlex.quote(f"{key}={name}") for key, name in selection.items()]
    return f"snakemake --cores all --config {' '.join(words)}"


class Places:
    """A list of distinct JSON values, in the order of first use."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def of(self, value: Any) -> int:
        """Return the position of a value, which is appended if it is new."""
        place = self._places.setdefault(json.dumps(value, sort_keys=True), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place


def _phase_names(variant: Variant) -> list[str]:
    return ["train", *([] if variant.method == UNCOMPRESSED else ["compress"]), "evaluate"]


def _source(variant: Variant) -> dict[str, str]:
    return {"source": name_of(variant, variant.source)} if variant.source not in ("", UNCOMPRESSED) else {}


def _job(name: str, phase: Phase, lists: Mapping[str, Places]) -> list[Any]:
    """Return the row of one phase, its shared parts as positions in ``lists``."""
    measured = phase.measured
    seconds = measured.get("seconds")
    own = [
        name,
        phase.status,
        round(seconds, 3) if isinstance(seconds, float) else seconds,
        measured.get("peak_memory_bytes"),
        measured.get("finished"),
        dict(phase.files),
    ]
    parts = {
        "code": {key: measured.get(key) for key in ("commit", "dirty")},
        "host": measured.get("host"),
        "software": {
            "python": measured.get("python"),
            "packages": measured.get("versions"),
            "lock": measured.get("lock"),
        },
        "spec": {key: value for key, value in phase.spec.items() if key not in NAMES},
        "data": dict(phase.data),
    }
    return [*own, *(lists[key].of(parts[key]) for key in SHARED)]
