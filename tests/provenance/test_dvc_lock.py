"""What DVC recorded is read from its cache, proven; and the newest record of other results is found."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.provenance import dvc_lock

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@t")


def digest(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def keep(cache: Path, data: bytes, ending: str = "") -> str:
    """Put bytes into a cache as DVC does and return their digest."""
    found = digest(data) + ending
    path = dvc_lock.stored(cache, found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return found


def test_files_and_what_folders_hold_are_read(tmp_path: Path) -> None:
    listing = [{"md5": keep(tmp_path, b"inner"), "relpath": "a/b.txt"}]
    folder = keep(tmp_path, json.dumps(listing).encode(), ".dir")
    outs = {Path("one.csv"): keep(tmp_path, b"whole"), Path("cells"): folder, Path("lost"): "0" * 32}
    record = dvc_lock.Record("it", outs, tmp_path)
    assert record.read(Path("one.csv")) == b"whole"
    assert record.read(Path("cells/a/b.txt")) == b"inner"
    for absent in ("lost", "cells/a/c.txt", "other/a", "one.csv/a"):
        assert record.read(Path(absent)) is None


def test_other_bytes_than_the_digest_says_are_not_read(tmp_path: Path) -> None:
    outs = {Path("one.csv"): keep(tmp_path, b"whole")}
    dvc_lock.stored(tmp_path, outs[Path("one.csv")]).write_bytes(b"poison")
    assert dvc_lock.Record("it", outs, tmp_path).read(Path("one.csv")) is None


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
    monkeypatch.setattr(dvc_lock, "cache_folder", lambda: tmp_path / "cache")
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_the_newest_record_of_other_results_is_found_also_after_these_are_recorded() -> None:
    names = {Path("r.csv"): digest(b"now")}
    assert dvc_lock.latest(names) is None
    for text in (lock(b"first"), lock(b"second"), None, "stages: 3", "stages: {}"):
        commit(text)
    found = dvc_lock.latest(names)
    assert found is not None
    assert found.outs == {Path("r.csv"): digest(b"second")}
    assert found.name.startswith("commit ")
    Path("dvc.lock").write_text(lock(b"now"))
    assert dvc_lock.latest(names) == found
    commit(lock(b"now"))
    assert dvc_lock.latest(names) == found
    Path("dvc.lock").write_text(lock(b"later"))
    later = dvc_lock.latest(names)
    assert later is not None
    assert (later.name, later.outs) == ("the run recorded in dvc.lock", {Path("r.csv"): digest(b"later")})


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("nowhere", "nowhere: no revision of this repository"),
        ("--help", "--help: no revision of this repository"),
        ("HEAD", "HEAD: has no dvc.lock, so DVC recorded nothing there"),
        ("HEAD~1", "HEAD~1:dvc.lock: not as DVC writes it"),
        ("HEAD~2", "HEAD~2:dvc.lock: '../x' leads out of its folder; refused"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_revision_that_cannot_be_read_is_one_line(revision: str, words: str) -> None:
    for text in ("stages: {a: {outs: [{path: ../x, md5: 00}]}}", "stages: 3", None):
        commit(text)
    with pytest.raises(ValueError, match=words) as caught:
        dvc_lock.at(revision)
    assert "\n" not in str(caught.value)


def test_a_folder_without_git_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ValueError, match="not under Git"):
        dvc_lock.at("HEAD")
    assert dvc_lock.latest({Path("r.csv"): "0"}) is None


@pytest.mark.usefixtures("repository")
def test_a_shallow_clone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (lock(b"first"), lock(b"second")):
        commit(text)
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{tmp_path}", "shallow"], check=True)
    assert not dvc_lock.is_shallow()
    monkeypatch.chdir(tmp_path / "shallow")
    assert dvc_lock.is_shallow()
    with pytest.raises(ValueError, match=r"^HEAD~1: not in this shallow clone: git fetch --unshallow$"):
        dvc_lock.at("HEAD~1")


WHOLE = "0" * 32
NO_LOCKS = {
    "empty": "",
    "a list": "[]",
    "null": "stages: null",
    "null stage": "stages: {a: null}",
    "outs of another type": "stages: {a: {outs: {path: x}}}",
    "a text as out": "stages: {a: {outs: [x]}}",
    "no digest": "stages: {a: {outs: [{path: x}]}}",
    "a list as path": f"stages: {{a: {{outs: [{{path: [x], md5: {'0' * 32}}}]}}}}",
    "brackets": "[" * 50_000,
    "braces": "{a: " * 50_000,
    "blocks": "- " * 50_000,
    "nested under a stage": f"stages: {{a: {'[' * 200}{']' * 200}}}",
    "huge": "#" * 20_000_000,
    "a cycle": "stages: &s {a: *s}",
    "a key that is a list": "? [a]\n: 1",
    "no number": "stages: !!int abc",
    "not YAML": "stages: {",
    "control characters": "stages: \x00\x01",
}


@pytest.mark.parametrize("text", NO_LOCKS.values(), ids=NO_LOCKS)
def test_what_is_no_dvc_lock_is_one_line_at_once(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match=r"^it: ") as caught:
        dvc_lock.outs(text, "it")
    assert time.process_time() - begun < 5
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_aliases_that_multiply_are_read_once() -> None:
    outs = ", ".join(f"{{path: a{number}, md5: {WHOLE}}}" for number in range(2000))
    stages = "".join(f"  s{number}: {{outs: *outs}}\n" for number in range(10_000))
    begun = time.process_time()
    found = dvc_lock.outs(f"outs: &outs [{outs}]\nstages:\n{stages}", "it")
    assert time.process_time() - begun < 20
    assert len(found) == 2000


REFUSED = {
    "leads up": ("../x", WHOLE),
    "leads up from within": ("a/../../x", WHOLE),
    "absolute": ("/x", WHOLE),
    "empty": ("", WHOLE),
    "the project": (".", WHOLE),
    "a null byte": ("a\0b", WHOLE),
    "a lone surrogate": ("\ud800", WHOLE),
    "a long name": ("a" * 256, WHOLE),
    "a long path": ("a/" * 3000, WHOLE),
    "a digest that leads up": ("x", "../../../../../etc/passwd"),
    "a digest that leads up, as long": ("x", "../" * 10 + "ab"),
    "a short digest": ("x", "00"),
    "a digest in capitals": ("x", "A" * 32),
    "a digest and a line end": ("x", WHOLE + "\n"),
    "a number as digest": ("x", 3),
    "a list as path": (["x"], WHOLE),
}


@pytest.mark.parametrize(("path", "md5"), REFUSED.values(), ids=REFUSED)
def test_paths_and_digests_that_lead_elsewhere_are_refused(tmp_path: Path, path: Any, md5: Any) -> None:
    folder = keep(tmp_path, json.dumps([{"relpath": path, "md5": md5}]).encode(), ".dir")
    with pytest.raises(ValueError, match=folder[2:]) as caught:
        dvc_lock.Record("it", {Path("out"): folder}, tmp_path).read(Path("out/x"))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"^it: "):
        dvc_lock.outs(json.dumps({"stages": {"a": {"outs": [{"path": path, "md5": md5}]}}}), "it")


def test_a_file_within_a_file_is_refused() -> None:
    entries = [{"path": "a", "md5": WHOLE}, {"path": "a/b", "md5": WHOLE}]
    with pytest.raises(
        ValueError, match=r"^it: 'a/b' is inside a file or folder that is listed too; refused$"
    ):
        dvc_lock.outs(json.dumps({"stages": {"a": {"outs": entries}}}), "it")


@pytest.mark.parametrize("other", ["a", "./a", "a/"])
def test_a_file_named_twice_with_different_digests_is_refused(other: str) -> None:
    entries = [{"path": "a", "md5": WHOLE}, {"path": other, "md5": "1" * 32}]
    lock = {"stages": {name: {"outs": [entry]} for name, entry in zip("xy", entries, strict=True)}}
    with pytest.raises(ValueError, match=r"^it: .* is named twice with different digests; refused$"):
        dvc_lock.outs(json.dumps(lock), "it")


def test_a_digest_that_looks_like_a_number_is_kept_as_it_is() -> None:
    for md5 in ("0" + "1" * 31, "1" * 30 + "e5"):
        assert dvc_lock.outs(f"stages: {{a: {{outs: [{{path: x, md5: {md5}}}]}}}}", "it") == {Path("x"): md5}


NO_LISTS = {
    "not JSON": b"[",
    "not text": b"\xff",
    "brackets": b"[" * 100_000,
    "an object": b"{}",
    "null": b"null",
    "texts": b'["a"]',
    "keys missing": b'[{"relpath": "a"}]',
    "a long number": b"[" + b"1" * 5000 + b"]",
    "a folder within": json.dumps([{"relpath": "a", "md5": WHOLE + ".dir"}]).encode(),
}


@pytest.mark.parametrize("data", NO_LISTS.values(), ids=NO_LISTS)
def test_a_list_of_a_folder_that_is_not_dvcs_is_one_line(tmp_path: Path, data: bytes) -> None:
    folder = keep(tmp_path, data, ".dir")
    with pytest.raises(ValueError, match=f"{folder[2:]}: ") as caught:
        dvc_lock.listed(tmp_path, folder)
    assert "\n" not in str(caught.value)


def test_a_dvc_lock_that_cannot_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^dvc\.lock: not found"):
        dvc_lock.outs_here()
    Path("dvc.lock").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"^dvc\.lock: cannot be read: "):
        dvc_lock.outs_here()


NAMES = st.text(max_size=5) | st.sampled_from(["a", "..", "a/b", "/", ".", "a\0"])
DIGESTS = (
    st.text("0123456789abcdef", min_size=32, max_size=32) | st.text(max_size=4) | st.just(f"{WHOLE}.dir")
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | NAMES | DIGESTS
OUTS = st.fixed_dictionaries(
    {}, optional={"path": NAMES | VALUES, "relpath": NAMES | VALUES, "md5": DIGESTS | VALUES}
)
ANYTHING = st.recursive(
    VALUES | OUTS, lambda of: st.lists(of, max_size=3) | st.dictionaries(NAMES, of, max_size=3)
)
STAGES = st.dictionaries(NAMES, st.fixed_dictionaries({"outs": st.lists(OUTS, max_size=3)}), max_size=3)


def outcome(read: Callable[[], Mapping[Path, str] | None]) -> Mapping[Path, str] | str:
    """Return the outs or files that were read, or the line that says why not."""
    try:
        return read() or {}
    except ValueError as error:
        return str(error)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lock=ANYTHING | st.fixed_dictionaries({"stages": STAGES | ANYTHING}),
    files=ANYTHING | st.lists(OUTS, max_size=4),
)
def test_whatever_a_lock_and_a_list_hold_is_a_record_or_one_line(
    tmp_path: Path, lock: Any, files: Any
) -> None:
    folder = keep(tmp_path, json.dumps(files).encode(), ".dir")
    outcomes = [
        outcome(lambda: dvc_lock.outs(json.dumps(lock), "it")),
        outcome(lambda: dvc_lock.outs(yaml.safe_dump(lock, allow_unicode=True), "it")),
        outcome(lambda: dvc_lock.listed(tmp_path, folder)),
    ]
    for found in outcomes:
        if isinstance(found, str):
            assert len(found.splitlines()) == 1
        else:
            assert all(not path.is_absolute() and ".." not in path.parts for path in found)
            assert all(dvc_lock.MD5.match(digest) for digest in found.values())
