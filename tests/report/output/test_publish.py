"""Results are kept task by task."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from assay.files import sha256
from assay.report.output import publish
from assay.report.results import searches, trials
from tests.report import made_up

TARGETS = """
- {task: a, model: good, metric: accuracy, at_least: 0.9}
- {task: a, model: fair, metric: accuracy, at_least: 0.9}
- {task: a, model: poor, metric: accuracy, at_least: 0.9}
- {task: never, model: good, metric: accuracy, at_least: 0.9}
"""


def write_reports(
    reports, task, scores, metric="accuracy", direction="maximise", *, suite="public", methods=(), reach=0.02
):
    """Write what a run of one task leaves: the seeds of each model, and of what each method makes of it."""
    results, costs = [], []
    for model, method in itertools.product(scores, ("none", *methods)):
        for seed, value in enumerate(scores[model]):
            names = {"suite": suite, "task": task, "model": model, "method": method, "seed": seed}
            more = {"dataset": task, "split": "test", "metric": metric, "value": value, "status": "ok"}
            results.append({**names, **more})
            numbers = {"parameters": 10, "size_bytes": 40, "train_seconds": 1.0, "peak_memory_bytes": 1}
            costs.append(
                {**names, **numbers, "latency_ms_batch1": 0.1, "latency_ms_batch64": 1.0, "host": "h"}
            )
            folder = reports / "cells" / suite / task / model / str(seed) / method
            folder.mkdir(parents=True)
            made_up.record(folder / "status.json", made_up.status("ok", "evaluate", spec=names))
            proof = {"commit": "c0ffee", "finished": "2026", "host": {"processor": "p", "cores": 2}}
            made_up.write_measured(folder, made_up.measured(1.0) | proof)
    pd.DataFrame(results).to_csv(reports / "results.csv", index=False)
    pd.DataFrame(costs).to_csv(reports / "costs.csv", index=False)
    matrix = [
        {"task": task, "model": model, "metric": metric, "direction": direction, "mean": 0}
        for model in scores
    ]
    estimated = [
        {"suite": suite, "task": task, "model": model, "method": method, "metric": metric}
        | {"low": float(np.mean(values)) - reach, "high": float(np.mean(values)) + reach}
        for (model, values), method in itertools.product(scores.items(), ("none", *methods))
    ]
    pd.DataFrame(estimated).to_csv(reports / "estimates.csv", index=False)
    (reports / "tables").mkdir()
    pd.DataFrame(matrix).to_csv(reports / "tables" / "matrix.csv", index=False)
    speeds = {
        f"speed_batch{size}{end}": 2.0 + number
        for size in (1, 64)
        for number, end in enumerate(("_low", "", "_high"))
    }
    compressed = [
        {
            "task": task,
            "model": model,
            "method": method,
            "before": 0.9,
            "after": 0.8,
            "max_relative_drop": 0.01,
        }
        | {"verdict": "beyond" if method == "b" else None, "size_ratio": 3.5, "zipped_ratio": 2.25, **speeds}
        | {"format_before": "safetensors", "format_after": "safetensors"}
        for model, method in itertools.product(scores, methods)
    ]
    columns = ["task", "model", "method"]
    pd.DataFrame(compressed, columns=list(compressed[0]) if compressed else columns).to_csv(
        reports / "tables" / "compression.csv", index=False
    )
    pd.DataFrame(columns=searches.COLUMNS).to_csv(reports / "tables" / "trials.csv", index=False)
    seal(reports)


def seal(reports):
    """Write the record of the report, as its job leaves it."""
    files = {name: sha256(reports / name) for name in publish.READ}
    made_up.record(reports / "report.json", made_up.status("ok", "report", files=files))


def test_each_row_has_its_mean_interval_and_provenance_and_targets_say_what_was_reached(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "targets.yaml").write_text(TARGETS)
    write_reports(tmp_path / "reports", "a", {"good": [0.92, 0.94], "fair": [0.91], "poor": [0.5, 0.7]})
    publish.publish(tmp_path / "reports", docs)
    table = pd.read_csv(docs / "results" / "public" / "a.csv").set_index("model")
    assert table.loc["good", "mean"] == pytest.approx(0.93)
    assert table.loc["good", "deviation"] == pytest.approx(0.0141421, abs=1e-6)
    assert table.loc["good", ["low", "high"]].tolist() == pytest.approx([0.91, 0.95])
    assert set(table["commit"]) == {"c0ffee"}
    page = (docs / "results.md").read_text()
    assert "| a | good | ≥ 90.00% | 93.00% | 91.00% to 95.00% | reached |" in page
    assert "| a | fair | ≥ 90.00% | 91.00% | 89.00% to 93.00% | undecided |" in page
    assert "| a | poor | ≥ 90.00% | 60.00% | 58.00% to 62.00% | **not reached** |" in page
    assert "| never | good | ≥ 90.00% | not measured |  |  |" in page


def test_without_an_interval_a_target_is_undecided(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "targets.yaml").write_text(TARGETS)
    write_reports(tmp_path / "reports", "a", {"good": [0.92]}, reach=float("nan"))
    publish.publish(tmp_path / "reports", docs)
    line = "| a | good | ≥ 90.00% | 92.00% |  | undecided: no interval |"
    assert line in (docs / "results.md").read_text()
    earlier = docs / "results" / "public" / "a.csv"
    pd.read_csv(earlier).drop(columns=["low", "high"]).to_csv(earlier, index=False)
    write_reports(tmp_path / "others", "b", {"good": [0.92]})
    publish.publish(tmp_path / "others", docs)
    assert line in (docs / "results.md").read_text()


def test_a_later_run_of_one_task_leaves_the_others_as_they_were(tmp_path):
    docs = tmp_path / "docs"
    write_reports(tmp_path / "first", "a", {"good": [0.9]})
    publish.publish(tmp_path / "first", docs)
    before = (docs / "results" / "public" / "a.csv").read_bytes()
    write_reports(tmp_path / "second", "b", {"good": [0.8]})
    publish.publish(tmp_path / "second", docs)
    assert (docs / "results" / "public" / "a.csv").read_bytes() == before
    page = (docs / "results.md").read_text()
    assert page.index("## a") < page.index("## b")


def test_what_a_killed_publish_was_writing_is_removed_and_nothing_else(tmp_path):
    docs = tmp_path / "docs"
    write_reports(tmp_path / "reports", "a", {"good": [0.9]})
    publish.publish(tmp_path / "reports", docs)
    for name in (".results.md.0123abcd.md", "results/public/.a.csv.0123abcd.csv", ".notes.markdown.md"):
        (docs / name).write_text("half")
    publish.publish(tmp_path / "reports", docs)
    assert [path.name for path in docs.rglob(".*")] == [".notes.markdown.md"]


def test_each_suite_keeps_its_own_and_many_methods_are_rows(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    more = "- {suite: compression, task: a, model: good, metric: accuracy, at_least: 0.9}\n"
    (docs / "targets.yaml").write_text(TARGETS + more)
    write_reports(tmp_path / "first", "a", {"good": [0.93]}, methods=["b"])
    publish.publish(tmp_path / "first", docs)
    write_reports(tmp_path / "second", "a", {"good": [0.8]}, suite="compression", methods=list("bcdef"))
    written = publish.publish(tmp_path / "second", docs)
    assert docs / "compression" / "compression" / "a.csv" in written
    assert pd.read_csv(docs / "compression" / "public" / "a.csv")["method"].tolist() == ["b"]
    page = (docs / "results.md").read_text()
    assert "| a | good | ≥ 90.00% | 93.00% | 91.00% to 95.00% | reached |" in page
    assert "| a | good | ≥ 90.00% | 80.00% | 78.00% to 82.00% | **not reached** |" in page
    assert "| good | 93.00% | 1 | 93.00% |" in page
    assert page.index("## a\n") < page.index("## Compression of a")
    table = page[page.index("## Compression of a") :]
    assert "Suite `compression`; p, 2 cores; commit c0ffee; finished 2026." in table
    speeds = "3.00 (2.00 to 4.00) | 3.00 (2.00 to 4.00)"
    same = "3.00\N{MULTIPLICATION SIGN} | 3.00\N{MULTIPLICATION SIGN} | size and speed"
    assert f"| good | b | 80.00% | 90.00% | 3.50 | 2.25 | {speeds} | beyond, 1.0% | {same} |" in table
    assert f"| good | f | 80.00% | 90.00% | 3.50 | 2.25 | {speeds} | not tested | {same} |" in table


def test_a_report_without_a_fine_variant_is_refused(tmp_path):
    write_reports(tmp_path / "reports", "a", {"good": [0.9]})
    table = pd.read_csv(tmp_path / "reports" / "results.csv").assign(status="failed")
    table.to_csv(tmp_path / "reports" / "results.csv", index=False)
    seal(tmp_path / "reports")
    with pytest.raises(ValueError, match="nothing to publish"):
        publish.publish(tmp_path / "reports", tmp_path / "docs")
    assert not (tmp_path / "docs").exists()


def test_a_metric_where_less_is_better_is_sorted_and_judged_so(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    targets = [
        {"task": "lm", "model": model, "metric": "bits_per_character", "at_most": 2.5}
        for model in ("gpt", "unigram", "best")
    ] + [
        {"task": "lm", "model": model, "metric": "bits_per_character", "better_than": rival}
        for model, rival in (
            ("gpt", "unigram"),
            ("unigram", "gpt"),
            ("unigram", "unigram"),
            ("gpt", "gone"),
            ("gpt", "lstm"),
        )
    ]
    (docs / "targets.yaml").write_text(json.dumps(targets))
    scores = {"unigram": [4.75], "gpt": [2.25, 2.5], "lstm": [2.4]}
    write_reports(tmp_path / "reports", "lm", scores, "bits_per_character", "minimise")
    publish.publish(tmp_path / "reports", docs)
    page = (docs / "results.md").read_text()
    assert "| lm | gpt | ≤ 2.5 | 2.375 | 2.355 to 2.395 | reached |" in page
    assert "| lm | unigram | ≤ 2.5 | 4.75 | 4.73 to 4.77 | **not reached** |" in page
    assert "| lm | best (gpt) | ≤ 2.5 | 2.375 | 2.355 to 2.395 | reached |" in page
    assert "| lm | gpt | better than unigram (4.75) | 2.375 | 2.355 to 2.395 | reached |" in page
    assert "| lm | unigram | better than gpt (2.375) | 4.75 | 4.73 to 4.77 | **not reached** |" in page
    assert "| lm | unigram | better than unigram (4.75) | 4.75 | 4.73 to 4.77 | **not reached** |" in page
    assert "| lm | gpt | better than gone | failed |  | **not reached** |" in page
    assert "| lm | gpt | better than lstm (2.4) | 2.375 | 2.355 to 2.395 | undecided |" in page
    assert "| model | bits per character | seeds |" in page
    assert page.index("| gpt | 2.375 ± 0.18 | 2 |") < page.index("| unigram | 4.75 | 1 |")


@pytest.mark.parametrize("name", publish.READ)
def test_a_report_that_was_changed_is_not_published(name, tmp_path):
    write_reports(tmp_path / "reports", "a", {"good": [0.9]})
    path = tmp_path / "reports" / name
    for content in ("", path.read_text() + "\n", None):
        path.unlink() if content is None else path.write_text(content)
        with pytest.raises(ValueError, match=rf"{path.name}: does not have the digest in report.json"):
            publish.publish(tmp_path / "reports", tmp_path / "docs")
    (tmp_path / "reports" / "report.json").unlink()
    with pytest.raises(ValueError, match=r"report.json: not found; run the suite"):
        publish.publish(tmp_path / "reports", tmp_path / "docs")
    assert not (tmp_path / "docs").exists()


def test_a_report_with_other_columns_is_not_published(tmp_path):
    write_reports(tmp_path / "reports", "a", {"good": [0.9]})
    (tmp_path / "reports/results.csv").write_text("one,two\n1,2\n")
    seal(tmp_path / "reports")
    with pytest.raises(ValueError, match=r"results.csv: no column suite; run the suite again"):
        publish.publish(tmp_path / "reports", tmp_path / "docs")


def test_costs_of_another_cell_are_not_published(tmp_path):
    write_reports(tmp_path / "reports", "a", {"good": [0.9], "poor": [0.5]})
    good, poor = (
        tmp_path / f"reports/cells/public/a/{name}/0/none/measured.json" for name in ("good", "poor")
    )
    good.write_bytes(poor.read_bytes())
    with pytest.raises(
        ValueError, match=r"good/0/none/measured.json: not written by the job that wrote status.json"
    ):
        publish.publish(tmp_path / "reports", tmp_path / "docs")
    assert not (tmp_path / "docs").exists()


def test_docs_that_are_no_folder_are_refused(tmp_path):
    write_reports(tmp_path / "reports", "a", {"good": [0.9]})
    (tmp_path / "docs").write_text("a file")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/results").write_text("a file")
    for docs in ("docs", "full", "none/docs"):
        with pytest.raises(ValueError, match=f"{docs}.*: (cannot be written|there is no folder)"):
            publish.publish(tmp_path / "reports", tmp_path / docs)


def test_every_trial_of_a_search_goes_into_tuning_csv_and_an_earlier_search_of_its_row_leaves_it(tmp_path):
    docs, reports = tmp_path / "docs", tmp_path / "reports"
    docs.mkdir()
    head = "task,model,method,trials,split,metric,score,chosen,test_seen,note\n"
    by_hand = 'a,poor,none,3,validation,accuracy,,,no,"three, by hand"\n'
    earlier = "a,good,none,1,validation,accuracy,0.5,yes,yes,before\n"
    (docs / "tuning.csv").write_text(head + by_hand + earlier)
    write_reports(reports, "a", {"good": [0.9], "poor": [0.5]})
    setting = {
        "task": "a",
        "dataset": "a",
        "model": "good",
        "fixed": "poor",
        "trials": 2,
        "split": "validation",
    }
    setting |= {"metric": "accuracy", "direction": "maximise"}
    tried = [
        {**setting, "trial": 1, "score": 0.75, "chosen": "yes", "setting": '{"c": 2}', "reason": ""},
        {**setting, "trial": 2, "score": None, "chosen": "no", "setting": '{"c": 9}', "reason": "diverged"},
        {
            **setting,
            "dataset": "a_twin",
            "task": "b",
            "trial": 1,
            "score": 1.0,
            "chosen": "yes",
            "setting": "{}",
        },
    ]
    pd.DataFrame(tried, columns=searches.COLUMNS).to_csv(reports / "tables" / "trials.csv", index=False)
    seal(reports)
    assert docs / "tuning.csv" in publish.publish(reports, docs)
    text = (docs / "tuning.csv").read_text()
    assert text.startswith(head + by_hand + "a,good,none,1,validation,accuracy,0.75,yes,no,")
    found = trials.load(docs / "tuning.csv")
    assert [(each.model, each.score, each.chosen, each.test_seen) for each in found] == [
        ("poor", None, None, "no"), ("good", 0.75, "yes", "no"), ("good", None, "no", "no"),
    ]  # fmt: skip
    assert found[1].note == 'trial 1 of 2 in the suite public: {"c": 2}'
    assert found[2].note == 'trial 2 of 2 in the suite public: {"c": 9}; failed: diverged'
    publish.publish(reports, docs)
    assert (docs / "tuning.csv").read_text() == text


def test_a_row_chosen_after_a_test_score_is_marked_at_its_number(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "tuning.csv").write_text(
        "task,model,method,trials,split,metric,score,chosen,test_seen,note\n"
        "a,poor,none,1,validation,accuracy,0.5,yes,yes,\n"
        "a,good,none,1,validation,accuracy,0.5,no,yes,\n"
        "b,good,none,1,validation,accuracy,0.5,yes,yes,\n"
    )
    write_reports(tmp_path / "reports", "a", {"good": [0.9], "poor": [0.5]})
    publish.publish(tmp_path / "reports", docs)
    page = (docs / "results.md").read_text()
    assert "| poor | 50.00% † |" in page
    assert "| good | 90.00% |" in page
    assert (
        "† marks rows whose hyperparameters were chosen after one of their test scores had been seen" in page
    )
