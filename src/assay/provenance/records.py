# SPDX-License-Identifier: Apache-2.0
"""Status records: every job writes one, however it ends, so that no cell breaks the graph.

A record is deterministic; measurements that vary from run to run (seconds, memory, host) go into measured.json.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from assay.files import sha256, write_json
from assay.provenance.urls import redacted

OK = "ok"
SKIPPED = "skipped"
FAILED = "failed"
ENDED_WELL = (OK, SKIPPED)
TRACEBACK_LINES = 12
"""The number of lines from the end of a traceback that a record keeps."""
SEAL = "sha256"
"""The key of the digest of a record's other facts, so that an edit by hand is not accepted as a result."""
FORM = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
"""Each class below lists the facts that other code relies on; a record may hold more."""


class Ended(TypedDict):
    """The facts in every record, however its job ended."""

    __pydantic_config__ = FORM  # type: ignore[misc]
    phase: str
    status: str
    reason: str
    traceback: str
    code: str
    """Digest of the package's files that the job ran."""
    made_from: list[str]
    """Digests of the records that the job read."""


class RawFile(TypedDict):
    """A file of raw data."""

    url: str | None
    size: int
    sha256: str


class Ingested(Ended):
    """source.json."""

    dataset: str
    twin: bool
    files: dict[str, RawFile]


class Prepared(Ended):
    """prepared.json."""

    dataset: str
    spec: dict[str, Any]
    files: dict[str, str]
    counts: dict[str, Any]


class Validated(Ended):
    """The gate's result."""

    dataset: str
    data: str


class Artifact(TypedDict):
    """How a model is stored on disk."""

    __pydantic_config__ = FORM  # type: ignore[misc]
    format: str
    target: str
    arguments: dict[str, Any]
    parameters: int


class Reported(Ended):
    """report.json."""

    spec: dict[str, Any]
    files: dict[str, str]


class Evaluated(Reported):
    """status.json of an evaluated variant."""

    data: dict[str, str]


class Modelled(Evaluated):
    """status.json next to a model."""

    artifact: Artifact


class Tuned(Reported):
    """status.json of a row's search for hyperparameters."""

    data: dict[str, str]
    chosen: dict[str, Any]
    trials: int


class Trained(Modelled):
    """status.json of a trained cell."""

    train_items: int | None
    best_epoch: int
    epochs: int


class Compressed(Modelled):
    """status.json of a compressed variant."""

    cell: dict[str, Any]
    trials: list[dict[str, Any]]


FORMS: dict[str, Any] = {
    "ingest": Ingested,
    "prepare": Prepared,
    "validate": Validated,
    "tune": Tuned,
    "train": Trained,
    "compress": Compressed,
    "evaluate": Evaluated,
    "report": Reported,
}
"""The record of a successful job, by phase."""


class EndsAs(Exception):  # noqa: N818 - it is not always an error
    """Raised by work that ends with a specific status, such as ``skipped`` or ``diverged``."""

    status = FAILED


class Skip(EndsAs):
    """A combination that cannot work; the message is the reason that the report prints."""

    status = SKIPPED


class Upstream(Exception):  # noqa: N818 - it carries an earlier job's end
    """An earlier job that this one needs did not succeed; its record becomes this job's record."""

    def __init__(self, record: dict[str, Any]) -> None:
        super().__init__(record["reason"])
        self.record = record


def aside(record: Path) -> Path:
    """Return the path where a failed record is kept, out of the way of the next run."""
    return record.with_name(f"{record.stem}.failed.json")


def read(path: Path) -> dict[str, Any]:
    """Return the record at ``path``.

    Raises:
        ValueError: there is no valid record; one line.
    """
    record = sealed(path, Ended)
    if record["status"] == OK:
        _check(path, FORMS.get(record["phase"], Ended), record)
    return record


def sealed(path: Path, form: Any) -> dict[str, Any]:
    """Return the record that :func:`write` wrote to ``path``.

    Args:
        form: the TypedDict that it must fit.

    Raises:
        ValueError: there is no such file, or it was changed after it was written; one line.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ValueError(f"{path}: not found; run the suite, or assay restore") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; run the suite, or assay restore") from None
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"not valid JSON: {error}") from None
    facts = _check(path, form, found)
    if facts.get(SEAL) != _digest(facts):
        raise _unusable(path, "edited after its job wrote it")
    return facts


def _check(path: Path, form: Any, value: Any) -> dict[str, Any]:
    try:
        _adapter(form).validate_python(value)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise _unusable(path, f"{'.'.join(map(str, found['loc']))} {found['msg']}".strip()) from None
    facts: dict[str, Any] = value
    return facts


def find(path: Path) -> dict[str, Any] | None:
    """Return the record at ``path``; None if there is none, or an invalid one."""
    try:
        return read(path)
    except ValueError:
        return None


def _unusable(path: Path, reason: str) -> ValueError:
    line = " ".join(reason.split())
    return ValueError(f"{path}: not a valid record ({line}); the next run makes it again")


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a record with the digest of its facts."""
    facts = json.loads(json.dumps(record))  # as they will be read: numeric keys become text
    write_json(path, {**facts, SEAL: _digest(facts)})


