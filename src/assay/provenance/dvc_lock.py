# SPDX-License-Identifier: Apache-2.0
"""The files that a dvc.lock names, read from DVC's cache without checking anything out.

The dvc.lock may be that of the working folder or of any Git revision. Contents are verified by their digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from assay.provenance.urls import redacted

LOCK = Path("dvc.lock")
LONGEST = 1_000_000
"""The longest dvc.lock, in characters: DVC writes some 150 per file or folder; this many are read in seconds."""
DEEPEST = 100
"""The deepest nesting of lists and mappings; libyaml's parser crashes the process on too many."""
MD5 = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Record:
    """The outs of one dvc.lock: path -> MD5 digest, which ends in ``.dir`` for a folder."""

    name: str
    """The name of the record that is shown to the user."""
    outs: Mapping[Path, str]
    cache: Path

    def digest(self, path: Path) -> str | None:
        """Return the MD5 digest of a file; None if it is not listed, or its folder's list is not in the cache."""
        if path in self.outs:
            return self.outs[path]
        out = next((each for each in path.parents if each in self.outs), None)
        if out is None or not self.outs[out].endswith(".dir"):
            return None
        return (listed(self.cache, self.outs[out]) or {}).get(path.relative_to(out))

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes, None if they are not in the cache."""
        digest = self.digest(path)
        kept = stored(self.cache, digest) if digest else None
        return kept.read_bytes() if kept and digest and has_digest(kept, digest) else None


def at(revision: str) -> Record:
    """Return the record at a Git revision.

    Raises:
        ValueError: there is no such revision, or it has no valid dvc.lock; one line.
    """
    if _git("rev-parse", "--git-dir") is None:
        raise ValueError(f"{revision}: this folder is not under Git, so there is no revision to read")
    commit = (_git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}") or "").strip()
    if not commit and is_shallow():
        raise ValueError(f"{revision}: not in this shallow clone: git fetch --unshallow")
    if not commit:
        raise ValueError(f"{revision}: no revision of this repository; git log shows them")
    text = _git("show", f"{commit}:./{LOCK}")
    if text is None:
        raise ValueError(f"{revision}: has no {LOCK}, so DVC recorded nothing there")
    dated = (_git("show", "--no-patch", "--format=%h of %cs", commit) or commit).strip()
    return Record(f"commit {dated}", outs(text, f"{revision}:{LOCK}"), cache_folder())


def is_shallow() -> bool:
    """Return whether this is a shallow clone, which lacks earlier commits."""
    return (_git("rev-parse", "--is-shallow-repository") or "").strip() == "true"


def latest(now: Mapping[Path, str]) -> Record | None:
    """Return the newest record with other digests for some of these files, None if there is none.

    The records are the current dvc.lock, then those of the commits, newest first. A record with the same digests is
    skipped, so the result does not change when the current files are recorded.

    Args:
        now: path -> MD5 digest of the current file.
    """
    for record in _history():
        found = {path: record.outs.get(path) for path in now}
        if None not in found.values() and found != dict(now):
            return record
    return None


def _history() -> Iterator[Record]:
    if LOCK.is_file():
        yield Record(f"the run recorded in {LOCK}", outs(_text(), str(LOCK)), cache_folder())
    for commit in (_git("log", "--format=%H", "--", str(LOCK)) or "").split():
        try:
            yield at(commit)
        except ValueError:
            continue  # it deletes dvc.lock, or holds one that cannot be read


def outs_here() -> dict[Path, str]:
    """Return each out in the dvc.lock of this folder, with its digest.

    Raises:
        ValueError: there is no valid dvc.lock; one line.
    """
    if not LOCK.is_file():
        raise ValueError(f"{LOCK}: not found; dvc repro or dvc commit --force writes it")
    return outs(_text(), str(LOCK))


def _text() -> str:
    try:
        return LOCK.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{LOCK}: cannot be read: {error}") from None


def outs(text: str, named_by: str) -> dict[Path, str]:
    """Return each out in a dvc.lock, with its digest.

    Raises:
        ValueError: it is invalid, or a path leads out of the project; one line.
    """
    try:
        entries = list(_entries(_parsed(text)))
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{named_by}: not as DVC writes it ({' '.join(str(error).split())})") from None
    return _files(entries, "path", re.compile(rf"{MD5.pattern}(\.dir)?"), named_by)


def _parsed(text: str) -> object:
    """Return the content of a YAML text, every scalar as text: a digest may look like a number."""
    if len(text) > LONGEST:
        raise ValueError(f"{len(text)} characters, at most {LONGEST} are read")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} lists and mappings within each other")
    return yaml.load(text, Loader=yaml.CBaseLoader)


def _entries(lock: object) -> Iterator[object]:
    """Yield the outs of all stages; a list that is repeated by YAML aliases only once."""
    stages = lock.get("stages") if isinstance(lock, dict) else None
    if not isinstance(stages, dict) or not all(isinstance(stage, dict) for stage in stages.values()):
        raise ValueError("stages: not a mapping of mappings")
    of_stages = {id(stage.get("outs")): stage.get("outs", []) for stage in stages.values()}
    for listed_outs in of_stages.values():
        if not isinstance(listed_outs, list):
            raise ValueError("outs: not a list")
        yield from listed_outs


def _files(
    entries: Sequence[object], key: str, digest: re.Pattern[str], named_by: str | Path
) -> dict[Path, str]:
    """Return path -> digest of the entries of a dvc.lock or of the list of a folder.

    Raises:
        ValueError: an entry is invalid, leads elsewhere, or is inside another; one line.
    """
    found: dict[Path, str] = {}
    for entry in entries:
        path, md5 = (entry.get(key), entry.get("md5")) if isinstance(entry, dict) else (None, None)
        if not isinstance(path, str) or not isinstance(md5, str):
            raise ValueError(f"{named_by}: not as DVC writes it (an entry without {key} or md5)")
        place = inside(path, named_by)
        if not digest.fullmatch(md5):
            raise ValueError(
                f"{named_by}: {path[:200]!r} has the digest {md5[:50]!r}, which is not an MD5 digest; refused"
            )
        if found.setdefault(place, md5) != md5:
            raise ValueError(f"{named_by}: {path[:200]!r} is named twice with different digests; refused")
    for path in found:
        if any(parent in found for parent in path.parents):
            raise ValueError(
                f"{named_by}: {str(path)[:200]!r} is inside a file or folder that is listed too; refused"
            )
    return found


def inside(name: str, named_by: str | Path) -> Path:
    """Return a relative path that an untrusted file names; raise ValueError if it leads out of its folder."""
    path = Path(name)
    if not path.parts or ".." in path.parts or path.is_absolute():
        raise ValueError(f"{named_by}: {name[:200]!r} leads out of its folder; refused")
    try:
        longest = max(len(os.fsencode(part)) for part in path.parts)
    except UnicodeEncodeError:
        longest = 0
    if not 0 < longest < 256 or len(name) > 1000 or "\0" in name:
        raise ValueError(f"{named_by}: {name[:200]!r} is not a file name; refused")
    return path


def is_usable() -> bool:
    """Return whether DVC can record the current folder: it holds a repository of DVC, under Git or without it."""
    config = Path(".dvc/config")
    if not config.is_file():
        return False
    return _git("rev-parse", "--git-dir") is not None or "no_scm" in config.read_text(encoding="utf-8")


@cache
def cache_folder() -> Path:
    """Return the folder of DVC's cache.

    Raises:
        ValueError: this is not a DVC project; DVC's own message.
    """
    done = dvc("cache", "dir")
    if done.returncode:
        raise ValueError(f"dvc cache dir: {reason(done)}")
    return Path(done.stdout.strip())


def dvc(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a DVC command."""
    return subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the first error that a DVC command printed, in one line; "" if there was none."""
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return redacted(" ".join(errors[0].removeprefix("ERROR: ").split())) if errors else ""


def listed(cache: Path, digest: str) -> Mapping[Path, str] | None:
    """Return the files of a folder, path -> digest; None if its list is not in the cache, unchanged.

    Raises:
        ValueError: the list is invalid, or a path leads out of the folder; one line.
    """
    path = stored(cache, digest)
    return _listed(path) if has_digest(path, digest.removesuffix(".dir")) else None


@cache
def _listed(path: Path) -> Mapping[Path, str]:
    try:
        entries = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not as DVC writes it ({error})") from None
    if not isinstance(entries, list):
        raise ValueError(f"{path}: not as DVC writes it (not a list)")
    return _files(entries, "relpath", MD5, path)


def stored(cache: Path, digest: str) -> Path:
    """Return the path in DVC's cache of the content with a digest."""
    return cache / "files" / "md5" / digest[:2] / digest[2:]


def has_digest(path: Path, digest: str) -> bool:
    """Return whether a file exists and has this MD5 digest."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == digest


def _git(*words: str) -> str | None:
    """Return the output of Git, None if it fails or is not installed."""
    try:
        return subprocess.run(["git", *words], capture_output=True, check=True, text=True).stdout
    except (OSError, UnicodeDecodeError, subprocess.CalledProcessError):
        return None
