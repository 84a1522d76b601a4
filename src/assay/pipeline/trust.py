# SPDX-License-Identifier: Apache-2.0
"""Whether a record is what it says: made as params.yaml requests, by the code that lies here, from the records and with
the files that lie here.

What is not, is made again. Snakemake alone would miss it: it compares what it remembers of a job, not what lies in
the job's folder, and ``git checkout``, ``dvc checkout`` or a person may have put other files there.
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
"""A file that changed less than a second ago may change again without another time of change."""
_PROVEN = TypeAdapter(dict[str, list[str]])
COMPUTED = ("train", "compress", "evaluate")
"""Phases whose jobs leave measured.json beside their record."""


@dataclass(frozen=True)
class Fault:
    """Why a record is not what it says."""

    text: str
    kind: Literal["ended", "differs", "damaged"] = "differs"
    """The job did not end well; params.yaml, the code or an earlier record is another; a file was changed or cut."""


def _sha256(path: str) -> str:
    with suppress(OSError):
        return sha256(Path(path))
    return ""


def faults(job: Job, digest_of: Callable[[str], str] = _sha256) -> list[Fault]:
    """Return why a job's record is not what it says; nothing if it is, or if there is no record."""
    path = Path(job.record)
    if not path.exists():
        return []
    try:
        record = records.read(path)
    except ValueError as fault:
        return [Fault(str(fault), kind="damaged")]
    if record["status"] not in records.ENDED_WELL:
        return [Fault(f"{record['status']} last time", kind="ended")]
    return [*_differences(job, record, digest_of), *_damage(job, record)]


def _differences(job: Job, record: Mapping[str, Any], digest_of: Callable[[str], str]) -> Iterator[Fault]:
    if record.get("dataset", job.name) != job.name:
        yield Fault(f"it is of {record['dataset']}")
    requested = job.asked.get("spec")
    if requested is not None:
        yield from map(Fault, changes(record.get("spec", {}), json.loads(requested)))
    if record["code"] != job.asked["code"]:
        yield Fault("its code changed")
    digests = [digest_of(earlier) for earlier in job.made_from]
    if len(digests) != len(record["made_from"]):
        yield Fault("it was made from other records")
    for earlier, now, then in zip(job.made_from, digests, record["made_from"], strict=False):
        if now != then:
            yield Fault(f"{earlier} changed")


def _damage(job: Job, record: dict[str, Any]) -> Iterator[Fault]:
    path = Path(job.record)
    for wrong in records.changed(path.parent, record):
        yield Fault(f"{wrong}: not the bytes that {path.name} names", kind="damaged")
    if job.phase in COMPUTED and record["status"] == records.OK:
        try:
            measurement.read(path)
        except ValueError as fault:
            yield Fault(str(fault), kind="damaged")
    docs = job.asked.get("docs")
    if docs and record["status"] == records.OK and not Path(docs, "index.html").is_file():
        yield Fault(f"{docs}: its page is gone", kind="damaged")


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield the knobs that differ, with keys such as ``training.learning_rate``."""
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
    """Remembers which records were proven, by the size, times and inodes of the files that were read for it.

    What they say is not read again while these stay the same; ``assay verify --files`` reads everything.
    """

    def __init__(self, path: Path = PROVEN) -> None:
        self.path = path
        self.began = time.time_ns()
        self.stamps: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.is_new = False
        self.fresh: list[Job] = []
        """Jobs whose records were proven by reading all that they name."""
        self.proven: dict[str, list[str]] = {}
        with suppress(OSError, ValueError):
            self.proven = _PROVEN.validate_json(path.read_bytes())

    def faults(self, job: Job) -> list[Fault]:
        """Return why a job's record is not what it says, as :func:`faults`."""
        request = hashlib.sha256(repr(job.asked).encode()).hexdigest()
        kept = self.proven.get(job.record)
        if kept and kept[0] == request and kept[1] == self._stamp(job, kept[2:]):
            return []
        found = faults(job, self.sha256)
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
        """Keep what was proven for the next time."""
        if self.is_new:
            write_text(self.path, json.dumps(self.proven))

    def sha256(self, path: str) -> str:
        """Return a file's digest, read once; "" where there is no such file."""
        if path not in self.digests:
            self.digests[path] = _sha256(path)
        return self.digests[path]

    def _stamp(self, job: Job, names: Iterable[str]) -> str:
        """Return what the file system says of all that was read to prove a job; "" where it may change unseen."""
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


def have_made_again(graph: Graph) -> list[str]:
    """Have Snakemake run the jobs whose records are not what they say; return a line for each damaged file.

    The folder's lock must be held: what is marked here, a run that is at work would run again.
    """
    proofs = Proofs()
    found = {job.record: proofs.faults(job) for job in [*graph.jobs, graph.report_job]}
    for job in proofs.fresh:
        snakemake_metadata.agree(job.record, job.asked, {path: proofs.sha256(path) for path in job.made_from})
    found[str(paths.VERDICT)] = _verdict_faults()
    snakemake_metadata.doubt(record for record, faults in found.items() if faults)
    proofs.save()
    return [fault.text for faults in found.values() for fault in faults if fault.kind == "damaged"]


def _verdict_faults() -> list[Fault]:
    try:
        records.sealed(paths.VERDICT, dict)
    except ValueError as fault:
        return [Fault(str(fault), kind="damaged")] if paths.VERDICT.exists() else []
    return []
