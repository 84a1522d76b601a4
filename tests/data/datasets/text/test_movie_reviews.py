"""The two Windows-1252 files of the movie reviews."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.data.datasets.text import movie_reviews


def write(raw: Path, negative: bytes, positive: bytes) -> Path:
    (raw / "rt-polarity.neg").write_bytes(negative)
    (raw / "rt-polarity.pos").write_bytes(positive)
    return raw


def test_the_file_gives_the_label_and_lf_ends_a_line(tmp_path: Path) -> None:
    text_set = movie_reviews.DATASET.read(
        write(tmp_path, b"bad \x85 worse . \nclich\xe9d\n", b"a \x93joy\x94 . \n")
    )
    assert text_set.texts == ["bad … worse . ", "clichéd", "a “joy” . "]
    assert text_set.labels.tolist() == [0, 0, 1]
    assert text_set.split.tolist() == [""] * 3


@pytest.mark.parametrize(
    ("negative", "words"),
    [(b"bad\n \nworse\n", "row 2: the text is empty"), (b"bad\n\x81\n", "row 2: byte 0x81 is not windows")],
)
def test_a_bad_line_is_named(tmp_path: Path, negative: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=rf"rt-polarity.neg: {words}[^\n]+run again$"):
        movie_reviews.DATASET.read(write(tmp_path, negative, b"good\n"))


def test_the_twin_has_bytes_that_are_neither_ascii_nor_utf_8(tmp_path: Path) -> None:
    movie_reviews.DATASET.make_twin(tmp_path, 0)
    data = (tmp_path / "rt-polarity.pos").read_bytes()
    assert data.count(b"\n") == 60
    assert b"\x85" in data
    with pytest.raises(UnicodeDecodeError):
        data.decode()


@pytest.mark.skipif("ASSAY_MIRROR" not in os.environ, reason="ASSAY_MIRROR names no mirror of the real files")
def test_the_mirror_holds_the_declared_bytes(tmp_path: Path) -> None:
    files = movie_reviews.DATASET.fetch(tmp_path, mirror=os.environ["ASSAY_MIRROR"])
    assert set(files) == {file.name for file in movie_reviews.DATASET.source.files}
    text_set = movie_reviews.DATASET.read(tmp_path)
    assert (len(text_set.texts), text_set.labels.sum()) == (10662, 5331)
    assert text_set.texts[5331].startswith("the rock is destined to be the 21st century's new")
    result = movie_reviews.DATASET.prepare(tmp_path, tmp_path / "out", seed=0, validation_fraction=0.1)
    assert result["counts"] == {"train": 8635, "validation": 960, "test": 1067}
    assert result["dropped"] == []
