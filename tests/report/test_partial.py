"""The page of what has finished: nothing unfinished counts, and no rank is claimed that later results may change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from assay.paths import STATUS
from assay.report import partial
from tests.report import made_up

NAMES = ("suite", "variants", "tasks", "models", "raw", "prepared", "validated", "provenance")
FIRST = re.compile(r'<p class="notice scope">(.*?)</p>')


def arguments(root: Path) -> dict[str, Any]:
    """Write the whole made-up tree; return the arguments of ``build``, without those that only whole reports have."""
    whole = made_up.write_tree(root)
    return {name: whole[name] for name in NAMES}


def page(root: Path, **asked: Any) -> tuple[tuple[int, int], str]:
    """Build the page; return how much has finished, and its text."""
    counts = partial.build(root / "reports/partial.html", **asked)
    return counts, (root / "reports/partial.html").read_text()


def section(text: str, task: str) -> str:
    """Return the part of the page about a task."""
    found = re.search(rf'<h2 id="task-\d+">{task}.*?</section>', text, re.DOTALL)
    assert found
    return found[0]


def ranks(text: str) -> list[str]:
    """Return the second column of the table of ranks."""
    table = re.search(r"(?:Ranks|Scores) of uncompressed models.*?</table>", text, re.DOTALL)
    assert table
    return re.findall(r'</th>\s*<td class="n" data-order="([\d.]*)"[^>]*>', table[0])


def damage(rows: list[Any]) -> dict[Path, str]:
    """Damage the records of eight variants of digits, each in its own way; return the untrusted one."""
    half, empty, gone, no_record, no_metrics, untrusted, untrained, damaged = [
        row for row in rows if row["task"] == "digits" and row["model"] in ("cnn", "mlp") and row["seed"] < 2
    ][:8]
    for row, size in ((half, 40), (empty, 0)):
        status = row["evaluated"] / STATUS
        status.write_bytes(status.read_bytes()[:size])
    (gone["evaluated"] / STATUS).unlink()
    (no_record["evaluated"] / STATUS).write_text(json.dumps({"status": "ok"}))
    (no_metrics["evaluated"] / "metrics.json").unlink()
    (damaged["evaluated"] / "metrics.json").write_text("{")
    return {
        untrusted["evaluated"] / STATUS: "its code changed",
        untrained["evaluated"] / STATUS: "spec changed",
    }


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int, str]:
    """The page while eight variants of digits have not finished, in all ways: finished, planned, its text."""
    root = tmp_path_factory.mktemp("at_work")
    asked = arguments(root)
    asked["errors"] = damage(asked["variants"])
    counts, text = page(root, **asked)
    return *counts, text


def test_what_cannot_be_read_or_trusted_has_not_finished(at_work: tuple[int, int, str]) -> None:
    ended, planned, text = at_work
    assert ended == planned - 8
    assert "<b>8</b>not finished" in text
    for reason in ("its code changed", "spec changed", "no usable metrics", "not a valid record"):
        assert reason not in text


def test_says_that_it_is_partial_how_much_has_finished_and_when(at_work: tuple[int, int, str]) -> None:
    ended, planned, text = at_work
    [line] = FIRST.findall(text)
    assert line.startswith(
        f"This page is partial: {ended} of {planned} variants of the suite made_up had finished at 20"
    )
    assert "they are shown only for tasks of which all have finished: fashion_mnist." in line
    assert "<h1>Assay: suite made_up, partial</h1>" in text
    assert "results.csv" not in text
    assert "gives the same bytes" not in text


def test_only_a_task_of_which_every_variant_has_finished_has_ranks(at_work: tuple[int, int, str]) -> None:
    _, _, text = at_work
    digits, fashion = section(text, "digits"), section(text, "fashion_mnist")
    assert not any(ranks(digits))
    assert any(ranks(fashion))
    assert re.search(r"8 of \d+ variants of this task have not finished: scores only", digits)
    assert "Against size" not in digits
    assert "Against size" in fashion
    assert "Mean ranks over" not in text
    matrix = re.search(r'<h2 id="matrix">.*?</table>', text, re.DOTALL)
    assert matrix
    assert "1 of 3 seeds" in matrix[0]


def test_a_variant_that_failed_has_finished_and_its_reason_is_shown(at_work: tuple[int, int, str]) -> None:
    _, _, text = at_work
    assert "training loss is nan at epoch 3" in text
    assert "stopped after 600 s" in text


def test_a_tree_without_any_result_is_a_page_too(tmp_path: Path) -> None:
    asked = made_up.inputs(tmp_path)
    counts, text = page(tmp_path, errors={}, **{name: asked[name] for name in NAMES})
    assert counts == (0, len(asked["variants"]))
    assert "Ranks, verdicts and findings compare all models of a task; they are not shown yet." in text
    assert "this report holds no results" not in text
