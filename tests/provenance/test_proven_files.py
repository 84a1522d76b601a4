"""What was proven once is not read again, and nothing that changed passes for it."""

import os
import time

import pytest

from assay.files import sha256
from assay.provenance import proven_files, records


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A record of a file, both two seconds old as far as the clock here says."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "arrays.bin").write_bytes(b"0" * 1000)

    def work():
        return {
            "dataset": "made", "counts": {"train": 1},
            "files": {"arrays.bin": sha256(folder / "arrays.bin")},
        }  # fmt: skip

    records.keep(folder / "prepared.json", "prepare", work, code="", spec={})
    now = time.time_ns
    monkeypatch.setattr(proven_files.time, "time_ns", lambda: now() + 2 * proven_files.SETTLED_NS)
    return folder / "prepared.json"


@pytest.fixture
def reads(monkeypatch):
    """How many files were read whole."""
    counted = []
    monkeypatch.setattr(records, "sha256", lambda path: counted.append(path) or sha256(path))
    return counted


def test_files_are_read_once(record, reads):
    first = proven_files.require(record, "prepare")
    assert len(reads) == 1
    assert proven_files.require(record, "prepare") == first
    assert len(reads) == 1


def test_a_byte_that_changed_is_found_whatever_its_time_says(record):
    proven_files.require(record, "prepare")
    path = record.with_name("arrays.bin")
    times = path.stat()
    path.write_bytes(b"1" + b"0" * 999)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(ValueError, match=r"arrays\.bin: does not have the digest in prepared\.json"):
        proven_files.require(record, "prepare")


def test_what_changed_a_moment_ago_is_not_taken_for_proven(record, reads, monkeypatch):
    changed = record.with_name("arrays.bin").stat().st_ctime_ns
    monkeypatch.setattr(proven_files.time, "time_ns", lambda: changed + 1000)
    for _ in range(2):
        proven_files.require(record, "prepare")
    assert len(reads) == 2
    assert not proven_files.FOLDER.exists()


def test_a_missing_file_and_another_record_are_found(record):
    proven_files.require(record, "prepare")
    with pytest.raises(ValueError, match="of the phase prepare"):
        proven_files.require(record, "ingest")
    record.with_name("arrays.bin").unlink()
    with pytest.raises(ValueError, match="does not have the digest"):
        proven_files.require(record, "prepare")


def test_a_proof_that_cannot_be_kept_costs_nothing_but_time(record, reads):
    proven_files.FOLDER.parent.mkdir()
    proven_files.FOLDER.write_text("in the way")
    for _ in range(2):
        proven_files.require(record, "prepare")
    assert len(reads) == 2
