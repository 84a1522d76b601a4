"""A dataset with folds: each seed's cells have a fold of their own, in every phase, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from assay.config import matrix, params
from assay.config.matrix import Cell, Row
from assay.pipeline import cleanup
from assay.pipeline.rule_functions import Graph

TEXT = Path("params.yaml").read_text(encoding="utf-8")
KNOBS = {
    "path": "loans.csv", "digest": "0" * 64, "encoding": "utf-8", "header": True, "day_first": None,
    "target": "answer", "as_classes": True, "ignore": [], "kinds": {}, "split": "stratified", "test_fraction": 0.2,
    "min_per_class": 5,
}  # fmt: skip


def checked(*, folds=5, seeds=(0, 1, 2, 3, 4), knobs=KNOBS, **rows):
    tree = yaml.safe_load(TEXT)
    row = {"dataset": "own_table", "knobs": dict(knobs)}
    tree["datasets"]["loans"] = {**row, "folds": folds} if folds else row
    tree["tasks"]["loans"] = {"kind": "table_classification", "training": {"epochs": 1}}
    tree["suites"]["own"] = {
        "tasks": ["digits", "loans"],
        "models": ["majority", "mlp", "mlp_searched"],
        "methods": ["prune"],
        "seeds": list(seeds),
    }
    for section, more in rows.items():
        tree[section] |= more
    return params.check(tree)


def suite(**changes):
    return matrix.select(checked(**changes), suite="own")


def jobs(found, phase):
    return {job.record: job for job in Graph(found).jobs if job.phase == phase}


def test_every_model_runs_once_on_each_fold_even_if_it_does_not_depend_on_the_seed():
    cells = suite().cells
    for model in ("majority", "mlp"):
        assert [each.seed for each in cells if (each.task, each.model) == ("loans", model)] == [0, 1, 2, 3, 4]
    assert [each.seed for each in cells if (each.task, each.model) == ("digits", "majority")] == [0]


def test_a_seed_has_the_fold_of_its_remainder():
    found = suite(folds=3, knobs={**KNOBS, "test_fraction": 0.333}, seeds=(7, 2, 3))
    assert found.prepared_of("loans") == {7: "loans_fold1", 2: "loans_fold2", 3: "loans_fold0"}
    assert found.cell_spec(Cell("loans", "mlp", 7))["dataset"] == "loans_fold1"


def test_a_dataset_is_ingested_once_and_each_fold_prepared_and_validated():
    found = suite()
    names = [f"loans_fold{number}" for number in range(5)]
    assert list(jobs(found, "ingest")) == ["data/raw/digits/source.json", "data/raw/loans/source.json"]
    prepared = jobs(found, "prepare")
    assert list(prepared)[1:] == [f"data/prepared/{name}/prepared.json" for name in names]
    for number, name in enumerate(names):
        job = prepared[f"data/prepared/{name}/prepared.json"]
        assert job.made_from == ("data/raw/loans/source.json",)
        assert json.loads(job.request["spec"])["fold"] == {"number": number, "folds": 5}
        assert Graph(found).prepare_from(SimpleNamespace(dataset=name)) == "data/raw/loans/source.json"
    assert list(jobs(found, "validate"))[1:] == [f"data/validated/{name}.json" for name in names]
    assert "fold" not in json.loads(jobs(found, "ingest")["data/raw/loans/source.json"].request["spec"])


def test_every_phase_of_a_cell_has_the_same_fold():
    graph = Graph(suite())
    for seed in range(5):
        data = f"data/prepared/loans_fold{seed}/prepared.json"
        mine = [job for job in graph.jobs if f"/loans/mlp_searched/{seed}/" in job.record]
        mine += [
            job
            for job in graph.jobs
            if job.record == f"artifacts/tuned/own/loans/mlp_searched.fold{seed}/status.json"
        ]
        assert sorted(job.phase for job in mine) == ["compress", "evaluate", "evaluate", "train", "tune"]
        assert {job.request["prepared"] for job in mine} == {data}
        assert all(data in job.made_from for job in mine)
        train = next(job for job in mine if job.phase == "train")
        assert f"data/validated/loans_fold{seed}.json" in train.made_from
        assert f"artifacts/tuned/own/loans/mlp_searched.fold{seed}/status.json" in train.made_from
        tune = next(job for job in mine if job.phase == "tune")
        assert json.loads(tune.request["spec"])["dataset"] == f"loans_fold{seed}"


def test_the_rules_of_tuning_ask_for_the_same_as_the_jobs():
    graph, row = Graph(suite()), Row("loans", "mlp_searched", 3)
    wildcards = SimpleNamespace(task="loans", model="mlp_searched", fold="3")
    job = next(job for job in graph.jobs if job.record.startswith(graph.matrix.tuning_folder(row)))
    assert graph.tune_fold_request(wildcards) == job.request
    assert graph.tune_fold_from(wildcards) == {"validated": "data/validated/loans_fold3.json", "start": []}
    assert [each.fold for each in graph.matrix.tuned if each.task == "digits"] == [None]


def test_folds_of_one_dataset_change_no_other_job():
    graphs = [Graph(suite(folds=folds)) for folds in (5, None)]
    other = [[job for job in graph.jobs if "loans" not in job.record] for graph in graphs]
    assert other[0] == other[1]
    assert len(other[0]) > 10
    without = jobs(suite(folds=None), "prepare")["data/prepared/loans/prepared.json"]
    assert "fold" not in without.request["spec"]


def test_what_a_fold_made_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = suite()
    for job in Graph(found).jobs:
        Path(job.record).parent.mkdir(parents=True, exist_ok=True)
        Path(job.record).write_text("")
    assert [path for path in cleanup.leftovers(found.params) if "loans" in str(path)] == []
    left = {str(path) for path in cleanup.leftovers(checked(folds=None))}
    assert {"data/prepared/loans_fold0", "artifacts/tuned/own/loans/mlp_searched.fold0"} <= left


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 1}, "datasets.loans.folds = 1: should be greater than or equal to 2"),
        ({"folds": 4}, "datasets.loans.knobs.test_fraction = 0.2: must be 0.25, one of 4 folds"),
        (
            {"seeds": [0, 1, 5]},
            "suites.own.seeds = [0, 1, 5]: two of them have the same one of the 5 folds of loans (seed modulo 5);"
            " give tasks.loans.seeds one for each fold",
        ),
        (
            {"datasets": {"digits": {"folds": 5}}},
            "datasets.digits.folds = 5: digits has no test_fraction, so it has no folds; remove it",
        ),
        (
            {"datasets": {"loans_fold1": {"dataset": "digits"}}},
            "datasets.loans_fold1: is the name of a fold of loans; choose another",
        ),
        (
            {"models": {"warm": {"like": "mlp", "starts_from": {"task": "loans", "model": "mlp"}}}},
            "models.warm.starts_from.task: loans is on folds, and its weights know test items of other folds; name"
            " another",
        ),
    ],
)  # fmt: skip
def test_folds_that_cannot_be_are_an_error_in_one_line(changes, message):
    with pytest.raises(params.ParamsError) as error:
        checked(**changes)
    assert message in error.value.errors
