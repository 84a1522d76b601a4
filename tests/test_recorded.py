"""What DVC recorded is read from its cache, proven; and the newest record of other results is found."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from assay import recorded

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@t")


def digest(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def keep(cache: Path, data: bytes, ending: str = "") -> str:
    """Put bytes into a cache as DVC does and return their digest."""
    found = digest(data) + ending
    path = recorded.stored(cache, found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return found


def test_files_and_what_folders_hold_are_read(tmp_path: Path) -> None:
    listing = [{"md5": keep(tmp_path, b"inner"), "relpath": "a/b.txt"}]
    folder = keep(tmp_path, json.dumps(listing).encode(), ".dir")
    outs = {Path("one.csv"): keep(tmp_path, b"whole"), Path("cells"): folder, Path("lost"): "0" * 32}
    record = recorded.Record("it", outs, tmp_path)
    assert record.read(Path("one.csv")) == b"whole"
    assert record.read(Path("cells/a/b.txt")) == b"inner"
    for absent in ("lost", "cells/a/c.txt", "other/a", "one.csv/a"):
        assert record.read(Path(absent)) is None


def test_other_bytes_than_the_digest_says_are_not_read(tmp_path: Path) -> None:
    outs = {Path("one.csv"): keep(tmp_path, b"whole")}
    recorded.stored(tmp_path, outs[Path("one.csv")]).write_bytes(b"poison")
    assert recorded.Record("it", outs, tmp_path).read(Path("one.csv")) is None


def commit(text: str | None) -> None:
    """Commit a dvc.lock, or its removal."""
    if text is None:
        Path("dvc.lock").unlink()
    else:
        Path("dvc.lock").write_text(text)
    subprocess.run([*GIT, "add", "-A"], check=True)
    subprocess.run([*GIT, "commit", "-qm", "more", "--allow-empty"], check=True)


def lock(content: bytes) -> str:
    return f"stages: {{report: {{outs: [{{path: r.csv, md5: {digest(content)}}}]}}}}"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recorded, "cache_folder", lambda: tmp_path / "cache")
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_the_newest_record_of_other_results_is_found_also_after_these_are_recorded() -> None:
    names = {Path("r.csv"): digest(b"now")}
    assert recorded.latest(names) is None
    for text in (lock(b"first"), lock(b"second"), None, "stages: 3", "stages: {}"):
        commit(text)
    found = recorded.latest(names)
    assert found is not None
    assert found.outs == {Path("r.csv"): digest(b"second")}
    assert found.name.startswith("commit ")
    Path("dvc.lock").write_text(lock(b"now"))
    assert recorded.latest(names) == found
    commit(lock(b"now"))
    assert recorded.latest(names) == found
    Path("dvc.lock").write_text(lock(b"later"))
    later = recorded.latest(names)
    assert later is not None
    assert (later.name, later.outs) == ("what dvc.lock names", {Path("r.csv"): digest(b"later")})


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("nowhere", "nowhere: no revision of this repository"),
        ("--help", "--help: no revision of this repository"),
        ("HEAD", "HEAD: has no dvc.lock, so DVC recorded nothing there"),
        ("HEAD~1", "HEAD~1:dvc.lock: not as DVC writes it"),
        ("HEAD~2", "HEAD~2:dvc.lock: ../x leads out of its folder; refused"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_revision_that_cannot_be_read_is_one_line(revision: str, words: str) -> None:
    for text in ("stages: {a: {outs: [{path: ../x, md5: 00}]}}", "stages: 3", None):
        commit(text)
    with pytest.raises(ValueError, match=words) as caught:
        recorded.at(revision)
    assert "\n" not in str(caught.value)


def test_a_folder_without_git_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ValueError, match="not under Git"):
        recorded.at("HEAD")
    assert recorded.latest({Path("r.csv"): "0"}) is None
