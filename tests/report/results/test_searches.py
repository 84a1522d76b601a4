"""Searches are read from their records."""

from pathlib import Path

from assay.files import sha256, write_json
from assay.report.results import searches
from tests.report import made_up

TRIALS = [
    {"setting": {"rate": 0.0123456, "hidden": [64]}, "score": 0.8, "reason": ""},
    {"setting": {"rate": 0.5, "hidden": [8]}, "score": None, "reason": "diverged"},
    {"setting": {"rate": 0.1, "hidden": [8, 8]}, "score": 0.9, "reason": ""},
]


def write(folder, status="ok"):
    folder.mkdir(parents=True)
    write_json(folder / "trials.json", TRIALS)
    chosen = {"setting": TRIALS[2]["setting"], "metric": "accuracy", "direction": "maximise", "trial": 2}
    facts = {"chosen": chosen, "trials": 3, "data": {}, "spec": {}}
    files = {"trials.json": sha256(folder / "trials.json")}
    made_up.record(folder / "status.json", made_up.status(status, "tune", files=files, **facts))
    return {"task": "a", "dataset": "d", "model": "m", "fixed": "f", "tuned": folder}


def test_a_search_has_its_trials_and_a_failed_trial_the_worst_score(tmp_path):
    (found,) = searches.read([write(tmp_path / "m")], {})
    assert (found.task, found.model, found.fixed, found.chosen) == ("a", "m", "f", 2)
    assert found.setting == "hidden = [8, 8], rate = 0.1"
    assert found.scores == [0.8, 0.8, 0.9]
    rows = searches.trial_rows([found])
    assert [row["chosen"] for row in rows] == ["no", "no", "yes"]
    assert rows[1]["reason"] == "diverged"
    assert set(rows[0]) == set(searches.COLUMNS)


def test_a_search_that_failed_or_cannot_be_trusted_is_left_out(tmp_path):
    rows = [write(tmp_path / "failed", "failed"), write(tmp_path / "fine")]
    rows.append({**rows[0], "tuned": Path(tmp_path / "absent")})
    assert [each.model for each in searches.read(rows, {})] == ["m"]
    assert searches.read(rows, {tmp_path / "fine" / "status.json": "edited"}) == []
