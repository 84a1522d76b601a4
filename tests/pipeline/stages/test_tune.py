"""The stage of tuning: what it reads, and what it leaves."""

from types import SimpleNamespace

import pandas as pd
import pytest

from assay.data import reading
from assay.files import read_json
from assay.pipeline.stages import tune
from assay.tasks.metric import Metric

SPEC = {
    "seed": 0,
    "train_items": 500,
    "knobs": {"c": 1.0},
    "tuning": {"trials": 5, "sampler": "tpe", "space": {"c": {"low": 0.1, "high": 10.0}}, "items": 100},
}


@pytest.fixture
def row(tmp_path, monkeypatch):
    """A row whose model has a value of its own knob as its score, and the spec that it was made from."""
    pd.DataFrame({"item": [0, 1, 2], "split": ["train", "validation", "test"]}).to_parquet(
        tmp_path / "items.parquet"
    )
    found = SimpleNamespace(
        task=SimpleNamespace(watched=Metric("accuracy", "maximise")),
        splits={"validation": None},
        train_items=100,
        arguments=lambda spec: spec["knobs"],
        learn=lambda spec, _folder: (spec["knobs"]["c"], None),
        specs=[],
    )
    monkeypatch.setattr(tune.cell, "learner", lambda spec, *_: found.specs.append(spec) or found)
    monkeypatch.setattr(tune, "validation_score", lambda _task, model, *_: model)
    monkeypatch.setattr(tune.records, "require", lambda *_: {})
    monkeypatch.setattr(tune.proven_files, "require", lambda *_: {"files": {}})
    return found


def run(tmp_path):
    path = tmp_path / "prepared.json"
    return tune.tune(SPEC, path, path, [], tmp_path / "out", "identity")


@pytest.mark.usefixtures("row")
def test_the_best_setting_on_validation_is_chosen_and_every_trial_is_kept(tmp_path):
    facts = run(tmp_path)
    trials = read_json(tmp_path / "out" / "trials.json")
    scores = [trial["score"] for trial in trials]
    assert len(scores) == 5
    assert facts["chosen"] == read_json(tmp_path / "out" / "chosen.json")
    assert facts["chosen"] == {
        "setting": {"c": max(scores)},
        "metric": "accuracy",
        "direction": "maximise",
        "validation": max(scores),
        "trial": scores.index(max(scores)),
    }
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["chosen.json", "trials.json"]
    assert sorted(facts["files"]) == ["chosen.json", "trials.json"]


def test_each_trial_trains_on_the_smaller_number_of_items(row, tmp_path):
    run(tmp_path)
    assert [spec["train_items"] for spec in row.specs] == [100]


def test_a_search_cannot_read_test_items(row, tmp_path):
    row.learn = lambda _spec, _folder: reading.split_rows(tmp_path, ("train", "test"))
    with pytest.raises(
        ValueError, match=r"all 5 trials failed; .* the items of test are withheld from this job"
    ):
        run(tmp_path)
    assert list(reading.split_rows(tmp_path, ("test",))["test"].items) == [2]
