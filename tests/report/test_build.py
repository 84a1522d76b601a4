"""The report of a made-up tree of results: what it holds, also when nothing or nothing good is there."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assay.report.build import build
from assay.report.judgement.compare import Change, Comparison, MetricOf
from assay.report.results.runs import Run
from tests.report import made_up

HOSTILE = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>& ünï |x| " + "long" * 60


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def outputs(reports: Path) -> dict[str, bytes]:
    folders = [reports, reports / "tables", reports / "figures"]
    return {
        str(path.relative_to(reports)): path.read_bytes()
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of the whole made-up tree."""
    root = tmp_path_factory.mktemp("whole")
    build(**made_up.write_tree(root))
    return root / "reports"


def test_results_have_the_promised_columns_and_one_row_a_number(whole: Path) -> None:
    rows = read_csv(whole / "results.csv")
    assert ",".join(rows[0]) == "suite,task,dataset,model,method,seed,split,metric,value,status"
    cnn = [
        row
        for row in rows
        if (row["task"], row["model"], row["method"], row["seed"]) == ("digits", "cnn", "none", "0")
    ]
    assert {row["split"] for row in cnn} == {"test", "validation"}
    metrics = json.loads((whole / "cells/made_up/digits/cnn/0/none/metrics.json").read_text())
    kept = {(row["split"], row["metric"]): float(row["value"]) for row in cnn}
    assert kept == {
        (split, name): value for split in ("test", "validation") for name, value in metrics[split].items()
    }


def test_a_failed_variant_is_a_row_without_value(whole: Path) -> None:
    rows = read_csv(whole / "results.csv")
    bad = [row for row in rows if row["task"] == "digits" and row["model"] == "lstm" and row["seed"] == "2"]
    assert [(row["method"], row["metric"], row["value"], row["status"]) for row in bad] == [
        (method, "accuracy", "", "diverged") for method in sorted(made_up.METHODS)
    ]
    skipped = [row for row in rows if row["model"] == "rbf_svm" and row["method"] == "prune"]
    assert {row["status"] for row in skipped} == {"skipped"}


def test_costs_have_the_promised_columns_and_one_row_a_variant(whole: Path) -> None:
    rows = read_csv(whole / "costs.csv")
    assert ",".join(rows[0]) == (
        "suite,task,model,method,seed,parameters,size_bytes,train_seconds,peak_memory_bytes,latency_ms_batch1,"
        "latency_ms_batch64,host"
    )
    assert len(rows) == len(made_up.plan(whole.parent))
    assert rows[0]["host"] == "made-up: made-up processor, 2 cores, 8 GB memory"


def test_page_says_what_went_wrong(whole: Path) -> None:
    page = (whole / "index.html").read_text(encoding="utf-8")
    for text in (
        "training loss is nan at epoch 3",
        "stopped after 600 s",
        "not above control",
        "2 of 3 seeds",
    ):
        assert text in page
    assert "Synthetic twins replace fashion_mnist" in page
    assert "validation/digits/index.html" in page
    assert "3 from train: exact duplicate" in page


def test_what_changed_since_the_last_run_is_on_the_page(tmp_path: Path) -> None:
    where = ("made_up", "digits", "digits", "cnn", "none")
    changes = (
        Change("worse", *where, "accuracy", 0.98, 0.97, 3, 3, 0.004, "Welch's t-test over seeds"),
        Change("new", *where[:3], HOSTILE, "none", "accuracy", None, 0.9, 0, 1),
        Change("cost", *where, "size_bytes", 1000.0, 2000.0, 3, 3, why="2.00 times"),
        Change("same", *where, "accuracy", 0.98, 0.98, 3, 3),
    )
    asked: list[str] = []

    def since(results: str, costs: str, now: Run, metric_of: MetricOf) -> Comparison:
        asked.extend((results, costs, now.name, metric_of("digits").name))
        return Comparison("an earlier run", now.name, changes, 2)

    build(**made_up.inputs(tmp_path), since=since)
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    section = page[page.index('id="changes"') : page.index('id="quality"')]
    assert "Since an earlier run: 1 worse, 1 new, 1 cost, 1 same." in section
    for text in ("98.00", "97.00", "0.004", "1 kB", "2 kB", "2 models and methods are not compared"):
        assert text in section
    assert section.count("<tr>") == 4  # the head and what is not the same
    assert "<script>alert" not in section
    assert asked == [
        (tmp_path / "reports/results.csv").read_text(),
        (tmp_path / "reports/costs.csv").read_text(),
        "this run",
        "accuracy",
    ]


