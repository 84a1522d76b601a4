"""The CSV file of AG News, and its fixes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.data.datasets.text import ag_news


def write(raw: Path, data: bytes) -> Path:
    (raw / "test.csv").write_bytes(data)
    return raw


@pytest.mark.parametrize(
    ("field", "fixed"),
    [
        (r"A second\team, \$1B", "A second team,  $1B"),
        ("doesn #39;t cost  #36;10, J amp;J", "doesn't cost $10, J&J"),
        ("In  quot;helping, quot; he said", 'In "helping," he said'),
        ("quot;Yes", '"Yes'),
        ("online  #151; #147;now #148;", "online —“now”"),
        ("Instruments &lt;TXN.N&gt; rose", "Instruments <TXN.N> rose"),
        ("&lt;p&gt;\\&lt;/p&gt;&lt;FONT size='-2'&gt;London", "    London"),
        ("x lt;y; 2 &lt; 3; the halt; a &lt;b&gt; b", "x<y; 2 < 3; the halt; a   b"),
    ],
)
def test_removes_backslashes_and_remnants_of_html(tmp_path: Path, field: str, fixed: str) -> None:
    text_set = ag_news.DATASET.read(write(tmp_path, f'"3","Title","{field}"\n'.encode()))
    assert text_set.texts == [f"Title {fixed}"]
    assert text_set.labels.tolist() == [2]


def test_reads_quotes_as_csv_does(tmp_path: Path) -> None:
    text_set = ag_news.DATASET.read(write(tmp_path, b'"1","A ""b"", c","d"\n"4","e","f"\n'))
    assert text_set.texts == ['A "b", c d', "e f"]
    assert text_set.labels.tolist() == [0, 3]
    assert text_set.split.tolist() == ["", ""]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b'"5","a","b"', "row 2: label '5', allowed are 1, 2, 3, 4"),
        (b'"1","a"', "row 2: 2 columns, expected 3"),
        (b'"1"," ","\\"', "row 2: the text is empty"),
        (b'"1","a","\xff"', "row 2: byte 0xff is not utf-8"),
        (b'"1","a","b', "row 2: not CSV"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=rf"test.csv: {words}[^\n]*run again$"):
        ag_news.DATASET.read(write(tmp_path, b'"1","a","b"\n' + row + b"\n"))


def test_the_twin_has_upstreams_remnants_and_none_is_left_in_reading(tmp_path: Path) -> None:
    ag_news.DATASET.make_twin(tmp_path, 0)
    data = (tmp_path / "test.csv").read_bytes()
    assert all(remnant in data for remnant in (b"#39;", b"quot;", b"&lt;", b'""', b"\\", "é".encode()))
    assert not any(set(text) & set("\\#;<") for text in ag_news.DATASET.read(tmp_path).texts)


@pytest.mark.skipif("ASSAY_MIRROR" not in os.environ, reason="ASSAY_MIRROR names no mirror of the real files")
def test_the_mirror_holds_the_declared_bytes(tmp_path: Path) -> None:
    files = ag_news.DATASET.fetch(tmp_path, mirror=os.environ["ASSAY_MIRROR"])
    assert set(files) == {file.name for file in ag_news.DATASET.source.files}
    text_set = ag_news.DATASET.read(tmp_path)
    assert len(text_set.texts) == 7600
    assert text_set.texts[0].startswith(
        "Fears for T N pension after talks Unions representing workers at Turner"
    )
    result = ag_news.DATASET.prepare(tmp_path, tmp_path / "out", seed=0, validation_fraction=0.1)
    assert result["counts"] == {"train": 5814, "validation": 646, "test": 1140}
    assert result["dropped"] == []
