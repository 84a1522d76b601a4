"""The changes between two runs, on hand-worked cases."""

from __future__ import annotations

import gc
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from assay.report.formatting import numbers
from assay.report.judgement.compare import KINDS, Change, Comparison, compare, since_last
from assay.report.output.compare_text import render
from assay.report.results.runs import Run
from assay.tasks.metric import PrimaryMetric, RecomputedMetric, SummedMetric, counted, ratio

RIGHT = SummedMetric("accuracy", "maximise", ("correct", "one"), counted("correct", "one"), ratio)
HOST = "a: processor, 2 cores"
Scores = dict[str, list[float] | str]
"""Model -> the score of each seed, or the status of its only seed."""


def run(
    scores: Scores,
    *,
    metric: str = "accuracy",
    direction: str = "maximise",
    files: dict[str, bytes] | None = None,
    costs: dict[str, dict[str, Any]] | None = None,
    dataset: str = "digits",
) -> Run:
    """Return a run of one task; ``files`` by ``model/seed/name``, ``costs`` by model."""
    results = []
    for model, values in scores.items():
        base = {"suite": "s", "task": "t", "dataset": dataset, "model": model, "method": "none"}
        base |= {"split": "test", "metric": metric}
        if isinstance(values, str):
            results.append({**base, "seed": "0", "value": "", "status": values})
        else:
            results += [
                {**base, "seed": str(seed), "value": repr(float(value)), "status": "ok"}
                for seed, value in enumerate(values)
            ]
            results += [{**row, "split": "validation", "value": "0.123"} for row in results[-len(values) :]]
    rows = [
        {"suite": "s", "task": "t", "model": model, "method": "none", "seed": "0", "size_bytes": "100",
         "train_seconds": "10", "peak_memory_bytes": "", "latency_ms_batch1": "", "latency_ms_batch64": "",
         "host": HOST, **cost}
        for model, cost in (costs or {}).items()
    ]  # fmt: skip
    found = {f"reports/cells/s/t/{name}": data for name, data in (files or {}).items()}

    def read(path: Path) -> bytes | None:
        model, seed, name = path.parts[-4], path.parts[-3], path.parts[-1]
        return found.get(f"reports/cells/s/t/{model}/{seed}/{name}")

    return Run("run", results, rows, {"t": (metric, direction)}, read)


def answers(correct: list[float], items: list[int] | None = None) -> bytes:
    """Return predictions.parquet of items that are correct (1) or not (0)."""
    stream = BytesIO()
    table = pd.DataFrame({"item": items or range(len(correct)), "correct": correct, "one": 1})
    table.to_parquet(stream, index=False)
    return stream.getvalue()


def changes(before: Run, now: Run, metric: PrimaryMetric | None = RIGHT) -> dict[str, Change]:
    return {each.model: each for each in compare(before, now, lambda _: metric).changes}


def test_the_same_scores_are_the_same_also_after_rounding() -> None:
    before, now = run({"a": [0.5, 0.7], "b": [0.5]}), run({"a": [0.5, 0.7], "b": [0.5 + 1e-9]})
    assert [each.kind for each in changes(before, now).values()] == ["same", "same"]


def test_two_seeds_or_more_are_tested_by_welch_and_corrected_by_holm() -> None:
    before = run(
        {"a": [0.90, 0.91, 0.92], "b": [0.5, 0.6, 0.7], "c": [0.97, 0.95, 0.96], "d": [0.1, 0.2, 0.3]}
    )
    now = run({"a": [0.95, 0.96, 0.97], "b": [0.6, 0.7, 0.5], "c": [0.90, 0.92, 0.91], "d": [0.1, 0.2, 0.3]})
    found = changes(before, now)
    assert [each.model for each in found.values()] == ["c", "a", "b", "d"]  # those that need attention first
    assert {name: each.kind for name, each in found.items()} == {
        "a": "better",
        "b": "within noise",
        "c": "worse",
        "d": "same",
    }
    # t = 0.05 / sqrt(2 * 0.0001 / 3) = sqrt(37.5) with 4 degrees of freedom, whose distribution has a closed form
    t = 37.5**0.5
    part = t / (1 + t**2 / 4) ** 0.5
    p = 2 * (0.5 - 3 / 8 * part * (1 - t**2 / (12 * (1 + t**2 / 4))))
    assert p == pytest.approx(0.0036, abs=1e-5)
    assert found["a"].p == pytest.approx(3 * p)
    assert found["c"].p == pytest.approx(3 * p)
    assert found["b"].p == 1
    assert found["d"].p is None


