"""The part of the data that the name of a file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.data.own import parts


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train", "train"),
        ("en_ewt-ud-dev", "validation"),
        ("Test2", "test"),
        ("training", "train"),
        ("letters", ""),
        ("contest", ""),
        ("train_and_test", ""),
    ],
)
def test_a_word_of_the_name_says_the_part(name, part):
    assert parts.of_file(name) == part


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("train/a.txt", "train"),
        ("Dev/sub/a.txt", "validation"),
        ("letters/test.txt", "test"),
        ("letters/a.txt", ""),
        ("train-00000-of-00002.parquet", "train"),
    ],
)
def test_a_folder_says_the_part_of_its_files(path, part):
    assert parts.of_path(Path(path)) == part
