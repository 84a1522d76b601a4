"""The section on comparisons across tasks, as the page shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.report import page
from assay.report.inference import across
from assay.report.inference.normalised import Scale
from assay.report.results.collect import Model
from assay.report.results.summaries import Summary
from assay.report.sections import across as section
from tests.report import made_up

TASKS = [f"task {place}" for place in range(6)]
SCALES = {task: Scale(0.5, 1.0, "control", "perfect score") for task in TASKS}


def summaries(root: Path, *, tuned: bool) -> list[Summary]:
    """Return four models each of two families, three runs each, on six tasks."""
    rng = np.random.default_rng(0)
    [like] = made_up.summaries_of(root, {("cnn", seed, "none"): 0.5 for seed in range(3)})
    found = []
    for task in TASKS:
        for family, gain in (("good", 0.3), ("poor", 0.0)):
            for place in range(4):
                name = f"{family} {place}{' tuned' if tuned else ''}"
                variants = tuple(
                    replace(each, metrics={"test": {"accuracy": value}})
                    for each, value in zip(like.variants, 0.5 + gain + rng.uniform(0, 0.2, 3), strict=True)
                )
                of_task = replace(like.task, name=task)
                found.append(Summary(of_task, Model(name, family, True), "none", variants, tuned))
    return found


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[section.AcrossSection]:
    root = tmp_path_factory.mktemp("runs")
    both = [*summaries(root / "fixed", tuned=False), *summaries(root / "tuned", tuned=True)]
    return [section._section(each, is_alone=False) for each in across.compare_apart(both, scales=SCALES)]


def rendered(sections: list[section.AcrossSection]) -> str:
    return page._template().environment.get_template("across.html").render(across=sections)


def test_tuned_rows_have_a_part_of_their_own(shown: list[section.AcrossSection]) -> None:
    assert [each.title for each in shown] == [section.FIXED, section.TUNED]
    keys = [chart.key for each in shown for chart in each.charts]
    assert len(set(keys)) == len(keys) == 8
    assert {"ratings-1", "ratings-1-tuned", "profiles-1", "improvement-tuned"} <= set(keys)
    assert {row["model"].endswith("tuned") for row in shown[1].ratings[0].plot.rows} == {True}


def test_every_chart_has_a_table_beside_it(shown: list[section.AcrossSection]) -> None:
    html = rendered(shown)
    for name in ("improvement-families", "ratings", "profiles"):
        for suffix in ("", "-tuned"):
            assert f'data-name="{name}{suffix}"' in html
    assert html.count("<h3>") == 2
    assert "Above 0.75" in html
    best = shown[0].found.ratings[0].models[0]
    assert f"{best.low:.0f} to {best.high:.0f}" in html
    assert "never compared here" in html


def test_rows_that_are_alike_have_no_title(tmp_path: Path) -> None:
    [alone] = across.compare_apart(summaries(tmp_path, tuned=False)[:8])
    found = section._section(alone, is_alone=True)
    html = rendered([found])
    assert found.charts == []
    assert "Nothing can be said across tasks" in html
    assert "never compared here" not in html