def test_less_is_better_if_the_task_minimises() -> None:
    before, now = run({"a": [3.0, 3.1]}, direction="minimise"), run({"a": [1.0, 1.1]}, direction="minimise")
    assert changes(before, now)["a"].kind == "better"
    assert changes(now, before)["a"].kind == "worse"


def test_one_run_each_is_tested_by_mcnemar_over_the_same_items() -> None:
    few, many = [1] * 5 + [0] * 5, [1] * 5 + [0] * 5
    few[5], many[5:9] = 0, [1] * 4
    before = run({"a": [0.5]}, files={"a/0/predictions.parquet": answers([0, 0, 0, 0, 0, 0, 1, 1])})
    now = run({"a": [0.9]}, files={"a/0/predictions.parquet": answers([1, 1, 1, 1, 1, 1, 1, 1])})
    found = changes(before, now)["a"]
    assert (found.kind, found.p) == ("better", pytest.approx(2 / 2**6))  # 6 items, all in one direction
    assert found.why == "McNemar's test over items, one run each"
    before = run({"a": [0.5]}, files={"a/0/predictions.parquet": answers(few)})
    now = run({"a": [0.9]}, files={"a/0/predictions.parquet": answers(many)})
    assert (changes(before, now)["a"].kind, changes(before, now)["a"].p) == ("within noise", 2 / 2**4)


def test_other_metrics_are_tested_by_a_paired_bootstrap_near_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    first = rng.random(400)
    second = np.clip(first + rng.normal(0.01, 0.1, 400), 0, 1)
    before = run({"a": [first.mean()]}, files={"a/0/predictions.parquet": answers(list(first))})
    now = run({"a": [second.mean()]}, files={"a/0/predictions.parquet": answers(list(second))})
    found = changes(before, now)["a"]
    difference = second - first
    t = difference.mean() / (difference.std(ddof=1) / 20)
    assert found.why == "paired bootstrap over items, one run each"
    assert found.p is not None

    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), 399), rel=0.1)
    assert changes(before, now)["a"] == found  # the same items are sampled each time


def test_seeds_without_effect_are_not_noise() -> None:
    files = {f"a/{seed}/predictions.parquet": answers([0] * 8) for seed in range(2)}
    before = run({"a": [0.0, 0.0]}, files=files)
    after = {name: answers([1] * 8) for name in files}
    found = changes(before, run({"a": [1.0, 1.0]}, files=after))["a"]
    assert (found.kind, found.why) == ("better", "McNemar's test over items, one run each")


def by_patient(correct: np.ndarray, **more: Any) -> bytes:
    table = pd.DataFrame({"item": np.arange(len(correct)), "correct": correct, "one": 1, **more})
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def test_one_run_of_a_task_whose_unit_is_the_patient_is_tested_over_patients() -> None:
    """All 8 visits of 3 of 40 patients became correct: significant over 320 visits, but not over 40 patients."""
    metric = replace(RIGHT, unit="patient")
    patients = np.repeat(np.arange(40), 8)
    scores = (patients % 2).astype(np.int64), ((patients % 2) | (patients < 6)).astype(np.int64)
    before, now = (
        run({"a": [each.mean()]}, files={"a/0/predictions.parquet": by_patient(each, patient=patients)})
        for each in scores
    )
    sums = [np.bincount(patients, each) for each in scores]
    found = changes(before, now, metric)["a"]
    assert (found.kind, found.why) == ("within noise", "paired bootstrap over patients, one run each")
    assert found.p == pytest.approx(stats.ttest_rel(*sums).pvalue, rel=0.2)
    assert changes(before, now, RIGHT)["a"].kind == "better"


