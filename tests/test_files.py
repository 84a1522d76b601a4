"""Whole or absent."""

import errno
import hashlib
import json
import os
import socket
import stat
import tempfile
from pathlib import Path

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
    with pytest.raises(ValueError, match=r"status\.json: not valid JSON") as error:
        files.read_json(path)
    assert "\n" not in str(error.value)


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


@pytest.fixture
def umask():
    """Return a function that sets the umask for this test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_umasks_mode(mask, expected, umask, tmp_path):
    umask(mask)
    files.write_text(tmp_path / "new.json", "text")
    assert mode(tmp_path / "new.json") == expected


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o444, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(kept, tmp_path):
    path = tmp_path / "old.json"
    path.write_text("before")
    path.chmod(kept)
    with files.replacing(path) as aside:
        assert mode(aside) == 0o600  # nobody else reads what is half written
        aside.write_text("after")
    assert (path.read_text(), mode(path)) == ("after", kept)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_link_stays_and_its_target_is_replaced(elsewhere, tmp_path, other_filesystem):
    target = (other_filesystem if elsewhere else tmp_path / "there") / "real.csv"
    target.parent.mkdir(exist_ok=True)
    link = tmp_path / "out.csv"
    link.symlink_to(target)
    for text in ("made", "made again"):  # at first the link leads nowhere
        files.write_text(link, text)
        assert (link.is_symlink(), target.read_text()) == (True, text)
    assert list(target.parent.iterdir()) == [target]


def test_a_link_into_dvcs_cache_is_replaced_itself(tmp_path):
    kept, link = tmp_path / "cached", tmp_path / "out.csv"
    kept.write_text("recorded")
    kept.chmod(0o444)
    link.symlink_to(kept)
    files.write_text(link, "made")
    assert (kept.read_text(), link.is_symlink(), link.read_text()) == ("recorded", False, "made")


def test_a_link_that_is_moved_away_meanwhile_is_not_followed(tmp_path, other_filesystem):
    target, link = other_filesystem / "real", tmp_path / "out"
    target.write_text("before")
    link.symlink_to(target)
    with files.replacing(link) as aside:
        aside.write_text("after")
        link.rename(tmp_path / "moved")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("before", "after", False)


def make_folder(path):
    path.mkdir()


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_link_to_device(path):
    path.symlink_to("/dev/null")


NO_FILES = {
    make_folder: "is a folder",
    os.mkfifo: "is a pipe",
    make_socket: "is a socket",
    make_link_to_device: "is a device",
}


@pytest.mark.parametrize(("make", "message"), NO_FILES.items())
def test_what_is_no_file_is_never_replaced(make, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    path = Path("out")
    make(path)
    before = path.lstat()
    for write in (
        files.check_output,
        lambda path: files.write_output(path, ""),
        lambda path: files.write_json(path, 1),
    ):
        with pytest.raises(ValueError, match=f"^out: {message}; a file is expected$"):
            write(path)
    assert path.lstat() == before
    assert list(Path().iterdir()) == [path]


def test_an_output_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("items.txt").write_text("a text")
    os.link("items.txt", "other_name.txt")
    Path("link.txt").symlink_to("items.txt")
    Path("loop").symlink_to("loop")
    for name, message in {
        "none/out.csv": "there is no folder none; create it first",
        "items.txt/out.csv": "cannot be written: Not a directory",
        "a" * 300: "cannot be written: File name too long",
        "b/" * 2100: "cannot be written: File name too long",
        "loop": "cannot be written: ",
        "items.txt": "is read by this command and would be lost; name another file",
        "other_name.txt": "is read by this command",
        "link.txt": "is read by this command",
    }.items():
        with pytest.raises(ValueError, match=f": {message}") as caught:
            files.check_output(Path(name), Path("items.txt"), Path("missing.yaml"))
        assert "\n" not in str(caught.value)
    assert Path("items.txt").read_text() == "a text"
    longest = Path("c" * 251 + ".csv")
    files.check_output(longest)
    files.write_output(longest, "text")
    assert longest.read_text() == "text"


def test_a_folder_that_is_not_writable_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)  # for root all are
    with pytest.raises(ValueError, match=r"out\.csv: cannot be written: you may not write to"):
        files.check_output(tmp_path / "out.csv")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("before")
    monkeypatch.setattr(os, "fsync", fail_with(errno.ENOSPC))
    with pytest.raises(ValueError, match="cannot be written: No space left on device"):
        files.write_output(path, "after")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])


def test_a_dash_is_standard_output(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.check_output(Path("-"))
    files.write_output(Path("-"), "row\n1\n")
    assert capsys.readouterr().out == "row\n1\n"
    assert list(tmp_path.iterdir()) == []


def fail_with(number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture(params=["a real one", "an error"])
def other_filesystem(request, tmp_path, monkeypatch):
    """A folder to which nothing can be renamed from ``tmp_path``."""
    shared = Path("/dev/shm")
    if request.param == "a real one":
        if not os.access(shared, os.W_OK) or shared.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is no second filesystem here")
        with tempfile.TemporaryDirectory(dir=shared) as folder:
            yield Path(folder)
        return
    other, replace = tmp_path / "other", os.replace

    def renamed(source, target):
        if len({other in Path(path).resolve().parents for path in (source, target)}) == 2:
            fail_with(errno.EXDEV)()
        replace(source, target)

    other.mkdir()
    monkeypatch.setattr(os, "replace", renamed)
    yield other


def test_what_lies_on_another_filesystem_is_set_aside(tmp_path, monkeypatch, other_filesystem):
    monkeypatch.chdir(tmp_path)
    Path("artifacts").symlink_to(other_filesystem)
    cell = Path("artifacts/trained/cell")
    cell.mkdir(parents=True)
    (cell / "status.json").write_text("{}")
    (cell / "link").symlink_to("status.json")
    (cell / "private").touch(mode=0o600)
    files.set_aside(cell, Path("kept"))
    files.set_aside(Path("artifacts/none"), Path("kept"))
    there = Path("kept/artifacts/trained/cell")
    assert sorted(path.name for path in there.iterdir()) == ["link", "private", "status.json"]
    assert (there / "link").is_symlink()
    assert mode(there / "private") == 0o600
    assert not cell.exists()
    cell.write_text("a file")
    files.set_aside(cell, Path("again"))
    assert Path("again/artifacts/trained/cell").read_text() == "a file"
    assert not cell.exists()


def test_a_copy_that_fails_leaves_the_source(tmp_path, monkeypatch, other_filesystem):
    monkeypatch.chdir(tmp_path)
    source = other_filesystem / "cell"
    source.mkdir()
    (source / "status.json").write_text("{}")
    monkeypatch.setattr(files.shutil, "copytree", fail_with(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        files.move(source, Path("cell"))
    assert (source / "status.json").exists()
    assert not Path("cell").exists()
