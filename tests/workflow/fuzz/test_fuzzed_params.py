"""params.yaml, whatever it holds: fine, or its faults a line each; and nothing is called done that is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from assay import paths
from assay.pipeline.rule_functions import Graph, matrix_or_exit
from tests.workflow.fuzz.damages import Damage, of_bytes, of_lines, of_place, of_tree
from tests.workflow.fuzz.running import COUNTS, Finished, tries

COMMANDS = (
    ("list",),
    ("plan",),
    ("verify", "--files"),
)


OF_A_SUITE = re.compile(r"^params\.yaml: suites\.\S+: .*(fits none of|nothing runs)")
NEEDED = {
    "datasets": ["digits"],
    "tasks": ["digits"],
    "models": ["majority", "mlp"],
    "methods": ["prune"],
    "suites": ["tiny"],
}
"""The rows without which the suite would not be what it is: most damages should meet them."""


def damages() -> st.SearchStrategy[Damage]:
    """Draw what is done to params.yaml, most often after all that the suite does not need was taken out."""
    text = paths.PARAMS.read_text(encoding="utf-8")
    whole = yaml.safe_load(text)
    needed = whole | {key: {name: whole[key][name] for name in names} for key, names in NEEDED.items()}
    short = yaml.safe_dump(needed, sort_keys=False)
    others = [Path("dvc.yaml"), Path("dvc.lock"), Path("reports/results.csv")]
    long = st.one_of(of_lines(text), of_tree(whole), of_bytes(text.encode()), of_place(others))
    return st.one_of(of_lines(short), of_tree(needed), of_bytes(short.encode()), of_lines(short), long)


def requested() -> dict[str, Any]:
    """Return what each job of the suite is requested to do."""
    return {job.record: dict(job.request) for job in Graph(matrix_or_exit({"suite": "tiny"})).jobs}


@pytest.mark.parametrize("count", COUNTS)
def test_damaged_params_are_told_a_line_each(finished: Finished, count: int) -> None:
    before = requested()

    def check(damage: Damage, words: tuple[str, ...]) -> None:
        with finished.damaged(paths.PARAMS, damage):
            checked = finished.run("check")
            if checked.code == 2:
                faults = checked.err.splitlines()
                assert all(line.startswith("params.yaml: ") and line.isprintable() for line in faults), (
                    checked
                )
                ran = finished.run(*words)
                if OF_A_SUITE.search(faults[0]):  # of one that need not be that which runs
                    ran.told(0, 1, 2)
                elif words == ("plan",):
                    assert (ran.code, ran.err) == (2, checked.err)
                else:
                    more = f" (and {len(faults) - 1} more: assay check)" if len(faults) > 1 else ""
                    assert ran.told(2).err == f"{faults[0]}{more}\n"
            else:
                checked.told(0)
                ran = finished.run(*words).told(0, 1, 2)
                if "nothing to do" in ran.out or ran.out.count("\tok\n") == 3:
                    assert requested().items() <= before.items(), ran

    tries(count, check, damages(), st.sampled_from(COMMANDS))
