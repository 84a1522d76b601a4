"""What Snakemake knows is found where it keeps it, and comes back as it was."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.persistence.file import FilePersistence

from assay.files import read_json, write_json
from assay.provenance import snakemake_metadata


@pytest.mark.parametrize("length", [1, 60, 187, 188, 189, 190, 191, 192, 400])
def test_the_place_is_snakemakes_own(length: int) -> None:
    name = "a" * length
    own = FilePersistence._record_path(
        SimpleNamespace(_fetch_max_len=lambda _: snakemake_metadata.LONGEST_NAME),
        str(snakemake_metadata.METADATA),
        name,
    )
    assert snakemake_metadata.place(name) == Path(own)


def test_what_is_packed_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = [["cells/a/status.json", "cells/a/measured.json"], ["cells/b.json"], ["cells/never_made.json"]]
    for number, name in enumerate([*jobs[0], *jobs[1]]):
        write_json(snakemake_metadata.place(name), {"params": [number]})
    snakemake_metadata.pack(jobs)
    assert read_json(Path("cells/a/made.json")) == {
        "cells/a/status.json": {"params": [0]},
        "cells/a/measured.json": {"params": [1]},
    }
    assert read_json(Path("cells/made.json")) == {"cells/b.json": {"params": [2]}}
    snakemake_metadata.place("cells/b.json").unlink()
    write_json(snakemake_metadata.place("cells/a/status.json"), {"params": ["of another branch"]})
    for made in ("cells/a/made.json", "cells/made.json"):
        snakemake_metadata.unpack(Path(made))
    assert read_json(snakemake_metadata.place("cells/b.json")) == {"params": [2]}
    assert read_json(snakemake_metadata.place("cells/a/status.json")) == {"params": [0]}


def test_packing_again_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(snakemake_metadata.place("a/status.json"), {"params": [0]})
    snakemake_metadata.pack([["a/status.json"]])
    before = Path("a/made.json").stat()
    snakemake_metadata.pack([["a/status.json"]])
    after = Path("a/made.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_what_is_in_doubt_is_incomplete_to_snakemake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys = ["data/raw/digits/source.json", "data/raw/mnist/source.json"]
    snakemake_metadata.place("killed", snakemake_metadata.INCOMPLETE).parent.mkdir(parents=True)
    write_json(snakemake_metadata.place("killed", snakemake_metadata.INCOMPLETE), {"external_jobid": None})
    for wrong in (keys[:1], keys, keys[1:], [], ["b" * 400], []):
        snakemake_metadata.doubt(wrong)
        persistence = FilePersistence(nolock=True, path=tmp_path / ".snakemake")
        assert persistence._filter_incomplete_keys([*keys, "killed", "b" * 400]) == {*wrong, "killed"}


BAD = ["", "[]", "null", "[1]", '"x"', "3", '{"params": 3}', '{"input": [[]]}', '{"starttime": "x"}', '{"ru']


@pytest.mark.parametrize("text", BAD)
def test_what_snakemake_could_not_read_is_as_good_as_unknown(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = {"code": "1", "spec": "{}"}
    known = {"params": [repr(asked)], "input_checksums": {"data/a.json": "sha256:2"}}
    write_json(snakemake_metadata.place("a/status.json"), known)
    snakemake_metadata.pack([["a/status.json"]])
    place = snakemake_metadata.place("a/status.json")
    place.write_text(text)
    assert snakemake_metadata.read(place) == {}
    snakemake_metadata.pack([["a/status.json"]])  # keeps what was packed
    snakemake_metadata.agree("a/status.json", asked, {"data/a.json": "2"})
    assert read_json(place) == known
    Path("a/made.json").write_text(text)
    place.write_text(text)
    snakemake_metadata.agree("a/status.json", asked, {"data/a.json": "2"})
    assert not place.exists()
    snakemake_metadata.unpack(Path("a/made.json"))


def test_snakemake_learns_how_a_file_was_made_only_where_that_is_how_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = snakemake_metadata.place("a/status.json")
    ours, theirs = {"code": "1", "spec": "{}"}, {"code": "2", "spec": "{}"}
    write_json(place, {"params": [repr(ours)], "input_checksums": {"b.json": "sha256:3"}})
    snakemake_metadata.pack([["a/status.json"]])
    other = {"params": [repr(theirs)], "input_checksums": {"b.json": "sha256:3"}}
    write_json(place, other)
    snakemake_metadata.agree(
        "a/status.json", theirs, {"b.json": "3"}
    )  # Snakemake is right, made.json is of another time
    snakemake_metadata.agree("a/status.json", ours, {"b.json": "4"})  # neither is
    assert read_json(place) == other
    snakemake_metadata.agree("a/status.json", ours, {"b.json": "3"})
    assert read_json(place)["params"] == [repr(ours)]


def test_files_of_the_future_are_taken_back_to_now_and_others_keep_their_time(tmp_path: Path) -> None:
    now = time.time()
    for name, moment in {"later": now + 3600, "earlier": now - 3600}.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    snakemake_metadata.not_later_than_now(str(tmp_path / name) for name in ("later", "earlier", "absent"))
    a_tick = 1  # the clock of the file system runs behind the other one by less
    assert now - a_tick <= (tmp_path / "later").stat().st_mtime <= time.time()
    assert (tmp_path / "earlier").stat().st_mtime == pytest.approx(now - 3600)
