# SPDX-License-Identifier: Apache-2.0
"""After ``git clone``, ``checkout`` or ``pull``: restore the files in dvc.lock, verify them, make Snakemake trust them.

Only files whose content has the digest in dvc.lock are trusted. Files that dvc.lock does not name are left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assay.files import discard_unfinished, replaced, replacing, set_aside
from assay.paths import STATUS, VERDICT
from assay.pipeline import phase_code
from assay.provenance import dvc_lock, run_lock, snakemake_metadata
from assay.provenance.dvc_lock import has_digest, stored

RECORDS = (STATUS, "source.json", "prepared.json")
"""The files that a job's folder must have: without them its job runs again."""


@dataclass(frozen=True)
class Restored:
    """The result of a restore."""

    proven: int
    """The number of files that match dvc.lock."""
    changed: list[Path]
    """Files that had other contents and were restored."""
    missing: int
    """The number of files that were missing and were restored."""
    unproven: dict[Path, str]
    """Files that could not be restored or verified, each with the reason."""
    replaced: Path
    """The folder that keeps files with other contents: they may be work that nobody recorded."""


def restore() -> Restored:
    """Restore the project in the current folder.

    Raises:
        ValueError: a run is active here, nothing was recorded, dvc.lock is invalid, or this folder is not
            writable; one line.
    """
    try:
        run_lock.hold()
        outs = dvc_lock.outs_here()
        outs.pop(phase_code.CODE, None)  # Git keeps it
        return _restore(outs, dvc_lock.cache_folder())
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}; restore writes to this folder") from None


def _restore(outs: Mapping[Path, str], cache: Path) -> Restored:
    reason = ""
    if _without_list(outs, cache):
        reason = _fetch(outs, cache)
    if lacking := _without_list(outs, cache):
        raise ValueError(f"{lacking[0]}: {reason}; nothing was changed")
    promised = _promised(outs, cache)
    discard_unfinished({path.parent for path in promised})
    absent = [path for path, digest in promised.items() if not has_digest(path, digest)]
    if not reason and any(not stored(cache, promised[path]).is_file() for path in absent):
        reason = _fetch(outs, cache)
    changed = [path for path in absent if path.exists()]
    aside = replaced()
    unproven = {path: why for path in absent if (why := _bring(path, promised[path], cache, reason, aside))}
    for path in unproven:
        _distrust(path, aside)
    for made in (path for path in promised if path.name == snakemake_metadata.MADE and path not in unproven):
        snakemake_metadata.unpack(made)
    restored = [path for path in absent if path not in unproven]
    changed = [path for path in changed if path in restored]
    return Restored(len(promised) - len(unproven), changed, len(restored) - len(changed), unproven, aside)


def _without_list(outs: Mapping[Path, str], cache: Path) -> list[Path]:
    """Return the outs that are folders whose list of files is not in DVC's cache."""
    folders = {path: digest for path, digest in outs.items() if digest.endswith(".dir")}
    return [path for path, digest in folders.items() if dvc_lock.listed(cache, digest) is None]


def _promised(outs: Mapping[Path, str], cache: Path) -> dict[Path, str]:
    """Return every file in the outs, with its digest."""
    files: dict[Path, str] = {}
    for path, digest in outs.items():
        if digest.endswith(".dir"):
            files |= {path / name: md5 for name, md5 in (dvc_lock.listed(cache, digest) or {}).items()}
        else:
            files[path] = digest
    return files


def _bring(path: Path, digest: str, cache: Path, reason: str, aside: Path) -> str:
    """Restore a file from the cache; return why that was not possible, or ""."""
    kept = stored(cache, digest)
    if not kept.is_file():
        return reason
    if not has_digest(kept, digest):
        return f"DVC's cache is corrupt: the content of {kept} does not match its name; delete it"
    with replacing(path) as whole:
        shutil.copyfile(kept, whole)
        set_aside(path, aside)
    return ""


def _distrust(path: Path, aside: Path) -> None:
    """Move away the record of the job that made a file, and the verdict, so that both are made again."""
    for stale in (VERDICT, *(path.parent / name for name in (*RECORDS, path.name))):
        set_aside(stale, aside)


def _fetch(outs: Mapping[Path, str], cache: Path) -> str:
    """Let DVC fetch what it can; return the reason to give for files that are still missing."""
    done = dvc_lock.dvc("fetch")
    lists = [outs[path] for path in _without_list(outs, cache)]
    if done.returncode and lists:
        _fetch_lists(lists, cache)
    if error := dvc_lock.reason(done):
        return f"not in DVC's cache (dvc fetch: {error})"
    if not dvc_lock.dvc("config", "core.remote").stdout.strip():
        return "not in DVC's cache, and no remote is set: dvc remote add --default NAME URL"
    return "neither in DVC's cache nor on its remote"


def _fetch_lists(digests: list[str], cache: Path) -> None:
    """Fetch the lists of folders separately: DVC does not fetch a list if one of its files is lost."""
    # The ignore: DVC ships no types.
    from dvc.repo import Repo  # type: ignore[import-untyped]

    with (
        suppress(Exception),
        Repo() as repo,
    ):  # whatever a remote's library raises, DVC has reported the reason
        remote = repo.cloud.get_remote_odb()
        for digest in digests:
            with replacing(stored(cache, digest)) as whole:
                remote.fs.get_file(remote.oid_to_path(digest), str(whole))
