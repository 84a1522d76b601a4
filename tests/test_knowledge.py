"""What Snakemake knows is found where it keeps it, and comes back as it was."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.persistence.file import FilePersistence

from assay import knowledge
from assay.files import read_json, write_json


@pytest.mark.parametrize("length", [1, 60, 187, 188, 189, 190, 191, 192, 400])
def test_the_place_is_snakemakes_own(length: int) -> None:
    name = "a" * length
    own = FilePersistence._record_path(
        SimpleNamespace(_fetch_max_len=lambda _: knowledge.LONGEST_NAME), str(knowledge.METADATA), name
    )
    assert knowledge.place(name) == Path(own)


def test_what_is_packed_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = [["cells/a/status.json", "cells/a/measured.json"], ["cells/b.json"], ["cells/never_made.json"]]
    for number, name in enumerate([*jobs[0], *jobs[1]]):
        write_json(knowledge.place(name), {"params": [number]})
    knowledge.pack(jobs)
    assert read_json(Path("cells/a/made.json")) == {
        "cells/a/status.json": {"params": [0]},
        "cells/a/measured.json": {"params": [1]},
    }
    assert read_json(Path("cells/made.json")) == {"cells/b.json": {"params": [2]}}
    knowledge.place("cells/b.json").unlink()
    write_json(knowledge.place("cells/a/status.json"), {"params": "of another branch"})
    for made in ("cells/a/made.json", "cells/made.json"):
        knowledge.unpack(Path(made))
    assert read_json(knowledge.place("cells/b.json")) == {"params": [2]}
    assert read_json(knowledge.place("cells/a/status.json")) == {"params": [0]}


def test_packing_again_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(knowledge.place("a/status.json"), {"params": [0]})
    knowledge.pack([["a/status.json"]])
    before = Path("a/made.json").stat()
    knowledge.pack([["a/status.json"]])
    after = Path("a/made.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_what_is_in_doubt_is_incomplete_to_snakemake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys = ["data/raw/digits/source.json", "data/raw/mnist/source.json"]
    for wrong in (True, False):
        knowledge.doubt(keys[0], wrong)
        persistence = FilePersistence(nolock=True, path=tmp_path / ".snakemake")
        assert persistence._filter_incomplete_keys(keys) == set(keys[: int(wrong)])


def test_files_of_the_future_are_taken_back_to_now_and_others_keep_their_time(tmp_path: Path) -> None:
    now = time.time()
    for name, moment in {"later": now + 3600, "earlier": now - 3600}.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    knowledge.not_later_than_now(str(tmp_path / name) for name in ("later", "earlier", "absent"))
    assert now <= (tmp_path / "later").stat().st_mtime <= time.time()
    assert (tmp_path / "earlier").stat().st_mtime == pytest.approx(now - 3600)
