"""The report's arithmetic, on cases worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.report.formatting import numbers
from assay.report.results import tables
from assay.report.results.collect import read_variants
from assay.report.results.published import Published
from assay.report.results.summaries import Score, best_of, better, squares, summarise
from tests.report import made_up
from tests.report.made_up import NAMES, TASK, summaries_of


def test_mean_and_sample_deviation_are_over_seeds(tmp_path: Path) -> None:
    found = summaries_of(
        tmp_path, {("cnn", 0, "none"): 0.9, ("cnn", 1, "none"): 0.92, ("cnn", 2, "none"): 0.94}
    )
    score = found[0].score("accuracy")
    assert score is not None
    assert score.mean == pytest.approx(0.92)
    assert score.deviation == pytest.approx(0.02)  # sqrt((0.02^2 + 0 + 0.02^2) / 2)
    assert score.count == 3


def test_one_seed_has_no_deviation_and_says_so(tmp_path: Path) -> None:
    found = summaries_of(tmp_path, {("cnn", 0, "none"): 0.9, ("rbf_svm", 0, "none"): 0.8})
    column = squares(found, TASK)
    assert column["cnn"].score == Score(0.9, None, 1)
    assert column["cnn"].spread == "1 seed"
    assert column["rbf_svm"].spread == "one run, no seed"


def test_a_seed_that_fell_out_is_said(tmp_path: Path) -> None:
    found = summaries_of(tmp_path, {("cnn", 0, "none"): 0.9, ("cnn", 1, "none"): None})
    assert squares(found, TASK)["cnn"].spread == "1 of 2 seeds"


def test_best_is_never_the_control_and_losing_to_it_is_marked(tmp_path: Path) -> None:
    scores = {("majority", 0, "none"): 0.5, ("mlp", 0, "none"): 0.5, ("cnn", 0, "none"): 0.4}
    column = squares(summaries_of(tmp_path, scores), TASK)
    assert [name for name, square in column.items() if square.best] == ["mlp"]
    assert [name for name, square in column.items() if square.beaten] == ["mlp", "cnn"]


def test_equal_bests_are_both_marked(tmp_path: Path) -> None:
    column = squares(summaries_of(tmp_path, {("mlp", 0, "none"): 0.9, ("cnn", 0, "none"): 0.9}), TASK)
    assert [square.best for square in column.values()] == [True, True]


@pytest.mark.parametrize(("direction", "winner"), [("maximise", 3.0), ("minimise", 1.0)])
def test_direction_decides_what_is_best(direction: str, winner: float) -> None:
    assert best_of([1.0, 3.0, 2.0], direction) == winner
    assert better(winner, 2.0, direction)
    assert not better(winner, winner, direction)


def test_confusion_is_summed_over_seeds() -> None:
    class Stub:
        finished = tuple(
            type("V", (), {"confusion": matrix}) for matrix in ([[3, 1], [0, 4]], [[2, 2], [1, 3]])
        )

    # The ignore: the stub has the one attribute that is read.
    assert tables.confusion_of(Stub()) == [[5, 3], [1, 7]]  # type: ignore[arg-type]


def test_most_common_errors_leave_out_the_diagonal() -> None:
    errors = tables.most_common_errors([[8, 2, 0], [0, 9, 1], [5, 0, 5]], ["a", "b", "c"], 2)
    assert errors == [
        {"true": "c", "predicted": "a", "count": 5, "share": 0.5},
        {"true": "a", "predicted": "b", "count": 2, "share": 0.2},
    ]


def test_published_values_stand_beside_measured_ones_without_a_verdict(tmp_path: Path) -> None:
    column = squares(summaries_of(tmp_path, {("cnn", 0, "none"): 0.9}), TASK)
    value = Published(
        value=0.95, quoted_metric="test error, %", quoted_value=5, model="m", protocol="p", source_url="u",
        seen_at_source=False, comparable=True, margin=0.005, why="w",
    )  # fmt: skip
    (row,) = tables.beside_published(column, TASK, {"cnn": value, "lstm": value})
    assert row["difference"] == pytest.approx(-0.05)
    assert row["comparable"]
    assert not row["read_at_source"]


def test_fewer_training_items_make_a_published_value_incomparable(tmp_path: Path) -> None:
    found = summaries_of(tmp_path, {("cnn", 0, "none"): 0.9})
    folder = made_up.folders(tmp_path, "digits", "cnn", 0, "none")["trained"]
    made_up.record(folder / "status.json", made_up.status("ok", "train") | {"train_items": 6000})
    rows = [
        {"task": "digits", "model": "cnn", "family": "f", "seed": 0, "method": "none"}
        | made_up.folders(tmp_path, "digits", "cnn", 0, "none")
    ]
    found = summarise(read_variants(rows, {"digits": TASK}), {"digits": TASK}, NAMES)
    value = Published(
        value=0.95, quoted_metric="accuracy", quoted_value=0.95, model="m", protocol="p", source_url="u",
        seen_at_source=True, comparable=True, margin=0.005, why="w",
    )  # fmt: skip
    (row,) = tables.beside_published(squares(found, TASK), TASK, {"cnn": value})
    assert not row["comparable"]
    assert row["why"] == "trained on 6,000 items only; w"


def test_one_cause_is_one_row(tmp_path: Path) -> None:
    scores: dict[tuple[str, int, str], float | None] = {
        (model, seed, method): None
        for model in ("cnn", "lstm")
        for seed in (0, 1)
        for method in ("none", "int8")
    }
    variants = [each for summary in summaries_of(tmp_path, scores) for each in summary.variants]
    (row,) = tables.failure_rows(variants)
    assert row["cells"] == {"cnn": ["0", "1"], "lstm": ["0", "1"]}
    assert row["methods"] == ["none", "int8"]
    assert row["variants"] == 8


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.score(0.98534, "accuracy"), "98.53"),
        (numbers.score(0.07712345, "cross_entropy"), "0.07712"),
        (numbers.score(None, "accuracy"), "\N{EN DASH}"),
        (numbers.difference(-0.0123, "accuracy"), "\N{MINUS SIGN}1.23"),
        (numbers.size(118_282 * 4), "473 kB"),
        (numbers.size(999), "999 B"),
        (numbers.seconds(3.14159), "3.14 s"),
        (numbers.seconds(59.96), "60.0 s"),
        (numbers.seconds(125), "2 min 05 s"),
        (numbers.seconds(7260), "2 h 01 min"),
        (numbers.count(1_250_000), "1,250,000"),
    ],
)
def test_numbers_are_shown_sensibly(shown: str, expected: str) -> None:
    assert shown == expected


def test_metrics_by_row_reads_the_matrix_back(tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    rows: list[dict[str, Any]] = [
        {"task": "t", "model": "m", "metric": "accuracy", "mean": 0.5},
        {"task": "t", "model": "gone", "metric": "accuracy", "mean": None},
    ]
    path.write_text(tables.to_csv(rows, tables.TABLES["matrix"]), encoding="utf-8")
    assert tables.metrics_by_row(path) == {"t": {"m": {"accuracy": 0.5}}}
    assert path.read_text(encoding="utf-8").startswith(",".join(tables.TABLES["matrix"]) + "\n")
