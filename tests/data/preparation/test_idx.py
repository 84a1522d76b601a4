"""The IDX reader, on files written by hand."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from assay.data.preparation import idx
from assay.data.preparation.idx import read_idx, write_idx


def packed(path: Path, *values: bytes) -> Path:
    path.write_bytes(gzip.compress(b"".join(values)))
    return path


def header(*shape: int, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def test_reads_a_file_written_by_hand(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "a.gz", b"\0\0\x08\x02", b"\0\0\0\x02", b"\0\0\0\x03", bytes([1, 2, 3, 4, 5, 255])
    )
    np.testing.assert_array_equal(read_idx(path, dimensions=2), [[1, 2, 3], [4, 5, 255]])


def test_reads_what_it_wrote(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    write_idx(tmp_path / "a.gz", values)
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz", dimensions=3), values)


def test_equal_arrays_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, np.arange(12, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (b"", "header empty"),
        (b"\0\0\x08\x01\0\0", "header 00000801"),
        (header(2, 1) + b"ab", "header 00000802"),
        (header(2, kind=13) + b"ab", "header 00000d01"),
        (header(3) + b"ab", "announces 3 bytes, but there are only 2"),
        (header(1) + b"ab", "announces 1 bytes, but there are more"),
        (header(0), "announces shape (0,), allowed are 1 to"),
        (header(2**32 - 1) + b"ab", "announces shape (4294967295,), allowed are 1 to"),
    ],
)
def test_refuses_files_that_differ_from_their_header(tmp_path: Path, values: bytes, words: str) -> None:
    path = packed(tmp_path / "a.gz", values)
    with pytest.raises(ValueError, match=r"^[^\n]*delete[^\n]*$") as caught:
        read_idx(path, dimensions=1)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda _: b"not gzip", lambda b: b[:-9], lambda b: b[:20] + b"\xff" + b[21:]]
)
def test_refuses_a_damaged_gzip_file(tmp_path: Path, damage: object) -> None:
    write_idx(tmp_path / "a.gz", np.arange(200, dtype=np.uint8))
    whole = (tmp_path / "a.gz").read_bytes()
    (tmp_path / "a.gz").write_bytes(damage(whole))  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"a\.gz: not a complete gzip file"):
        read_idx(tmp_path / "a.gz", dimensions=1)


def test_unpacks_no_more_than_the_header_announces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb: 64 MiB of zeros behind a header that announces ten bytes."""
    path = packed(tmp_path / "a.gz", header(10), bytes(64 << 20))
    sizes: list[int] = []
    read = gzip.GzipFile.read

    def watched(stream: gzip.GzipFile, size: int = -1) -> bytes:
        sizes.append(size)
        return read(stream, size)

    monkeypatch.setattr(idx.gzip.GzipFile, "read", watched)
    with pytest.raises(ValueError, match="but there are more"):
        read_idx(path, dimensions=1)
    assert sizes == [8, 11]
