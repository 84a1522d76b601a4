"""Titles are the targets of their own descriptions, with the fixes of ag_news."""

from pathlib import Path

import pytest

from assay.data.datasets.text import ag_news_titles

ROW = '"3","Wall St. #39;s Bears","Reuters - Short-sellers, Wall Street #39;s band\\of ultra-cynics."\n'


def test_each_text_has_its_own_title(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(ROW + '"1","Second","Another."\n')
    found = ag_news_titles.DATASET.read(tmp_path)
    assert found.targets == ["Wall St.'s Bears", "Second"]
    assert found.sources == ["Reuters - Short-sellers, Wall Street's band of ultra-cynics.", "Another."]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('"1","","Text."', "row 2: the text is empty"),
        ('"1","Title"," "', "row 2: the text is empty"),
        ('"1","Title"', "row 2: 2 columns, expected 3"),
        ('"9","Title","Text."', "row 2: label '9', allowed are 1, 2, 3, 4"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "test.csv").write_text(f"{ROW}{row}\n")
    with pytest.raises(ValueError, match=f"test.csv: {message}"):
        ag_news_titles.DATASET.read(tmp_path)
