"""Multi30k: upstream's split is kept, and damaged files are named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.datasets.text import multi30k


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    multi30k.DATASET.make_twin(tmp_path / "raw", 0)
    return tmp_path / "raw"


def test_keeps_upstreams_split(raw: Path, tmp_path: Path) -> None:
    result = multi30k.DATASET.prepare(raw, tmp_path / "out", seed=0, validation_fraction=0.3)
    assert result["counts"] == {"train": 160, "validation": 20, "test": 20}
    items = pd.read_parquet(tmp_path / "out" / "items.parquet")
    sources = gzip.decompress((raw / "val.de.gz").read_bytes()).decode().splitlines()
    assert items["source"][items["split"] == "validation"].tolist() == sources


def test_a_repeated_pair_is_dropped_and_counted(raw: Path, tmp_path: Path) -> None:
    pair_set = multi30k.DATASET.read(raw)
    for language, texts in (("de", pair_set.sources), ("en", pair_set.targets)):
        lines = [*texts[:160], texts[3], texts[165], texts[180]]  # of train, of validation, of test
        (raw / f"train.{language}.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    result = multi30k.DATASET.prepare(raw, tmp_path / "out", seed=0, validation_fraction=0.1)
    assert result["counts"]["train"] == 160
    assert {entry["reason"]: entry["count"] for entry in result["dropped"]} == {
        "same pair as an earlier item of the split": 1,
        "also in test": 1,
        "also in validation": 1,
    }


def spoil_gzip(raw: Path) -> None:
    (raw / "val.en.gz").write_bytes(b"not gzip")


def spoil_stream(raw: Path) -> None:
    whole = gzip.compress(b"one\n" * 99)
    (raw / "val.en.gz").write_bytes(whole[:10] + b"\xff" + whole[11:])


def spoil_encoding(raw: Path) -> None:
    (raw / "val.en.gz").write_bytes(gzip.compress(b"one\ncaf\xe9\n"))


def spoil_line(raw: Path) -> None:
    (raw / "val.en.gz").write_bytes(gzip.compress(b"one\n \n"))


def spoil_count(raw: Path) -> None:
    (raw / "val.en.gz").write_bytes(gzip.compress(b"one\n"))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (spoil_gzip, "not a complete gzip file"),
        (spoil_stream, "not a complete gzip file"),
        (spoil_encoding, "row 2: byte 0xe9 is not utf-8"),
        (spoil_line, "row 2: the text is empty"),
        (spoil_count, "1 lines, val.de.gz has 20"),
    ],
)
def test_names_a_damaged_file(raw: Path, spoil, found: str) -> None:
    spoil(raw)
    with pytest.raises(ValueError, match=rf"val.en.gz: {found}[^\n]*delete [^\n]*and run again"):
        multi30k.DATASET.read(raw)


def test_the_split_is_of_three_parts(raw: Path) -> None:
    assert np.unique(multi30k.DATASET.read(raw).split).tolist() == ["test", "train", "validation"]