def test_page_names_no_outside_resource(whole: Path) -> None:
    page = (whole / "index.html").read_text(encoding="utf-8")
    head = page[: page.index("<style>")]
    assert "default-src 'none'" in head
    for mark in ("<script src", '<link rel="stylesheet', "@import", "<iframe"):
        assert mark not in page


def test_markdown_holds_the_matrix(whole: Path) -> None:
    text = (whole / "results.md").read_text(encoding="utf-8")
    assert "| majority (control) | control | 10 | 10.00 (" in text
    assert "## digits: ranks of uncompressed models" in text
    assert "## Failures" in text


def test_latex_holds_the_same_tables_and_escapes_what_it_would_read(whole: Path) -> None:
    text = (whole / "tables/matrix.tex").read_text(encoding="utf-8")
    assert "logistic\\_regression & linear & 7,850 & " in text
    assert "digits, accuracy, \\%" in text
    assert text.count("\\begin{longtable}") == text.count("\\end{longtable}") == 1
    names = {path.stem for path in (whole / "tables").glob("*.tex")}
    assert names >= {
        "matrix",
        "ranks-digits",
        "published-digits",
        "compression-digits",
        "quality",
        "failures",
    }


def test_figures_are_svg(whole: Path) -> None:
    names = {path.name for path in (whole / "figures").iterdir()}
    of_tasks = {
        f"{kind}-{task}.svg"
        for kind in ("watched", "size", "latency")
        for task in ("digits", "fashion_mnist")
    }
    of_run = {"pareto-size", "pareto-latency", "trade-off-size", "trade-off-speed", "spent"}
    assert names >= of_tasks | {f"{name}.svg" for name in of_run}
    assert all(path.read_text().startswith("<svg") for path in (whole / "figures").iterdir())


def test_built_twice_is_equal_bytes_and_leaves_nothing_stale(whole: Path) -> None:
    before = outputs(whole)
    (whole / "figures" / "gone.svg").write_text("of an earlier run", encoding="utf-8")
    build(**made_up.inputs(whole.parent))
    assert outputs(whole) == before


def test_zero_finished_cells(tmp_path: Path) -> None:
    build(**made_up.inputs(tmp_path))
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "No variant has finished" in page
    assert {row["status"] for row in read_csv(tmp_path / "reports/results.csv")} == {"not run"}


def test_an_empty_suite(tmp_path: Path) -> None:
    build(**made_up.inputs(tmp_path, variants=[], tasks=[], models=[], raw={}, provenance={}))
    assert "plans no variants" in (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert read_csv(tmp_path / "reports/results.csv") == []


def test_one_cell_one_seed(tmp_path: Path) -> None:
    variants = made_up.plan(tmp_path, made_up.TASKS[:1], made_up.MODELS[4:5], seeds=(0,), methods=("none",))
    made_up.write_cells(variants)
    build(**made_up.inputs(tmp_path, variants=variants, tasks=made_up.TASKS[:1], models=made_up.MODELS[4:5]))
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "1 seed" in page
    assert "not recorded" in page  # the dataset has no sheet


def test_all_failed(tmp_path: Path) -> None:
    asked = made_up.inputs(tmp_path)
    for row in asked["variants"]:
        made_up.fail_train(row, "out of memory", "MemoryError: made up", "made up\nMemoryError")
    build(**asked)
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "No variant has finished" in page
    assert "MemoryError: made up" in page
    assert {row["status"] for row in read_csv(tmp_path / "reports/results.csv")} == {"out of memory"}


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("evaluated/metrics.json", None, "no usable metrics"),
        ("evaluated/metrics.json", "{half", "no usable metrics"),
        ("evaluated/metrics.json", "[1]", "no usable metrics"),
        ("evaluated/status.json", "{half", "not a valid record"),
        ("trained/status.json", "[]", "not a valid record"),
        ("trained/status.json", None, "no record"),
    ],
)
def test_a_damaged_file_is_shown_not_raised(tmp_path: Path, file: str, text: str | None, reason: str) -> None:
    variants = made_up.plan(tmp_path, made_up.TASKS[:1], made_up.MODELS[4:5], seeds=(0,), methods=("none",))
    made_up.write_cells(variants)
    phase, _, name = file.partition("/")
    path = variants[0][phase] / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    build(**made_up.inputs(tmp_path, variants=variants, tasks=made_up.TASKS[:1], models=made_up.MODELS[4:5]))
    (row,) = read_csv(tmp_path / "reports/tables/failures.csv")
    assert reason in row["reason"]


