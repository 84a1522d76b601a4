"""The scale from the best control to the best known score, on hand-worked cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.report.inference.normalised import Scale, scale
from assay.report.results.published import Published
from assay.report.results.summaries import Square, squares
from tests.report.made_up import TASK, summaries_of

VALUE = Published(
    value=0.98, quoted_metric="accuracy", quoted_value=0.98, model="m", protocol="p", source_url="u",
    seen_at_source=True, comparable=True, margin=0.005, why="w",
)  # fmt: skip

NO_BOUND = replace(TASK, metric=None)


@pytest.fixture
def column(tmp_path: Path) -> dict[str, Square]:
    scores = {("majority", 0, "none"): 0.2, ("mlp", 0, "none"): 0.8, ("cnn", 0, "none"): 0.9}
    return squares(summaries_of(tmp_path, dict(scores)), TASK)


def test_one_is_the_known_optimum_even_if_a_model_passes_it(column: dict[str, Square]) -> None:
    found = scale(replace(TASK, optimum=0.85), column, {"cnn": VALUE})
    assert found == Scale(0.2, 0.85, "majority", "known optimum")
    assert found.of(0.2) == 0
    assert found.of(0.85) == pytest.approx(1)
    assert found.of(0.525) == pytest.approx(0.5)


def test_without_an_optimum_one_is_the_best_comparable_published_value_or_a_perfect_score(
    column: dict[str, Square],
) -> None:
    elsewhere = VALUE.model_copy(update={"value": 0.99, "comparable": False})
    another = VALUE.model_copy(update={"value": 0.99, "metric": "bleu"})
    assert scale(TASK, column, {}) == Scale(0.2, 1, "majority", "perfect score")
    assert scale(TASK, column, {"lstm": VALUE}) == Scale(0.2, 0.98, "majority", "published: lstm")
    assert scale(TASK, column, {"cnn": elsewhere, "mlp": another}) == scale(TASK, column, {})


def test_the_best_measured_mean_ends_only_the_colours(column: dict[str, Square]) -> None:
    assert scale(NO_BOUND, column, {}) == Scale(0.2, 0.9, "majority", "measured: cnn", fixed=False)


def test_the_scale_is_reversed_if_less_is_better(column: dict[str, Square]) -> None:
    task = replace(TASK, direction="minimise", optimum=0.1, controls=("cnn", "mlp"))
    found = scale(task, column, {})
    assert found == Scale(0.8, 0.1, "mlp", "known optimum")
    assert found.of(0.45) == pytest.approx(0.5)
    assert found.of(0.9) < 0 < found.of(0.2) < 1 < found.of(0.05)


def test_scores_may_exceed_the_scale_and_colours_may_not(column: dict[str, Square]) -> None:
    found = scale(replace(TASK, optimum=0.7), column, {})
    assert found is not None
    assert found.of(0.9) == pytest.approx(1.4)
    assert found.shade(0.9) == 1
    assert found.of(0.1) == pytest.approx(-0.2)
    assert found.shade(0.1) == 0


def test_there_is_no_scale_without_a_control_or_above_it(column: dict[str, Square]) -> None:
    assert scale(replace(NO_BOUND, controls=()), column, {}) is None
    assert scale(replace(NO_BOUND, controls=("lstm",)), column, {}) is None
    assert scale(replace(NO_BOUND, controls=("cnn",)), column, {}) is None