def test_predictions_without_patients_are_not_tested() -> None:
    metric = replace(RIGHT, unit="patient")
    correct = np.arange(10) % 2
    first = run({"a": [0.5]}, files={"a/0/predictions.parquet": by_patient(correct)})
    second = run({"a": [0.6]}, files={"a/0/predictions.parquet": by_patient(correct, patient=correct)})
    found = changes(first, second, metric)["a"]
    assert found.kind == "untested"
    assert re.fullmatch(r"changed, one run, and predictions of .* lack patient: no test possible", found.why)


def test_more_seeds_of_the_same_scores_are_no_change() -> None:
    found = changes(run({"a": [0.5]}), run({"a": [0.5, 0.9, 0.7]}))["a"]
    assert (found.kind, found.why) == ("same", "at the seeds that both have")


def test_one_run_of_a_metric_of_all_rows_is_tested_by_a_jackknife() -> None:
    """A mean as a function of all rows: the jackknife's p-value is that of the paired t-test."""
    mean = RecomputedMetric("accuracy", "maximise", ("correct",), np.mean, highest=1)
    scores = np.random.default_rng(0).normal([[0.5], [0.53]], 0.2, (2, 150))
    before, now = (
        run({"a": [each.mean()]}, files={"a/0/predictions.parquet": answers(each.tolist())})
        for each in scores
    )
    found = changes(before, now, mean)["a"]
    assert found.why == "paired jackknife over items, one run each"
    assert found.p == pytest.approx(stats.ttest_rel(*scores).pvalue)


def test_a_metric_that_is_undefined_on_parts_of_the_items_is_not_tested() -> None:
    only = RecomputedMetric(
        "accuracy", "maximise", ("correct",), lambda correct: 0.5 if correct.sum() else np.nan
    )
    files = {"a/0/predictions.parquet": answers([1, 0, 0])}
    found = changes(run({"a": [0.5]}, files=files), run({"a": [0.6]}, files=files), only)["a"]
    assert (found.kind, found.p) == ("untested", None)
    assert found.why == "changed, one run, and accuracy is undefined on parts of its items: no test possible"


PREDICTIONS = {"a/0/predictions.parquet": answers([1, 0])}
OTHERS = {"a/0/predictions.parquet": answers([1, 1], items=[7, 8])}
DATA = {"a/0/status.json": b'{"data": {"items.parquet": "1"}}'}
OTHER_DATA = {"a/0/status.json": b'{"data": {"items.parquet": "2"}}'}


@pytest.mark.parametrize(
    ("before", "now", "metric", "why"),
    [
        ({}, PREDICTIONS, RIGHT, "changed, one run, and predictions of run are not here: no test possible"),
        (PREDICTIONS, OTHERS, RIGHT, "changed, one run, and the test items differ: no test possible"),
        (
            PREDICTIONS,
            PREDICTIONS,
            None,
            "changed, one run, and the task is unknown here: no test possible",
        ),
        (DATA, OTHER_DATA, RIGHT, "the data differ: no test possible"),
    ],
)
def test_a_change_that_cannot_be_tested_has_a_reason(
    before: dict[str, bytes], now: dict[str, bytes], metric: PrimaryMetric | None, why: str
) -> None:
    found = changes(run({"a": [0.5]}, files=before), run({"a": [0.9]}, files=now), metric)["a"]
    assert (found.kind, found.p, found.why) == ("untested", None, why)


def test_new_removed_broken_and_fixed_models() -> None:
    before = run({"gone": [0.5], "broken": [0.5], "fixed": "failed", "never": "skipped", "bad": "failed"})
    now = run({"new": [0.5], "broken": "diverged", "fixed": [0.5], "bad": "failed", "born bad": "timed out"})
    found = changes(before, now)
    assert {name: (each.kind, each.why) for name, each in found.items()} == {
        "broken": ("broken", "diverged now"),
        "fixed": ("fixed", "failed before"),
        "gone": ("gone", ""),
        "born bad": ("new", "timed out now"),
        "new": ("new", ""),
    }
    assert found["gone"].now is None
    assert found["new"].before is None


