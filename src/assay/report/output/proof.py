# SPDX-License-Identifier: Apache-2.0
"""The proof of each number: what made it, of what, where, how long that took, and the commands that make it again.

One JSON value for all variants of a report. What repeats (hosts, package versions, specs, data, the training that
several methods share) stands in it once, and is referred to by its place in a list.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from assay.paths import UNCOMPRESSED
from assay.report.results.collect import Phase, Variant

NAMES = ("task", "model", "seed", "method", "suite")
"""What a spec says of which variant it is; the rest is equal over seeds."""
SHARED = ("code", "host", "software", "spec", "data")
"""Parts of a job that are stored once: its value is a place in the list of that name."""
COLUMNS = ("phase", "status", "seconds", "peak_memory_bytes", "finished", "files", *SHARED)
"""Of a job, which is a row: its keys, spelt out, would be a third of all bytes."""


def proofs(suite: str, variants: Sequence[Variant]) -> dict[str, Any]:
    """Return the proofs of all variants, fit for JSON.

    Returns:
        ``variants``: name (task/model/seed or task/model/seed/method) -> ``jobs`` (places in ``jobs``, in the order
        in which they ran), ``commands``, ``anew`` (the command that makes it in a clone without results) and, where
        a method was given what another one left, ``source`` (that variant's name). ``jobs``: rows, what one phase
        left, under the names of ``columns``; of them ``files`` is name -> SHA-256, and the last ones are places in
        the lists ``code`` (commit, dirty), ``host``, ``software`` (python, packages, lock), ``spec`` (parameters
        without names and seed) and ``data`` (file -> SHA-256). What was not recorded is null.
    """
    lists: dict[str, Places] = {name: Places() for name in (*SHARED, "jobs")}
    found = {}
    for each in variants:
        phases = zip(_phase_names(each), each.phases, strict=True)
        jobs = [lists["jobs"].of(_job(name, phase, lists)) for name, phase in phases]
        told = {"commands": commands(suite, each), "anew": anew(suite, each)}
        found[name_of(each)] = {"jobs": jobs, **told, **_source(each)}
    return {"variants": found, "columns": COLUMNS, **{name: places.values for name, places in lists.items()}}


def proof(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return one variant of what ``proofs`` returned, with everything it refers to in its place."""
    row = table["variants"][name]
    jobs = [dict(zip(table["columns"], table["jobs"][place], strict=True)) for place in row["jobs"]]
    return {**row, "jobs": [job | {key: table[key][job[key]] for key in SHARED} for job in jobs]}


def name_of(variant: Variant, method: str | None = None) -> str:
    """Return a variant's name as ``assay verify`` takes it, or that of its cell under another method."""
    last = variant.method if method is None else method
    parts = [variant.task, variant.model, variant.seed, *([] if last == UNCOMPRESSED else [last])]
    return "/".join(parts)


def commands(suite: str, variant: Variant) -> list[str]:
    """Return the shell's lines that make a variant again and compare it with what stands in the project.

    The commit is that of its last phase: Snakemake runs a phase again whose code has changed since.
    """
    measured = variant.phases[-1].measured
    checkout = [f"git checkout {shlex.quote(str(measured['commit']))}"] if measured.get("commit") else []
    return [*checkout, f"assay verify {shlex.quote(name_of(variant))} --suite {shlex.quote(suite)}"]


def anew(suite: str, variant: Variant) -> str:
    """Return the shell's line that makes a variant where no results are, with its data and what it starts from."""
    asked = {"suite": suite, "tasks": variant.task, "models": variant.model}
    words = [shlex.quote(f"{key}={name}") for key, name in asked.items()]
    return f"snakemake --cores all --config {' '.join(words)}"


class Places:
    """A list of different JSON values, each in the place of its first use."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def of(self, value: Any) -> int:
        """Return the place of a value, which is put at the end if it is not there."""
        place = self._places.setdefault(json.dumps(value, sort_keys=True), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place


def _phase_names(variant: Variant) -> list[str]:
    return ["train", *([] if variant.method == UNCOMPRESSED else ["compress"]), "evaluate"]


def _source(variant: Variant) -> dict[str, str]:
    return {"source": name_of(variant, variant.source)} if variant.source not in ("", UNCOMPRESSED) else {}


def _job(name: str, phase: Phase, lists: Mapping[str, Places]) -> list[Any]:
    """Return what one phase left, its repeated parts as places in ``lists``."""
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
