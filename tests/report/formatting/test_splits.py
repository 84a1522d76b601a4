"""Where a split comes from stands in words."""

import pytest

from assay.report.formatting.splits import origins


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"validation": "drawn", "test": "upstream", "strategy": "stratified"},
         "validation drawn in the proportions of the classes, test as upstream names them"),
        ({"validation": "drawn", "test": "drawn", "strategy": "group"},
         "validation and test drawn by whole groups"),
        ({"validation": "drawn", "test": "drawn"}, "validation and test drawn"),
        (None, ""),
    ],
)  # fmt: skip
def test_each_part_says_where_it_comes_from(split, words):
    assert origins({"split": split}) == words
