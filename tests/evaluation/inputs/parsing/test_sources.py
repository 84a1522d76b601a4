"""Sources are found by name, and their bytes come in lines or whole, in bounded memory."""

from __future__ import annotations

import io
import os

import pytest

from assay.evaluation.inputs.parsing import sources
from assay.evaluation.inputs.parsing.sources import Stream, found


def lines(data, monkeypatch, chunk=7):
    monkeypatch.setattr(sources, "CHUNK", chunk)
    return [*Stream(io.BytesIO(data)).lines()]


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_only_lf_and_cr_lf_end_a_line(chunk, monkeypatch):
    text = "\ufeffone\r\ntwo\u2028still\rtwo\n\nfour"
    assert lines(text.encode(), monkeypatch, chunk) == [
        b"one",
        "two\u2028still\rtwo".encode(),
        b"",
        b"four",
    ]
    assert lines(b"", monkeypatch, chunk) == []
    assert lines(b"\n", monkeypatch, chunk) == [b""]


def test_a_line_without_end_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr(sources, "LONGEST", 20)
    cut, last = lines(b"x" * 1000 + b"\nlast\n", monkeypatch)
    assert 20 < len(cut) <= 27
    assert last == b"last"


def test_the_first_bytes_are_not_consumed():
    stream = Stream(io.BytesIO(b"abcdef"))
    assert stream.first(3) == b"abc"
    assert stream.whole() == b"abcdef"


def test_more_than_the_largest_size_is_refused(monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 10)
    with pytest.raises(ValueError, match="more than 10 bytes; split it"):
        Stream(io.BytesIO(bytes(11))).whole()


def test_a_pipe_is_idle_until_a_whole_line_has_come():
    read, write = os.pipe()
    with os.fdopen(read, "rb") as file, os.fdopen(write, "wb", buffering=0) as end:
        stream = Stream(file)
        end.write(b"one\ntwo\nthr")
        each = stream.lines()
        assert next(each) == b"one"
        assert not stream.idle()
        assert next(each) == b"two"
        assert stream.idle()
        end.write(b"ee\n")
        assert not stream.idle()
        assert next(each) == b"three"


def test_names_files_and_texts_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my file.txt").write_text("a text")
    (each,), _, _ = found(["my file.txt"], (".txt",), texts=True)
    assert each.path is not None
    (each,), _, _ = found(["a fine film"], (".txt",), texts=True)
    assert each.text == "a fine film"
    assert found(["x " * 5000], (".txt",), texts=True)[0][0].text
    for name in ("none.txt", "folder/my file.txt", "./a b"):
        with pytest.raises(ValueError, match="no such file"):
            found([name], (".txt",), texts=True)
    with pytest.raises(ValueError, match="a fine film: no such file"):
        found(["a fine film"], (".png",), texts=False)


def test_a_folder_has_its_files_in_order_and_those_left_out(tmp_path):
    for name in ("b/2.png", "b/10.png", "a.PNG", "notes.md", ".hidden.png", ".git/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    files, bad, others = found([str(tmp_path)], (".png",), texts=False)
    names = [each.path.relative_to(tmp_path).as_posix() for each in files]
    assert names == ["a.PNG", "b/10.png", "b/2.png"]
    assert (bad, others) == ([], [tmp_path / "notes.md"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no file with items in it; expected are \.png"):
        found([str(tmp_path / "empty")], (".png",), texts=False)