def test_another_dataset_or_metric_is_not_compared() -> None:
    other = compare(run({"a": [0.5]}), run({"a": [0.9]}, dataset="digits_twin"), lambda _: RIGHT)
    assert {each.kind for each in other.changes} == {"new", "gone"}
    judged = changes(run({"a": [0.5]}), run({"a": [0.9]}, metric="macro_f1"))["a"]
    assert (judged.kind, judged.before, judged.why) == (
        "untested",
        None,
        "the primary metric was accuracy before",
    )


def test_costs_that_changed_by_their_factor_are_reported_if_the_host_is_the_same() -> None:
    before = run(
        {"a": [0.5], "b": [0.5]},
        costs={"a": {"latency_ms_batch1": "2.0"}, "b": {"train_seconds": "10", "latency_ms_batch1": "1"}},
    )
    now = run(
        {"a": [0.5], "b": [0.5]},
        costs={
            "a": {"latency_ms_batch1": "1.0", "size_bytes": "101", "train_seconds": "12.4"},
            "b": {"train_seconds": "99", "size_bytes": "150", "host": "another"},
        },
    )
    comparison = compare(before, now, lambda _: RIGHT)
    costs = [each for each in comparison.changes if each.kind == "cost"]
    assert [(each.model, each.measure, each.before, each.now, each.why) for each in costs] == [
        ("a", "latency_ms_batch1", 2.0, 1.0, "0.50 times"),
        ("b", "size_bytes", 100.0, 150.0, "1.50 times"),
    ]
    assert comparison.other_hosts == 1


def test_without_a_difference_a_comparison_rarely_reports_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "collect", lambda: 0)  # statsmodels calls it for each correction: 0.2 s
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(1000):
        tables = [{name: list(rng.normal(0.5, 0.1, 4)) for name in "abcde"} for _ in range(2)]
        found = changes(run(tables[0]), run(tables[1]))
        wrong += any(each.kind in ("better", "worse") for each in found.values())
    assert wrong / 1000 <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5
    assert wrong > 0


def test_the_text_is_markdown_for_a_pull_request() -> None:
    before = run({"a": [0.90, 0.91, 0.92], "b|<b>": [0.5], "c": [0.5]}, costs={"c": {}})
    now = run({"a": [0.95, 0.96, 0.97], "b|<b>": "failed", "c": [0.5]}, costs={"c": {"size_bytes": "200"}})
    text = render(compare(before, now, lambda _: RIGHT))
    lines = text.splitlines()
    assert lines[0] == "### run, suite s, compared with run, suite s"
    assert lines[2] == "1 broken, 1 better, 1 cost, 1 same."
    nothing = " | ".join([numbers.NOTHING] * 3)
    assert f"| broken | t | b\\|&lt;b&gt; | none | accuracy | 50.00% | {nothing} | failed now |" in lines
    assert (
        "| better | t | a | none | accuracy | 91.00% (3 seeds) | 96.00% (3 seeds) | +5.00 | 0.0036 |"
        " Welch's t-test over seeds |"
    ) in lines
    assert "| t | c | none | size | 100 B | 200 B | 2.00 times |" in lines


def test_an_empty_comparison_is_reported() -> None:
    empty = Comparison("a", "b", (), 0)
    assert render(empty) == "### b, compared with a\n\nNothing to compare."
    assert list(empty.counts) == list(KINDS)


def test_short_training_times_are_not_compared() -> None:
    short, longer = ({"a": {"train_seconds": seconds}} for seconds in ("0.1", "0.9"))
    found = compare(run({"a": [0.5]}, costs=short), run({"a": [0.5]}, costs=longer), lambda _: RIGHT)
    assert [each.kind for each in found.changes] == ["same"]


def test_a_missing_earlier_run_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    reason = since_last("", "", run({"a": [0.5]}), lambda _: RIGHT)
    assert isinstance(reason, str)
    assert reason.startswith("There is no earlier run")
    (tmp_path / "dvc.lock").write_text("stages: 3")
    assert since_last("", "", run({"a": [0.5]}), lambda _: RIGHT) == (
        "dvc.lock: not as DVC writes it (stages: not a mapping of mappings)"
    )
