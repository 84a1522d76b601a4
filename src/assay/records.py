"""Status records: what a job leaves however it ends, so that no cell breaks the graph.

A record is equal from run to run; what cannot be equal (seconds, memory, host) goes beside it into measured.json.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from assay.files import read_json, sha256, write_json

OK = "ok"
SKIPPED = "skipped"
FAILED = "failed"
TRACEBACK_LINES = 12
"""How much of the end of a traceback a record keeps."""


class EndsAs(Exception):  # noqa: N818 - it is not always an error
    """Raised by work that ends with a status of its own, such as ``skipped`` or ``diverged``."""

    status = FAILED


class Skip(EndsAs):
    """A combination that cannot work; the message is the reason that the report prints."""

    status = SKIPPED


class Upstream(Exception):  # noqa: N818 - it carries an earlier job's end
    """What this job needs did not end well; its record becomes this job's record."""

    def __init__(self, record: dict[str, Any]) -> None:
        super().__init__(record["reason"])
        self.record = record


def aside(record: Path) -> Path:
    """Return where a record that is not fine is kept as evidence, out of the way of the next try."""
    return record.with_name(f"{record.stem}.failed.json")


def require(path: Path) -> dict[str, Any]:
    """Return the record at ``path``.

    Raises:
        Upstream: the job that left it did not end well.
    """
    record: dict[str, Any] = read_json(path)
    if record["status"] != OK:
        raise Upstream(record)
    return record


def require_whole(path: Path) -> dict[str, Any]:
    """Return the record at ``path``, whose files have the bytes that it names.

    Raises:
        Upstream: the job that left it did not end well.
        ValueError: a file has other bytes; one line.
    """
    record = require(path)
    for wrong in changed(path):
        raise ValueError(f"{wrong}: not the bytes that {path.name} names; delete {path.parent} and run again")
    return record


def changed(record: Path) -> list[Path]:
    """Return the files beside a record that do not have the bytes it names; none if there is no record."""
    files = read_json(record).get("files", {}) if record.is_file() else {}
    digests = {name: fact["sha256"] if isinstance(fact, dict) else fact for name, fact in files.items()}
    paths = {record.parent / name: digest for name, digest in digests.items()}
    return [path for path, digest in paths.items() if not path.is_file() or sha256(path) != digest]


def keep(
    out: Path,
    phase: str,
    work: Callable[[], dict[str, Any]],
    *,
    made_from: Iterable[Path] = (),
    died: int | None = None,
    **facts: Any,
) -> None:
    """Do ``work`` and leave its record at ``out``: what it returns, or how it failed.

    Args:
        out: where the record goes.
        phase: the phase that the record names.
        work: what is done; returns facts for the record.
        made_from: earlier records; their digests stand in this one, so that what changes a record changes all
            that follow from it, and a rule need name only the nearest.
        died: the signal that ended an earlier try of this job, which is then recorded instead.
        facts: what was asked; stands in the record however the work ends.
    """
    digests = [sha256(path) if path.is_file() else "" for path in made_from]
    ending = {"phase": phase, "reason": "", "traceback": "", "made_from": digests, **facts}
    try:
        record = ending | _killed(died) if died else {**ending, "status": OK, **work()}
    except Upstream as upstream:
        kept = {key: upstream.record.get(key, "") for key in ("status", "phase", "reason", "traceback")}
        record = ending | kept
    except Exception as fault:
        record = ending | _failure(fault)
    write_json(out, record)
    if record["status"] not in (OK, SKIPPED):
        print(f"{phase}: {record['status']}: {record['reason']}\n{record['traceback']}", file=sys.stderr)


def _killed(number: int) -> dict[str, str]:
    if number == signal.SIGALRM:
        return {
            "status": "timed out",
            "reason": "it took longer than limits.cell_minutes of params.yaml allows",
        }
    hint = "; the kernel does that when memory runs out" if number == signal.SIGKILL else ""
    return {"status": "killed", "reason": f"its process was ended by signal {number}{hint}"}


def _failure(fault: Exception) -> dict[str, str]:
    """Return how work failed; a user's mistake (ValueError family, told in one line) needs no traceback."""
    status = getattr(fault, "status", FAILED) if isinstance(fault, EndsAs) else FAILED
    reason = " ".join(str(fault).split()) or type(fault).__name__
    if (
        isinstance(fault, MemoryError)
        or "can't allocate memory" in reason
        or "out of memory" in reason.lower()
    ):
        status = "out of memory"
    if status != FAILED or type(fault) is ValueError:
        return {"status": status, "reason": reason}
    lines = "".join(traceback.format_exception(fault)).replace(f"{Path.cwd()}/", "").splitlines()
    return {
        "status": status,
        "reason": f"{type(fault).__name__}: {reason}",
        "traceback": "\n".join(lines[-TRACEBACK_LINES:]),
    }
