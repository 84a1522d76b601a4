"""Each statement of SECURITY.md is held by a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_test_that_security_md_names_exists() -> None:
    named = re.findall(r"<!-- (\S+)::(\w+) -->", (ROOT / "SECURITY.md").read_text())
    assert named
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(), (file, name)
