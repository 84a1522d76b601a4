"""What DVC recorded: the files that a dvc.lock names, read from DVC's cache without checking anything out.

The dvc.lock may be that of the working folder or of any Git revision. Bytes are proven by their digest.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from assay.urls import redacted

LOCK = Path("dvc.lock")


@dataclass(frozen=True)
class Record:
    """The outs of one dvc.lock: path -> MD5 digest, which ends in ``.dir`` for a folder."""

    name: str
    """As a reader is told which one it is."""
    outs: Mapping[Path, str]
    cache: Path

    def digest(self, path: Path) -> str | None:
        """Return the MD5 digest of a file, None where it is not named, or its folder's list is not in the cache."""
        if path in self.outs:
            return self.outs[path]
        out = next((each for each in path.parents if each in self.outs), None)
        if out is None or not self.outs[out].endswith(".dir"):
            return None
        return listed(self.cache, self.outs[out]).get(path.relative_to(out).as_posix())

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes, None where they are not in the cache."""
        digest = self.digest(path)
        kept = stored(self.cache, digest) if digest else None
        return kept.read_bytes() if kept and digest and has_digest(kept, digest) else None


def at(revision: str) -> Record:
    """Return what was recorded at a Git revision.

    Raises:
        ValueError: there is no such revision, or it has no dvc.lock as DVC writes it; one line.
    """
    if _git("rev-parse", "--git-dir") is None:
        raise ValueError(f"{revision}: this folder is not under Git, so there is no revision to read")
    commit = (_git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}") or "").strip()
    if not commit:
        raise ValueError(f"{revision}: no revision of this repository; git log shows them")
    text = _git("show", f"{commit}:./{LOCK}")
    if text is None:
        raise ValueError(f"{revision}: has no {LOCK}, so DVC recorded nothing there")
    dated = (_git("show", "--no-patch", "--format=%h of %cs", commit) or commit).strip()
    return Record(f"commit {dated}", outs(text, f"{revision}:{LOCK}"), cache_folder())


def latest(now: Mapping[Path, str]) -> Record | None:
    """Return the newest record that names other digests for some of these files, None where there is none.

    The records are the dvc.lock that lies here, then those of the commits, newest first. As one that names the
    same files is passed over, the answer does not change when what lies here is recorded.

    Args:
        now: path -> MD5 digest of what lies here.
    """
    for record in _history():
        found = {path: record.outs.get(path) for path in now}
        if None not in found.values() and found != dict(now):
            return record
    return None


def _history() -> Iterator[Record]:
    if LOCK.is_file():
        yield Record(f"what {LOCK} names", outs(LOCK.read_text(encoding="utf-8"), str(LOCK)), cache_folder())
    for commit in (_git("log", "--format=%H", "--", str(LOCK)) or "").split():
        try:
            yield at(commit)
        except ValueError:
            continue  # it took dvc.lock away, or holds one that cannot be read


def outs(text: str, named_by: str) -> dict[Path, str]:
    """Return each out that a dvc.lock names, with its digest.

    Raises:
        ValueError: it is not as DVC writes it, or leads out of the project; one line.
    """
    try:
        stages = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["stages"]
        found = {
            Path(out["path"]): str(out["md5"]) for stage in stages.values() for out in stage.get("outs", [])
        }
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as fault:
        raise ValueError(f"{named_by}: not as DVC writes it ({' '.join(str(fault).split())})") from None
    return {inside(path, named_by): digest for path, digest in found.items()}


def inside(path: Path, named_by: str | Path) -> Path:
    """Return a relative path that a file from outside names, unless it leads out of where it belongs."""
    if ".." in path.parts or path.is_absolute():
        raise ValueError(f"{named_by}: {path} leads out of its folder; refused")
    return path


@cache
def cache_folder() -> Path:
    """Return the folder of DVC's cache.

    Raises:
        ValueError: the project is not under DVC; DVC's own line.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "cache", "dir"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise ValueError(f"dvc cache dir: {redacted(' '.join(done.stderr.split()))}")
    return Path(done.stdout.strip())


@cache
def listed(cache: Path, digest: str) -> dict[str, str]:
    """Return the files of a folder, name -> digest; none where its list is not in the cache as it was."""
    path = stored(cache, digest)
    if not has_digest(path, digest.removesuffix(".dir")):
        return {}
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text(encoding="utf-8"))}


def stored(cache: Path, digest: str) -> Path:
    """Return where DVC's cache keeps what has a digest."""
    return cache / "files" / "md5" / digest[:2] / digest[2:]


def has_digest(path: Path, digest: str) -> bool:
    """Say whether a file is there and has an MD5 digest."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == digest


def _git(*words: str) -> str | None:
    """Return what Git says, None where it fails or is not there."""
    try:
        return subprocess.run(["git", *words], capture_output=True, check=True, text=True).stdout
    except (OSError, UnicodeDecodeError, subprocess.CalledProcessError):
        return None
