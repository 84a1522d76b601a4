"""Pairs, budgets, Pareto fronts and trials of compressed models, on cases worked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.report.figures import pareto
from assay.report.results import compression
from tests.report import made_up
from tests.report.made_up import TASK, summaries_of


def test_compression_is_compared_seed_by_seed(tmp_path: Path) -> None:
    scores = {
        ("cnn", 0, "none"): 0.90, ("cnn", 0, "int8"): 0.88,
        ("cnn", 1, "none"): 0.94, ("cnn", 1, "int8"): None,
    }  # fmt: skip
    (row,) = compression.compared(summaries_of(tmp_path, scores), TASK)
    assert (row["seeds"], row["planned"]) == (1, 2)
    assert row["before"] == pytest.approx(0.90)  # seed 1 has no partner, so it is not in the mean
    assert row["difference"] == pytest.approx(-0.02)
    plain = 4 * made_up.PARAMETERS["cnn"]
    assert row["size_ratio"] == pytest.approx((plain + 1200) / (int(plain * 0.27) + 1200))
    speeds = [row[f"speed_batch1{end}"] for end in ("_low", "", "_high")]
    assert speeds == pytest.approx([1.52, 1.6, 1.68])


@pytest.mark.parametrize(("after", "over"), [(0.892, False), (0.890, True), (0.95, False)])
def test_what_lost_more_than_its_budget_of_a_hundredth_is_marked(
    after: float, over: bool, tmp_path: Path
) -> None:
    (row,) = compression.compared(
        summaries_of(tmp_path, {("cnn", 0, "none"): 0.90, ("cnn", 0, "prune"): after}), TASK
    )
    assert row["lost"] == pytest.approx((0.90 - after) / 0.90)
    assert row["over_budget"] is over


def test_columns_of_the_file_are_those_of_the_rows(tmp_path: Path) -> None:
    (row,) = compression.compared(
        summaries_of(tmp_path, {("cnn", 0, "none"): 0.9, ("cnn", 0, "prune"): 0.8}), TASK
    )
    assert set(row) == set(compression.COLUMNS)


def test_trials_are_those_of_the_best_model_that_has_some(tmp_path: Path) -> None:
    scores = {
        ("mlp", 0, "none"): 0.99, ("mlp", 0, "int8"): 0.99,
        ("cnn", 0, "none"): 0.95, ("cnn", 0, "prune"): 0.94,
        ("lstm", 0, "none"): 0.90, ("lstm", 0, "prune"): 0.90,
    }  # fmt: skip
    rows = compression.trials(summaries_of(tmp_path, scores), TASK)
    assert {(row["model"], row["method"], row["setting"]) for row in rows} == {("cnn", "prune", "sparsity")}
    assert [(row["strength"], row["kind"]) for row in rows] == [
        (0.5, "as compressed"), (0.5, "after further training"), (0.7, "as compressed"), (0.9, "as compressed"),
    ]  # fmt: skip
    assert compression.trials(summaries_of(tmp_path / "b", {("mlp", 0, "none"): 0.9}), TASK) == []


def test_the_front_is_of_those_that_none_beats_in_size_and_score(tmp_path: Path) -> None:
    """Sizes are the made-up ones: prune is smaller than none, and int8 smaller than prune."""
    scores = {("cnn", 0, "none"): 0.95, ("cnn", 0, "int8"): 0.90, ("cnn", 0, "prune"): 0.89}
    plot = pareto.of_task(summaries_of(tmp_path, scores), "size_bytes", "size", ("convolutional",))
    assert plot is not None
    assert {row["method"]: row["front"] for row in plot.rows} == {"none": True, "int8": True, "prune": False}
