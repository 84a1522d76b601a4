"""Pairs, budgets, Pareto fronts and trials of compressed models, on cases worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.artifacts.formats import FORMATS
from assay.report.figures import pareto
from assay.report.inference.analysis import analyse
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


@pytest.mark.parametrize(("after", "verdict"), [(0.890, "undecided"), (0.70, "beyond"), (0.95, "within")])
def test_what_lost_significantly_more_than_its_budget_of_a_hundredth_is_marked(
    after: float, verdict: str, tmp_path: Path
) -> None:
    summaries = summaries_of(tmp_path, {("cnn", 0, "none"): 0.90, ("cnn", 0, "prune"): after})
    (row,) = compression.compared(summaries, TASK, analyse(summaries, TASK).budgets)
    assert row["lost"] == pytest.approx((0.90 - after) / 0.90)
    assert (row["verdict"], row["over_budget"]) == (verdict, verdict == "beyond")


def row(method: str, form: str, size: float, speed: float) -> dict[str, Any]:
    """Return a row of the table: ratios over a model of PyTorch."""
    ratios = {"size_ratio": size, "zipped_ratio": size}
    for key in ("speed_batch1", "speed_batch64"):
        ratios |= {key: speed, f"{key}_low": 0.99 * speed, f"{key}_high": 1.01 * speed}
    return {"model": "cnn", "method": method, "format_before": "safetensors", "format_after": form, **ratios}


def test_like_is_compared_with_like() -> None:
    """As measured on digits: most of the speed of int8 is that of its runtime."""
    rows = [
        row("onnx", "onnx", 1.0, 6.5),
        row("int8_static", "onnx", 3.8, 6.35),
        row("qat", "onnx", 1.05, 6.6),
        row("prune", "sparse", 1.0, 1.01),
        row("distil", "safetensors", 8.0, 2.0),
        row("bf16", "openvino", 2.0, 2.0),
    ]
    compression.beside_runtime(rows, {"onnx"})
    found = {each["method"]: (each["baseline"], each["gain"]) for each in rows}
    assert found == {
        "onnx": ("none", ""),
        "int8_static": ("onnx", "size"),
        "qat": ("onnx", "no gain"),
        "prune": ("none", "no gain"),
        "distil": ("none", "size and speed"),
        "bf16": ("", ""),
    }
    assert rows[1]["speed_batch1_same_runtime"] == pytest.approx(6.35 / 6.5)
    assert rows[1]["size_ratio_same_runtime"] == pytest.approx(3.8)
    assert rows[4]["speed_batch64_same_runtime"] == 2.0
    assert rows[5]["speed_batch1_same_runtime"] is None


def test_every_format_that_torch_does_not_run_has_its_runtime() -> None:
    assert set(compression.RUNTIMES) <= set(FORMATS)
    assert set(FORMATS) - set(compression.RUNTIMES) == {"safetensors", "sparse", "clustered", "low_rank"}


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
