"""The section on tuning: tuned rows beside fixed ones."""

from types import SimpleNamespace

import pytest

from assay.report.results.searches import Search, Trial
from assay.report.results.summaries import Score
from assay.report.sections.tuning import tuning_section

TASK = SimpleNamespace(name="a", primary="accuracy")


def summary(model, mean):
    score = Score(mean, None, 1)
    named = {"task": TASK, "model": SimpleNamespace(name=model), "method": "none"}
    return SimpleNamespace(**named, score=lambda metric: score if metric == "accuracy" else None)


def search(model, fixed):
    trials = (Trial({"c": 1.0}, 0.5, ""), Trial({"c": 2.0}, 0.75, ""), Trial({"c": 3.0}, None, "diverged"))
    return Search("a", "d", model, fixed, "accuracy", "maximise", trials, 1)


def test_a_tuned_row_stands_beside_the_row_that_it_is_like():
    summaries = [summary("m", 0.7), summary("tuned", 0.8)]
    found = tuning_section([search("tuned", "m"), search("alone", "")], summaries, {"a": TASK})
    first, second = found.rows
    assert (first.tuned.mean, first.fixed.mean) == (0.8, 0.7)
    assert first.difference == pytest.approx(0.1)
    assert (second.tuned, second.fixed, second.difference) == (None, None, None)


def test_each_task_has_one_chart_with_a_line_per_row():
    (chart,) = tuning_section([search("m", ""), search("n", "")], [], {"a": TASK}).charts
    assert chart.key == "trials-a"
    assert [row["model"] for row in chart.plot.rows] == ["m"] * 3 + ["n"] * 3
    expected = [(0.5 + 0.5 + 0.75) / 3, 0.5 * 4 / 9 + 0.75 * 5 / 9, 0.5 * 8 / 27 + 0.75 * 19 / 27]
    assert [row["value"] for row in chart.plot.rows][:3] == pytest.approx(expected)


def test_without_a_search_there_is_nothing():
    found = tuning_section([], [], {})
    assert (found.rows, found.charts) == ([], [])