def _digest(record: dict[str, Any]) -> str:
    facts = {name: value for name, value in record.items() if name != SEAL}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def require(path: Path, *phases: str) -> dict[str, Any]:
    """Return the record at ``path``, of a job of one of ``phases``.

    Raises:
        Upstream: the job that wrote it did not succeed.
        ValueError: it is not such a record; one line.
    """
    record = read(path)
    if record["status"] != OK:
        raise Upstream(record)
    if record["phase"] not in phases:
        raise _unusable(path, f"it is of the phase {record['phase']}")
    return record


def require_intact(path: Path, *phases: str) -> dict[str, Any]:
    """Return the record at ``path`` as :func:`require` does, after checking the digests of its files.

    Raises:
        Upstream: the job that wrote it did not succeed.
        ValueError: a file does not have the recorded digest; one line.
    """
    record = require(path, *phases)
    for wrong in changed(path.parent, record):
        raise ValueError(f"{wrong}: does not have the digest in {path.name}; the next run makes it again")
    return record


def digests(record: dict[str, Any]) -> dict[str, str]:
    """Return the SHA-256 digests of a record's files, by name."""
    files = record.get("files", {})
    return {name: fact["sha256"] if isinstance(fact, dict) else fact for name, fact in files.items()}


def changed(folder: Path, record: dict[str, Any]) -> list[Path]:
    """Return the files of a record's folder that are missing or have another digest."""
    paths = {folder / name: digest for name, digest in digests(record).items()}
    return [path for path, digest in paths.items() if not path.is_file() or sha256(path) != digest]


def keep(
    out: Path,
    phase: str,
    work: Callable[[], dict[str, Any]],
    *,
    code: str,
    made_from: Iterable[Path] = (),
    died: int | None = None,
    **facts: Any,
) -> None:
    """Run ``work`` and write its record to ``out``: the facts that it returns, or how it failed.

    Args:
        out: the path of the record.
        phase: the phase of the job.
        work: returns facts for the record.
        code: digest of the code that this job runs.
        made_from: earlier records, whose digests this one holds: a change of a record changes all records that
            follow from it, and a rule need name only the nearest.
        died: the signal that killed an earlier attempt of this job; recorded instead of running ``work``.
        facts: the request; it is in the record however the work ends.
    """
    earlier = [sha256(path) if path.is_file() else "" for path in made_from]
    ending = {"phase": phase, "reason": "", "traceback": "", "code": code, "made_from": earlier, **facts}
    try:
        record = ending | _killed(died) if died else {**ending, "status": OK, **work()}
    except Upstream as upstream:
        kept = {key: upstream.record.get(key, "") for key in ("status", "phase", "reason", "traceback")}
        record = ending | kept
    except Exception as error:
        record = ending | _failure(error)
    try:
        write(out, record)
    except (ValueError, TypeError) as error:  # a fact that JSON cannot hold
        record = {"phase": phase, "traceback": "", "code": code, "made_from": earlier, **_failure(error)}
        write(out, record)
    if record["status"] in ENDED_WELL:
        aside(out).unlink(missing_ok=True)
    else:
        print(f"{phase}: {record['status']}: {record['reason']}\n{record['traceback']}", file=sys.stderr)


def _killed(number: int) -> dict[str, str]:
    if number == signal.SIGALRM:
        return {
            "status": "timed out",
            "reason": "it took longer than limits.cell_minutes in params.yaml allows",
        }
    hint = "; the kernel does that when memory runs out" if number == signal.SIGKILL else ""
    return {"status": "killed", "reason": f"its process was ended by signal {number}{hint}"}


def _failure(error: Exception) -> dict[str, str]:
    """Return how work failed; a user's error (a ValueError, one line) needs no traceback."""
    status = error.status if isinstance(error, EndsAs) else FAILED
    reason = redacted(" ".join(str(error).split())) or type(error).__name__
    if (
        isinstance(error, MemoryError)
        or "can't allocate memory" in reason
        or "out of memory" in reason.lower()
    ):
        status = "out of memory"
    if status != FAILED or type(error) is ValueError:
        return {"status": status, "reason": reason}
    lines = redacted("".join(traceback.format_exception(error))).replace(f"{Path.cwd()}/", "").splitlines()
    return {
        "status": status,
        "reason": f"{type(error).__name__}: {reason}",
        "traceback": "\n".join(lines[-TRACEBACK_LINES:]),
    }
