"""Whole or absent."""

import hashlib
import json

import pytest

from assay import files


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("before")

    def fail_halfway():
        with files.replacing(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_ends_well_replaces_the_file_and_makes_its_folder(tmp_path):
    path = tmp_path / "new" / "record.json"
    files.write_text(path, "after")
    assert path.read_text() == "after"
    assert list(path.parent.iterdir()) == [path]


def test_equal_values_are_equal_bytes(tmp_path):
    files.write_json(tmp_path / "a", {"x": 1, "y": [1.5, None]})
    files.write_json(tmp_path / "b", {"y": [1.5, None], "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert files.read_json(tmp_path / "a") == {"x": 1, "y": [1.5, None]}


def test_not_a_number_is_refused_because_json_has_none(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a", float("nan"))
    assert not (tmp_path / "a").exists()


def test_a_truncated_file_is_named_in_one_line(tmp_path):
    path = tmp_path / "status.json"
    path.write_text(json.dumps({"status": "ok"})[:-4])
    with pytest.raises(ValueError, match=r"status\.json: not valid JSON") as fault:
        files.read_json(path)
    assert "\n" not in str(fault.value)


def test_digest_is_the_one_of_the_bytes(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(b"assay" * 1000)
    assert files.sha256(path) == hashlib.sha256(b"assay" * 1000).hexdigest()


def test_what_a_killed_process_was_writing_goes_and_nothing_else(tmp_path):
    kept = [tmp_path / name for name in ("record.json", ".gitkeep", ".snakemake_timestamp", ".a.b")]
    for path in kept:
        path.touch()
    block = files.replacing(tmp_path / "record.json")
    unfinished = block.__enter__()  # and the process is killed
    assert unfinished.exists()
    files.discard_unfinished([tmp_path, tmp_path / "none"])
    assert sorted(tmp_path.iterdir()) == sorted(kept)
