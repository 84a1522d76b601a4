# SPDX-License-Identifier: Apache-2.0
"""Whether a record can be trusted: it was made as params.yaml requests, by the current code, from the current records,
and its files are unchanged.

Other records are made again. Snakemake alone would miss them: it compares what it remembers about a job, not the files
in the job's folder, and ``git checkout``, ``dvc checkout`` or a person may have put other files there.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from assay import paths
from assay.files import sha256, write_text
from assay.pipeline.rule_functions import Graph, Job
from assay.provenance import measurement, records, snakemake_metadata

PROVEN = Path(".assay/proven.json")
SETTLED_NS = 10**9
"""A file that changed less than a second ago may change again with the same modification time."""
_PROVEN = TypeAdapter(dict[str, list[str]])
COMPUTED = ("tune", "train", "compress", "evaluate")
"""Phases whose jobs write measured.json next to their record."""


@dataclass(frozen=True)
class Problem:
    """Why a record cannot be trusted."""

    text: str
    kind: Literal["ended", "differs", "damaged"] = "differs"
    """ended: the job failed; differs: params.yaml, the code or an earlier record changed; damaged: a file changed."""


def _sha256(path: str) -> str:
    with suppress(OSError):
        return sha256(Path(path))
    return ""


def problems(job: Job, digest_of: Callable[[str], str] = _sha256) -> list[Problem]:
    """Return why a job's record cannot be trusted; empty if it can, or if there is no record."""
    path = Path(job.record)
    if not path.exists():
        return []
    try:
        record = records.read(path)
    except ValueError as error:
        return [Problem(str(error), kind="damaged")]
    if record["status"] not in records.ENDED_WELL:
        return [Problem(f"{record['status']} last time", kind="ended")]
    return [*_differences(job, record, digest_of), *_damage(job, record)]


def _differences(job: Job, record: Mapping[str, Any], digest_of: Callable[[str], str]) -> Iterator[Problem]:
    if record.get("dataset", job.name) != job.name:
        yield Problem(f"it belongs to {record['dataset']}")
    requested = job.request.get("spec")
    if requested is not None:
        yield from map(Problem, changes(record.get("spec", {}), json.loads(requested)))
    if record["code"] != job.request["code"]:
        yield Problem("its code changed")
    digests = [digest_of(earlier) for earlier in job.made_from]
    if len(digests) != len(record["made_from"]):
        yield Problem("it was made from other records")
    for earlier, now, then in zip(job.made_from, digests, record["made_from"], strict=False):
        if now != then:
            yield Problem(f"{earlier} changed")


def _damage(job: Job, record: dict[str, Any]) -> Iterator[Problem]:
    path = Path(job.record)
    for wrong in records.changed(path.parent, record):
        yield Problem(f"{wrong}: does not have the digest in {path.name}", kind="damaged")
    if job.phase in COMPUTED and record["status"] == records.OK:
        try:
            measurement.read(path)
        except ValueError as error:
            yield Problem(str(error), kind="damaged")
    docs = job.request.get("docs")
    if docs and record["status"] == records.OK and not Path(docs, "index.html").is_file():
        yield Problem(f"{docs}: its page is missing", kind="damaged")


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield a text for each value that differs, with keys such as ``training.learning_rate``."""
    old, new = dict(_flat(before)), dict(_flat(now))
    for key in dict.fromkeys([*old, *new]):
        if json.dumps(old.get(key)) != json.dumps(new.get(key)) or (key in old) != (key in new):
            yield f"{key}: {old.get(key)} is now {new.get(key)}"


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and (value or not prefix):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


class Proofs:
    """A cache of the records that were proven, keyed by the size, times and inodes of the files that were read.

    The files are not read again while these stay the same; ``assay verify --files`` reads everything.
    """

    def __init__(self, path: Path = PROVEN) -> None:
        self.path = path
        self.began = time.time_ns()
        self.stamps: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.is_new = False
        self.fresh: list[Job] = []
        """Jobs whose records were proven by reading all of their files."""
        self.proven: dict[str, list[str]] = {}
        with suppress(OSError, ValueError):
            self.proven = _PROVEN.validate_json(path.read_bytes())

    def problems(self, job: Job) -> list[Problem]:
        """Return why a job's record cannot be trusted, as :func:`problems` does."""
        request = hashlib.sha256(repr(job.request).encode()).hexdigest()
        kept = self.proven.get(job.record)
        if kept and kept[0] == request and kept[1] == self._stamp(job, kept[2:]):
            return []
        found = problems(job, self.sha256)
        self.is_new |= self.proven.pop(job.record, None) is not None
        record = None if found else records.find(Path(job.record))
        if record is None:
            return found
        self.fresh.append(job)
        names = [*records.digests(record)]
        if job.phase in COMPUTED and record["status"] == records.OK:
            names.append(paths.MEASURED)
        if stamp := self._stamp(job, names):
            self.proven[job.record] = [request, stamp, *names]
            self.is_new = True
        return []

    def save(self) -> None:
        """Write the cache for the next run."""
        if self.is_new:
            write_text(self.path, json.dumps(self.proven))

    def sha256(self, path: str) -> str:
        """Return a file's digest, read once; "" if there is no such file."""
        if path not in self.digests:
            self.digests[path] = _sha256(path)
        return self.digests[path]

    def _stamp(self, job: Job, names: Iterable[str]) -> str:
        """Return a digest of the stat of all files read to prove a job; "" if one may still change unnoticed."""
        folder = os.path.dirname(job.record)  # noqa: PTH120 (pathlib takes ten times as long)
        stamps = [self._of(job.record), *(self._of(f"{folder}/{name}") for name in names)]
        stamps.append(self._of(str(snakemake_metadata.place(job.record))) or "unknown")
        for path in job.made_from:
            if path not in self.stamps:
                self.stamps[path] = self._of(path)
            stamps.append(self.stamps[path])
        return hashlib.sha256(" ".join(stamps).encode()).hexdigest() if all(stamps) else ""

    def _of(self, path: str) -> str:
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError:
            return ""
        if found.st_ctime_ns > self.began - SETTLED_NS:
            return ""
        return f"{found.st_size},{found.st_mtime_ns},{found.st_ctime_ns},{found.st_ino}"


def invalidate(graph: Graph) -> list[str]:
    """Make Snakemake rerun the jobs whose records cannot be trusted; return a line for each damaged file.

    The folder's lock must be held: an active run would rerun the jobs that are marked here.
    """
    proofs = Proofs()
    found = {job.record: proofs.problems(job) for job in [*graph.jobs, graph.report_job]}
    for job in proofs.fresh:
        snakemake_metadata.agree(
            job.record, job.request, {path: proofs.sha256(path) for path in job.made_from}
        )
    found[str(graph.verdict)] = _verdict_problems(graph.verdict)
    snakemake_metadata.doubt(record for record, problems in found.items() if problems)
    proofs.save()
    return [problem.text for problems in found.values() for problem in problems if problem.kind == "damaged"]


def _verdict_problems(verdict: Path) -> list[Problem]:
    try:
        records.sealed(verdict, dict)
    except ValueError as error:
        return [Problem(str(error), kind="damaged")] if verdict.exists() else []
    return []
