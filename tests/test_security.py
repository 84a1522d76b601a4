"""Each statement of SECURITY.md, and of what README says can be relied on, is held by a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = r"<!-- (\S+)::(\w+) -->"
SECTIONS = {
    "SECURITY.md": ("## What is checked", "## Dependencies"),
    "README.md": ("## What you can rely on", "## Layout"),
}


@pytest.mark.parametrize("page", SECTIONS)
def test_each_test_that_a_page_names_exists(page: str) -> None:
    named = re.findall(NAMED, (ROOT / page).read_text())
    assert named
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(), (file, name)


@pytest.mark.parametrize("page", SECTIONS)
def test_each_point_names_a_test(page: str) -> None:
    begin, end = SECTIONS[page]
    text = (ROOT / page).read_text()
    points = re.split(r"\n- ", text[text.index(begin) : text.index(end)])[1:]
    assert len(points) > 5
    for point in points:
        assert re.search(NAMED, point), point
