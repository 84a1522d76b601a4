"""The part of the data that the name of a file says."""

from __future__ import annotations

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