@pytest.mark.parametrize("history", ["", "epoch,train_loss\n0,nan\n1,\n", "\x00\xff,;\n1"])
def test_missing_or_odd_history_is_no_curve(tmp_path: Path, history: str) -> None:
    variants = made_up.plan(tmp_path, made_up.TASKS[:1], made_up.MODELS[4:5], seeds=(0,), methods=("none",))
    made_up.write_cells(variants)
    (variants[0]["trained"] / "history.csv").write_text(history, encoding="latin-1")
    build(**made_up.inputs(tmp_path, variants=variants, tasks=made_up.TASKS[:1], models=made_up.MODELS[4:5]))
    assert "Learning curves" not in (tmp_path / "reports/index.html").read_text(encoding="utf-8")


def hostile_tree(root: Path) -> dict[str, Any]:
    """Write a tree whose names, reasons and data sheets try to be markup; folders keep plain names."""
    tasks = [{**made_up.TASKS[0], "name": HOSTILE, "dataset": "digits", "controls": ()}]
    models = [
        {"name": HOSTILE, "family": HOSTILE, "seeded": True},
        {**made_up.MODELS[5], "family": "{{7*7}}"},
    ]
    variants = made_up.plan(root, tasks, models, seeds=(0, 1))
    for number, row in enumerate(variants):
        row |= {key: root / f"{key}-{number}" for key in ("trained", "compressed", "evaluated")}
        made_up.write_train(row)
        made_up.write_variant(row, 0.9)
    made_up.fail_train(variants[-1], "failed", HOSTILE, HOSTILE)
    made_up.write_data(root, "digits")
    sheet = json.loads((root / "data/raw/digits/source.json").read_text())
    made_up.write(
        root / "data/raw/digits/source.json", sheet | {"licence": HOSTILE, "homepage": "javascript:alert(3)"}
    )
    prepared = json.loads((root / "data/prepared/digits/prepared.json").read_text())
    made_up.write(root / "data/prepared/digits/prepared.json", prepared | {"classes": [HOSTILE] * 10})
    return made_up.inputs(root, variants=variants, tasks=tasks, models=models, provenance={"host": HOSTILE})


def test_hostile_names_are_text_everywhere(tmp_path: Path) -> None:
    build(**hostile_tree(tmp_path))
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page
    assert "{{7*7}}" in page
    assert page.count("</script>") == 4  # the plots' data and three scripts
    markdown = (tmp_path / "reports/results.md").read_text(encoding="utf-8")
    assert "<script>" not in markdown
    assert "<img" not in markdown
    names = [path.name for path in (tmp_path / "reports/figures").iterdir()]
    assert all(len(name) < 120 and "<" not in name for name in names)


def test_a_task_whose_items_are_drawn_by_patient_says_so(tmp_path: Path) -> None:
    metric = replace(made_up.ACCURACY, unit="patient")
    tasks = [{**made_up.TASKS[0], "metric": metric}]
    rows = made_up.plan(tmp_path, tasks, made_up.MODELS[:3], methods=("none",))
    made_up.write_cells(rows)
    for row in rows:
        path = row["evaluated"] / "predictions.parquet"
        table = pd.read_parquet(path)
        table.assign(patient=table["item"] % 40).to_parquet(path, index=False)
    made_up.write_data(tmp_path, "digits")
    build(**made_up.inputs(tmp_path, tasks=tasks, models=made_up.MODELS[:3], variants=rows))
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "The 1,000 test items belong to 40 patients" in page
    assert "paired bootstrap, p" in page
    assert '<small class="line">patients</small>' in page
    assert "McNemar" not in page
    text = (tmp_path / "reports/results.md").read_text(encoding="utf-8")
    assert "## digits: ranks of uncompressed models, over 40 patients" in text
