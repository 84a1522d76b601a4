"""Snakemake's own lint finds nothing but what does not hold here."""

import re

from tests.workflow.project import ROOT, Project

LEFT = "Specify a conda environment or container for each rule."
"""One virtual environment, pinned by requirements.lock, serves every rule."""


def test_the_lint_finds_nothing_else():
    told = Project(ROOT).run("snakemake --lint")
    titles = re.findall(r"^    \* (.*?):?$", told.stdout + told.stderr, flags=re.MULTILINE)
    assert set(titles) == {LEFT}, told.stdout
