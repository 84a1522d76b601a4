"""A small project that has run, for tests that look at what a run leaves."""

import pytest
from workflow.project import copy

TINY = "\n  tiny: {tasks: [digits], models: [majority, mlp], methods: [prune], twins: true, seeds: [0]}"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A copy under Git and DVC that ran two models on a twin. Copy it before you change anything."""
    project = copy(tmp_path_factory.mktemp("tiny"))
    project.edit("params.yaml", "\nsuite: default\n", "\nsuite: tiny\n")
    project.edit("params.yaml", "\nsuites:", f"\nsuites:{TINY}")
    began = project.run(
        "git init -q && git -c user.name=t -c user.email=t@t add -A . && git -c user.name=t -c user.email=t@t"
        " commit -qm begin && dvc repro"
    )
    assert began.returncode == 0, began.stdout + began.stderr
    return project
