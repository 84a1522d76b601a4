"""The same as real processes, for what a call in this process would not show: a few of each target."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st
from workflow.fuzz.damages import Damage, of_bytes, of_lines, of_place
from workflow.fuzz.running import Finished, tries

from assay import layout

EACH = 10
TRAINED = Path("artifacts/trained/tiny/digits/mlp/0/status.json")
TARGETS = {
    layout.PARAMS: ("list",),
    TRAINED: ("verify", "--files"),
    Path("data/prepared/digits_twin/arrays.safetensors"): ("plan",),
    Path("items.npy"): ("predict", "digits/majority/0", "items.npy", "--out", "answers.csv"),
    Path("dvc.lock"): ("restore",),
}


@pytest.mark.parametrize(("path", "words"), TARGETS.items(), ids=str)
def test_a_process_ends_as_documented(finished: Finished, path: Path, words: tuple[str, ...]) -> None:
    if not path.exists():
        path.write_bytes(b"\x93NUMPY")
    whole = path.read_bytes()

    def check(damage: Damage) -> None:
        if not path.exists():
            path.write_bytes(whole)
        with finished.damaged(path, damage, writes=True):
            finished.process(*words).told(0, 1, 2)

    ways = [of_bytes(whole), of_place([layout.REPORT, Path("dvc.yaml")])]
    if path.suffix in (".yaml", ".lock"):
        ways.append(of_lines(whole.decode()))
    tries(EACH, check, st.one_of(ways))
