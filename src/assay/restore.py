"""After ``git clone``, ``checkout`` or ``pull``: bring back what dvc.lock promises, prove it, have Snakemake trust it.

Only files whose content has the digest that dvc.lock names are trusted. What lies here and dvc.lock does not name
is left as it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assay import knowledge, lock, recorded
from assay.files import discard_unfinished, read_json, replaced, replacing, set_aside
from assay.layout import STATUS, VERDICT
from assay.recorded import LOCK, has_digest, inside, stored
from assay.urls import redacted

RECORDS = (STATUS, "source.json", "prepared.json")
"""The files that a job's folder is asked for: without them its job runs again."""


@dataclass(frozen=True)
class Restored:
    """What was done."""

    proven: int
    """Files that are what dvc.lock says."""
    changed: list[Path]
    """Files that lay here with other bytes, and were put back."""
    missing: int
    """Files that were not here, and were put back."""
    wrong: dict[Path, str]
    """Files that could not be proven, each with the reason."""
    replaced: Path
    """Where what lay here with other bytes is kept: it may be work that nobody recorded."""


def restore() -> Restored:
    """Restore the project of the current folder.

    Raises:
        ValueError: a run is at work here, nothing was recorded, or dvc.lock is not DVC's; one line.
    """
    lock.hold()
    cache = Path(_dvc("cache", "dir").stdout.strip())
    outs = _outs()
    promised, told = _promised(outs, cache), ""
    if promised is None:
        told = _fetch(outs, cache)
        promised = _promised(outs, cache)
        if promised is None:
            raise ValueError(f"dvc fetch: {told}; nothing was changed")
    discard_unfinished({path.parent for path in promised})
    absent = [path for path, digest in promised.items() if not has_digest(path, digest)]
    if not told and any(not stored(cache, promised[path]).is_file() for path in absent):
        told = _fetch(outs, cache)
    changed = [path for path in absent if path.exists()]
    aside = replaced()
    wrong = {path: reason for path in absent if (reason := _bring(path, promised[path], cache, told, aside))}
    for path in wrong:
        _distrust(path, aside)
    for made in (path for path in promised if path.name == knowledge.MADE and path not in wrong):
        knowledge.unpack(made)
    put_back = [path for path in absent if path not in wrong]
    changed = [path for path in changed if path in put_back]
    return Restored(len(promised) - len(wrong), changed, len(put_back) - len(changed), wrong, aside)


def _outs() -> list[tuple[Path, str]]:
    """Return each out of dvc.lock with its MD5 digest, which ends in ``.dir`` for a folder."""
    if not LOCK.is_file():
        raise ValueError(f"{LOCK}: not found; dvc repro or dvc commit --force writes it")
    return list(recorded.outs(LOCK.read_text(encoding="utf-8"), str(LOCK)).items())


def _promised(outs: list[tuple[Path, str]], cache: Path) -> dict[Path, str] | None:
    """Return every file that the outs hold, with its digest; None if a folder's list is not in the cache."""
    files: dict[Path, str] = {}
    for path, digest in outs:
        if not digest.endswith(".dir"):
            files[path] = digest
            continue
        listed = stored(cache, digest)
        if not has_digest(listed, digest.removesuffix(".dir")):
            return None
        for entry in read_json(listed):
            files[path / inside(Path(entry["relpath"]), listed)] = entry["md5"]
    return files


def _bring(path: Path, digest: str, cache: Path, told: str, aside: Path) -> str:
    """Put a file's proven bytes in place; return why that was not possible, or nothing."""
    kept = stored(cache, digest)
    if not kept.is_file():
        return f"not in DVC's cache{f' (dvc fetch: {told})' if told else ''}"
    if not has_digest(kept, digest):
        return f"DVC's cache is poisoned: {kept} has other bytes than its name says; delete it"
    with replacing(path) as whole:
        shutil.copyfile(kept, whole)
        set_aside(path, aside)
    return ""


def _distrust(path: Path, aside: Path) -> None:
    """Move away the record of the job that made a file, and the verdict that asks for it: both are made again."""
    for stale in (VERDICT, *(path.parent / name for name in (*RECORDS, path.name))):
        set_aside(stale, aside)


def _dvc(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def _fetch(outs: list[tuple[Path, str]], cache: Path) -> str:
    """Have DVC fetch what it can; return the first reason why something did not come, or nothing."""
    done = _dvc("fetch")
    lists = [digest for _, digest in outs if digest.endswith(".dir") and not stored(cache, digest).is_file()]
    if done.returncode and lists:
        _fetch_lists(lists, cache)
    errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return redacted(errors[0]) if errors else ""


def _fetch_lists(digests: list[str], cache: Path) -> None:
    """Fetch the lists of folders by themselves: DVC leaves a list behind if one of its files is lost."""
    # The ignore: DVC ships no types.
    from dvc.repo import Repo  # type: ignore[import-untyped]

    with suppress(Exception), Repo() as repo:  # whatever a remote's library raises, DVC has told the reason
        remote = repo.cloud.get_remote_odb()
        for digest in digests:
            with replacing(stored(cache, digest)) as whole:
                remote.fs.get_file(remote.oid_to_path(digest), str(whole))
