"""The same as real processes, for what a call in this process would not show: a few of each target."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from assay import paths
from tests.workflow.fuzz.damages import Damage, of_bytes, of_lines, of_place
from tests.workflow.fuzz.running import Finished, tries

TRAINED = Path("artifacts/trained/tiny/digits/mlp/0/status.json")
TARGETS = {
    paths.PARAMS: (14, ("list",)),
    TRAINED: (12, ("verify", "--files")),
    Path("data/prepared/digits_twin/arrays.safetensors"): (12, ("plan",)),
    Path("items.npy"): (2, ("predict", "digits/majority/0", "items.npy", "--out", "answers.csv")),
    Path("dvc.lock"): (10, ("restore",)),
}
"""By the file that is damaged: how often, and what then runs."""


@pytest.mark.parametrize("path", TARGETS, ids=str)
def test_a_process_ends_as_documented(finished: Finished, path: Path) -> None:
    count, words = TARGETS[path]
    if not path.exists():
        path.write_bytes(b"\x93NUMPY")
    whole = path.read_bytes()
    with finished.damaged(path, Damage("none", lambda path: None), writes=True):  # noqa: ARG005
        imports = finished.process(*words).seconds

    def check(damage: Damage) -> None:
        if not path.exists():
            path.write_bytes(whole)
        with finished.damaged(path, damage, writes=True):
            finished.process(*words).told(0, 1, 2, after=imports)

    ways = [of_bytes(whole), of_place([paths.REPORT, Path("dvc.yaml")])]
    if path.suffix in (".yaml", ".lock"):
        ways.append(of_lines(whole.decode()))
    tries(count, check, st.one_of(ways))
