# SPDX-License-Identifier: Apache-2.0
"""What Snakemake knows of a job travels with the job's files.

Snakemake keeps in ``.snakemake/metadata`` the params and the digests of inputs that each output was made with, and
re-runs what differs. A clone has the files but not that knowledge; so each folder of outputs holds it too, in
``made.json``, from which :mod:`assay.pipeline.restore` gives it back.
"""

from __future__ import annotations

import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NotRequired

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from assay.files import read_json, write_json

METADATA = Path(".snakemake/metadata")
INCOMPLETE = Path(".snakemake/incomplete")
MADE = "made.json"
LONGEST_NAME = 255
DOUBTED = {"external_jobid": None, "doubted_by": "assay"}
"""Marks an output as incomplete, and the mark as ours."""


class _Known(TypedDict):
    """Snakemake's record of an output, as its own class MetadataRecord has it."""

    __pydantic_config__ = ConfigDict(extra="allow", strict=True)  # type: ignore[misc]
    rule: NotRequired[str | None]
    input: NotRequired[list[str] | None]
    log: NotRequired[list[str] | None]
    shellcmd: NotRequired[str | None]
    params: NotRequired[list[Any] | None]
    code: NotRequired[str | None]
    record_format_version: NotRequired[int]
    conda_env: NotRequired[str | None]
    container_img_url: NotRequired[str | None]
    software_stack_hash: NotRequired[str | None]
    job_hash: NotRequired[int | None]
    starttime: NotRequired[float | None]
    endtime: NotRequired[float | None]
    incomplete: NotRequired[bool | None]
    external_jobid: NotRequired[str | None]
    input_checksums: NotRequired[dict[str, Any] | None]


_ADAPTER = TypeAdapter(_Known)


def pack(jobs: Iterable[Sequence[str]]) -> None:
    """Write what is known of jobs, each given by its outputs, to ``made.json`` beside its first output."""
    for outputs in jobs:
        known = {name: record for name in outputs if (record := read(place(name)))}
        path = Path(outputs[0]).parent / MADE
        before = packed(path)
        if any(before.get(name) != record for name, record in known.items()):
            write_json(path, before | known)


def pack_folders(folders: Container[Path]) -> None:
    """Write what is known of all outputs in these folders to the ``made.json`` of each."""
    outputs: dict[Path, list[str]] = defaultdict(list)
    for name in map(_output, METADATA.rglob("*")):
        if Path(name).parent in folders and Path(name).exists():
            outputs[Path(name).parent].append(name)
    pack(outputs.values())


def _output(record: Path) -> str:
    """Return the output that one of Snakemake's records is about, "" if it is about none."""
    parts = record.relative_to(METADATA).parts
    with suppress(ValueError):
        return urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
    return ""


def read(path: Path) -> dict[str, Any]:
    """Return Snakemake's record of an output, {} where it has none or one that it could not read either."""
    with suppress(OSError, ValueError):
        return _valid(read_json(path))
    return {}


def packed(made: Path) -> dict[str, dict[str, Any]]:
    """Return what a ``made.json`` holds: output -> Snakemake's record; without what is not such a record."""
    with suppress(OSError, ValueError):
        found = read_json(made)
        if isinstance(found, dict):
            return {name: record for name, value in found.items() if (record := _valid(value))}
    return {}


def _valid(value: Any) -> dict[str, Any]:
    try:
        _ADAPTER.validate_python(value)
    except ValidationError:
        return {}
    record: dict[str, Any] = value
    return record


def unpack(made: Path) -> None:
    """Give Snakemake what a ``made.json`` holds."""
    INCOMPLETE.mkdir(parents=True, exist_ok=True)  # else Snakemake takes this for an old format
    for name, record in packed(made).items():
        path = place(name)
        if read(path) != record:
            write_json(path, record)


def agree(output: str, asked: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    """Have Snakemake know how an output was made that lies here as it should, where it remembers another one.

    Args:
        output: path of a record that was proven.
        asked: the rule's ``params.asked``.
        inputs: path -> SHA-256 digest of records that the job read.
    """
    made = Path(output).parent / MADE
    names = packed(made)
    for name in {output, *names}:
        if (path := place(name)).is_file() and not read(path):
            path.unlink()  # Snakemake would stop at it
    if not _fits(read(place(output)), asked, inputs) and _fits(names.get(output, {}), asked, inputs):
        unpack(made)


def _fits(record: Mapping[str, Any], asked: Mapping[str, str], inputs: Mapping[str, str]) -> bool:
    sums = record.get("input_checksums") or {}
    return repr(dict(asked)) in (record.get("params") or ()) and all(
        sums.get(path, f"sha256:{digest}") == f"sha256:{digest}" for path, digest in inputs.items()
    )


def doubt(outputs: Iterable[str]) -> None:
    """Mark these outputs as not what their jobs made: Snakemake runs them again; earlier marks are taken away."""
    marks = {place(output, INCOMPLETE) for output in outputs}
    for mark in INCOMPLETE.rglob("*") if INCOMPLETE.is_dir() else ():
        if mark not in marks and mark.is_file() and _content(mark) == DOUBTED:
            mark.unlink()
    for mark in marks:
        if _content(mark) != DOUBTED:
            write_json(mark, DOUBTED)


def _content(path: Path) -> Any:
    with suppress(OSError, ValueError):
        return read_json(path)
    return None


def not_later_than_now(paths: Iterable[str]) -> None:
    """Take files of the future back to now: a clock was set back, and Snakemake fails each job that reads them.

    Nothing is lost by it: what changed is told by content here, not by times.
    """
    for path in map(Path, paths):
        if path.exists() and path.stat().st_mtime > time.time():
            os.utime(path)


def place(output: str, folder: Path = METADATA) -> Path:
    """Return the file in which Snakemake 9 keeps what it knows of an output, or that it is incomplete."""
    name = urlsafe_b64encode(output.encode()).decode()
    parts = [name[start : start + LONGEST_NAME - 1] for start in range(0, len(name), LONGEST_NAME - 1)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
