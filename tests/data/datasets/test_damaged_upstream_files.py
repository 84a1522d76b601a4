"""A damaged upstream file is read, or an error in one line; new datasets need no new test."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assay.config import registry
from assay.data import loading

DATASETS = sorted(name for name, entry in registry.DATASETS.items() if not entry.parts)


def inside_gzip(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return a change of the contents of a gzipped file."""
    return lambda data: (
        gzip.compress(change(gzip.decompress(data))) if data[:2] == b"\x1f\x8b" else change(data)
    )


DAMAGES = {
    "empty": lambda _: b"",
    "empty inside": inside_gzip(lambda _: b""),
    "a blank line": inside_gzip(lambda _: b"\n"),
    "cut": lambda data: data[: len(data) // 2],
    "cut inside": inside_gzip(lambda data: data[: len(data) // 2]),
    "noise": lambda data: np.random.default_rng(0).bytes(len(data)),
    "noise inside": inside_gzip(lambda data: np.random.default_rng(1).bytes(len(data))),
    "a web page": lambda _: b"<!DOCTYPE html>\n<html>\x81</html>\n",
    "more behind": inside_gzip(lambda data: data + b"9" * 30 + b'\n"\x00,\n'),
    "twice": lambda data: data + data,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", DATASETS)
def test_a_damaged_file_is_read_or_named_in_one_line(name: str, damage: str, tmp_path: Path) -> None:
    dataset = loading.load(name)
    dataset.make_twin(tmp_path, 0)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(DAMAGES[damage](whole))
        error = error_of(lambda: dataset.read(tmp_path))
        if error is None:
            assert damage not in ("empty", "empty inside", "a blank line", "noise", "a web page")
        else:
            assert type(error) is ValueError  # others are recorded with a traceback
            assert str(error).startswith(f"{tmp_path}")
            assert path.name in str(error) or str(error).startswith(f"{tmp_path}: ")
            assert str(error).endswith("run again")
            assert "\n" not in str(error)
            assert len(str(error)) < 1000
        path.write_bytes(whole)


def error_of(call: Callable[[], object]) -> ValueError | None:
    try:
        call()
    except ValueError as error:
        return error
    return None
