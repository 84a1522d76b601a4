# SPDX-License-Identifier: Apache-2.0
"""Store Snakemake's metadata next to a job's outputs, so that clones have it too.

Snakemake keeps the params and the digests of inputs of each output in ``.snakemake/metadata`` and reruns jobs whose
values differ. A clone has the files but not this metadata, so each folder of outputs also holds it, in ``made.json``,
from which :mod:`assay.pipeline.restore` restores it.
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
"""The content of a file that marks an output as incomplete, recognisable as ours."""


class _Known(TypedDict):
    """Snakemake's record of an output, with the fields of its class MetadataRecord."""

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
    """Write the metadata of jobs, each given by its outputs, to ``made.json`` next to its first output."""
    for outputs in jobs:
        known = {name: record for name in outputs if (record := read(place(name)))}
        path = Path(outputs[0]).parent / MADE
        before = packed(path)
        if any(before.get(name) != record for name, record in known.items()):
            write_json(path, before | known)


def pack_folders(folders: Container[Path]) -> None:
    """Write the metadata of all outputs in these folders to the ``made.json`` of each."""
    outputs: dict[Path, list[str]] = defaultdict(list)
    for name in map(_output, METADATA.rglob("*")):
        if Path(name).parent in folders and Path(name).exists():
            outputs[Path(name).parent].append(name)
    pack(outputs.values())


def _output(record: Path) -> str:
    """Return the output of one of Snakemake's records, "" if its name is not valid."""
    parts = record.relative_to(METADATA).parts
    with suppress(ValueError):
        return urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
    return ""


def read(path: Path) -> dict[str, Any]:
    """Return Snakemake's record of an output, {} if there is none or an invalid one."""
    with suppress(OSError, ValueError):
        return _valid(read_json(path))
    return {}


def packed(made: Path) -> dict[str, dict[str, Any]]:
    """Return the valid records of a ``made.json``: output -> Snakemake's record."""
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
    """Restore Snakemake's metadata from a ``made.json``."""
    INCOMPLETE.mkdir(parents=True, exist_ok=True)  # without it, Snakemake assumes an old format
    for name, record in packed(made).items():
        path = place(name)
        if read(path) != record:
            write_json(path, record)


def agree(output: str, request: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    """Restore Snakemake's metadata of a proven output if Snakemake remembers another version of it.

    Args:
        output: path of a record that was proven.
        request: the rule's ``params.request``.
        inputs: path -> SHA-256 digest of the records that the job read.
    """
    made = Path(output).parent / MADE
    names = packed(made)
    for name in {output, *names}:
        if (path := place(name)).is_file() and not read(path):
            path.unlink()  # Snakemake would fail on it
    if not _fits(read(place(output)), request, inputs) and _fits(names.get(output, {}), request, inputs):
        unpack(made)


def _fits(record: Mapping[str, Any], request: Mapping[str, str], inputs: Mapping[str, str]) -> bool:
    sums = record.get("input_checksums") or {}
    return repr(dict(request)) in (record.get("params") or ()) and all(
        sums.get(path, f"sha256:{digest}") == f"sha256:{digest}" for path, digest in inputs.items()
    )


def doubt(outputs: Iterable[str]) -> None:
    """Mark these outputs as incomplete, so that Snakemake reruns their jobs; earlier marks are removed."""
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
    """Set modification times in the future to now: after a clock was set back, Snakemake fails jobs that read them.

    Nothing is lost: changes are detected by content here, not by times.
    """
    for path in map(Path, paths):
        if path.exists() and path.stat().st_mtime > time.time():
            os.utime(path)


def place(output: str, folder: Path = METADATA) -> Path:
    """Return the file in which Snakemake 9 keeps the metadata of an output, or marks it as incomplete."""
    name = urlsafe_b64encode(output.encode()).decode()
    parts = [name[start : start + LONGEST_NAME - 1] for start in range(0, len(name), LONGEST_NAME - 1)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
