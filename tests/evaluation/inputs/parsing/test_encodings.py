"""Text files come as UTF-8 in whatever encoding they are; what could be read in two ways is not guessed."""

from __future__ import annotations

import io

import pytest

from assay.evaluation.inputs.parsing import sources
from assay.evaluation.inputs.parsing.encodings import Encoding, chosen, decoder, not_utf8
from assay.evaluation.inputs.parsing.sources import Stream

TEXT = "naïve café\nœuvre fini €\n"


def lines(data, encoding, monkeypatch, chunk=1000):
    monkeypatch.setattr(sources, "CHUNK", chunk)
    return [line.decode() for line in Stream(io.BytesIO(data), decoder("f.txt", encoding)).lines()]


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_text_is_read_in_its_encoding_however_it_arrives(encoding, chunk, monkeypatch):
    named = Encoding("windows-1252" if encoding == "windows-1252" else "utf-8", named=True)
    for end in ("\n", "\r\n"):
        data = TEXT.replace("\n", end).encode(encoding)
        assert lines(data, named, monkeypatch, chunk) == TEXT.splitlines()


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_a_mark_counts_more_than_a_named_encoding(mark, monkeypatch):
    data = f"\ufeff{TEXT}".encode(mark)
    assert lines(data, Encoding("windows-1252", named=True), monkeypatch, 1) == TEXT.splitlines()


def test_bytes_of_another_encoding_are_named_with_their_line(monkeypatch):
    with pytest.raises(ValueError, match=r"f\.txt: line 3: byte 0x81 is not windows-1252; allowed for --enc"):
        lines(TEXT.encode("windows-1252") + b"a \x81", Encoding("windows-1252", named=True), monkeypatch)
    with pytest.raises(ValueError, match=r"line 1: .* is not utf-16"):
        lines(TEXT.encode("utf-16")[:-1].replace(b"\n", b"x"), Encoding(), monkeypatch)


def test_a_file_in_utf8_is_not_read_in_the_other_encoding_of_the_dataset(monkeypatch):
    of_dataset = Encoding("windows-1252")
    with pytest.raises(
        ValueError, match="reads as utf-8, and as windows-1252, the encoding of the dataset; na"
    ):
        lines(TEXT.encode(), of_dataset, monkeypatch)
    assert lines(TEXT.encode("windows-1252"), of_dataset, monkeypatch) == TEXT.splitlines()
    assert lines(b"plain\n", of_dataset, monkeypatch) == ["plain"]
    named = Encoding("windows-1252", named=True)
    assert lines("é\n".encode(), named, monkeypatch) == ["Ã©"]


def test_the_named_encoding_comes_first_and_only_text_has_one():
    assert chosen(None, "windows-1251") == Encoding("windows-1251")
    assert chosen("utf-8", "windows-1251") == Encoding("utf-8", named=True)
    assert chosen(None, "utf-8-sig") == Encoding("utf-8")
    assert chosen(None, None) is None
    with pytest.raises(ValueError, match="--encoding klingon: allowed are utf-8, utf-16, windows-1252"):
        chosen("klingon", "utf-8")
    with pytest.raises(ValueError, match="--encoding utf-8: the items are not text"):
        chosen("utf-8", None)


def test_windows_1252_is_offered_with_what_it_reads():
    def told(data):
        return not_utf8(data.decode("utf-8", "surrogateescape"))

    assert told(b"a caf\xe9 here") == (
        "byte 0xe9 is not UTF-8; save the file as UTF-8, or add --encoding windows-1252 if 'a café here' is right"
    )
    assert (
        told(b"\x81")
        == "byte 0x81 is not UTF-8; save the file as UTF-8, or name its encoding with --encoding"
    )
    assert told("café".encode()) is None
    assert not_utf8("\ud800") == "U+D800 is not UTF-8; save the file as UTF-8"
