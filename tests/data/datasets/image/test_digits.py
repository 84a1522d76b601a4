"""Digits, against scikit-learn's own reader of the same file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from assay.data.datasets.image import digits
from assay.data.download import DownloadError
from assay.files import sha256


def test_brings_the_bundled_bytes_unchanged(tmp_path: Path) -> None:
    files = digits.DATASET.fetch(tmp_path, mirror=None)
    [declared] = digits.DATASET.source.files
    assert files == {"digits.csv.gz": {"url": declared.urls[0], "size": 57523, "sha256": declared.sha256}}
    assert sha256(tmp_path / "digits.csv.gz") == declared.sha256


def test_other_bytes_in_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.gz").write_bytes(b"other")
    monkeypatch.setattr("importlib.metadata.PathDistribution.locate_file", lambda *_: tmp_path / "other.gz")
    with pytest.raises(
        DownloadError,
        match=r"^digits/digits.csv.gz: [^\n]*5 bytes with sha256 [0-9a-f]+ came, expected 57523 bytes",
    ):
        digits.DATASET.fetch(tmp_path / "raw", mirror=None)
    assert not (tmp_path / "raw" / "digits.csv.gz").exists()


def test_reads_the_same_as_scikit_learn(tmp_path: Path) -> None:
    digits.DATASET.fetch(tmp_path, mirror=None)
    image_set, bunch = digits.DATASET.read(tmp_path), load_digits()
    assert image_set.images.dtype == np.uint8
    np.testing.assert_allclose(image_set.images[:, 0], bunch.images * 255 / 16, atol=0.5)
    np.testing.assert_array_equal(image_set.labels, bunch.target)
    assert image_set.images.max() == 255
    assert set(image_set.split) == {""}


def test_splits_all_items_and_drops_none(tmp_path: Path) -> None:
    digits.DATASET.fetch(tmp_path, mirror=None)
    result = digits.DATASET.prepare(tmp_path, tmp_path / "digits", seed=0, validation_fraction=0.125)
    assert result["counts"] == {"train": 1257, "validation": 180, "test": 360}
    assert result["dropped"] == []


ROW = ",".join(["0"] * 64) + ",3\n"


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (b"no gzip", "not a complete gzip file"),
        (gzip.compress(ROW.encode(), mtime=0)[:-5], "not a complete gzip file"),
        (gzip.compress(b"a,b\n", mtime=0), "not a gzipped table"),
        (gzip.compress(b"1,2\n", mtime=0), "2 columns, expected 64 pixels and a label"),
        (
            gzip.compress(ROW.replace("0", "17", 1).encode(), mtime=0),
            "pixels from 0 to 17, allowed are 0 to 16",
        ),
    ],
)
def test_a_file_of_another_kind_is_one_line(tmp_path: Path, packed: bytes, words: str) -> None:
    (tmp_path / "digits.csv.gz").write_bytes(packed)
    with pytest.raises(ValueError, match=r"^[^\n]*delete the file and run again$") as caught:
        digits.DATASET.read(tmp_path)
    assert words in str(caught.value)
