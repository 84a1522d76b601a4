"""Each page of docs/ that says how to add a thing is followed to the letter."""

import re

import pytest

from tests.workflow.project import ROOT, copy

PAGES = sorted(path.name for path in (ROOT / "docs").glob("add-a-*.md"))
STEP = re.compile(
    r"^(?:Write `(?P<new>[^`]+)`|In `(?P<file>[^`]+)`, below `(?P<line>[^`]+)`|(?P<run>Run)):"
    r"\n\n```\w+\n(?P<text>.*?)```",
    re.MULTILINE | re.DOTALL,
)


def follow(page, project):
    """Take each step of a page; return the commands' results."""
    results = []
    for step in STEP.finditer((ROOT / "docs" / page).read_text()):
        if step["new"]:
            target = project.folder / step["new"]
            assert not target.exists()
            target.write_text(step["text"])
        elif step["file"]:
            line = f"\n{step['line']}\n"
            project.edit(step["file"], line, line + step["text"])
        else:
            results += [project.run(command) for command in step["text"].strip().splitlines()]
    return results


def test_there_is_a_page_for_each_kind_of_thing():
    assert PAGES == ["add-a-dataset.md", "add-a-method.md", "add-a-model.md", "add-a-task.md"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_followed_to_the_letter_runs(page, tmp_path):
    project = copy(tmp_path)
    results = follow(page, project)
    assert results
    for result in results:
        assert result.returncode == 0, result.stdout + result.stderr
    added = page.removeprefix("add-a-").removesuffix(".md")
    name = {"dataset": "stripes", "method": "half", "model": "softmax", "task": "odd_digits"}[added]
    [table] = (path.read_text() for path in (project.folder / "reports").rglob("results.csv"))
    assert f",{name}," in table
    assert ",ok" in table


def test_your_own_data_become_a_report(tmp_path):
    project = copy(tmp_path)
    results = follow("your-own-data.md", project)
    assert [result.returncode for result in results] == [0] * 6, results[-1].stdout + results[-1].stderr
    assert "table -> number; target: price" in results[-1].stdout
    table = (project.folder / "reports" / "results.csv").read_text()
    assert ",flats,boosted_regression,none," in table


@pytest.mark.long
def test_the_report_that_a_page_explains_is_made(tmp_path):
    *made, shown = follow("reading-the-report.md", copy(tmp_path))
    assert [result.returncode for result in made] == [0, 0, 0], made[-1].stdout + made[-1].stderr
    assert "| 1-2 | logistic\\_regression |" in shown.stdout
    assert "| majority (control) |" in shown.stdout
