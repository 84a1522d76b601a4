"""A search draws the same settings whether or not it was interrupted, and a failed trial does not end it."""

import math

import pytest

from assay.config.training import Diverged
from assay.config.tuning import TuningParams
from assay.training.tune import Trial, best, search

SPACE = {
    "rate": {"low": 1e-3, "high": 1.0, "log": True},
    "layers": {"low": 1, "high": 4},
    "widths": [[8], [8, 8], [16]],
}


def tuning(trials=8, sampler="tpe"):
    return TuningParams.model_validate({"trials": trials, "sampler": sampler, "space": SPACE})


def score(setting):
    """The best rate is 0.1; two layers are better than others."""
    return -abs(math.log10(setting["rate"]) + 1) - abs(setting["layers"] - 2)


class Killed(BaseException):
    """A process that ends."""


def run(journal, score=score, *, identity="a", **more):
    asked = {"direction": "maximise", "seed": 0, "journal": journal, "identity": identity}
    return search(tuning(**more), score, **asked)


def killed_after(number):
    calls = iter(range(number))

    def counted(setting):
        if next(calls, None) is None:
            raise Killed
        return score(setting)

    return counted


def test_settings_lie_in_the_space_and_scores_are_those_of_their_settings(tmp_path):
    trials = run(tmp_path / "journal", trials=12)
    assert len(trials) == 12
    for trial in trials:
        assert 1e-3 <= trial.setting["rate"] <= 1
        assert trial.setting["layers"] in range(1, 5)
        assert trial.setting["widths"] in SPACE["widths"]
        assert trial.score == score(trial.setting)
    assert len({str(trial.setting) for trial in trials}) == 12


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_killed_search_goes_on_where_it_was_and_draws_what_it_would_have_drawn(sampler, tmp_path):
    whole = run(tmp_path / "whole", sampler=sampler)
    journal, killed = tmp_path / "journal", 0
    for _ in range(20):
        try:
            found = run(journal, killed_after(2), sampler=sampler)
        except Killed:
            killed += 1
        else:
            break
    assert killed == 3
    assert found == whole


def test_what_a_killed_process_was_writing_is_dropped(tmp_path):
    journal = tmp_path / "journal"
    whole = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(journal, killed_after(5))
    journal.with_name("journal.lock").touch()
    lines = journal.read_bytes()
    journal.write_bytes(lines[: len(lines) - 30])
    assert run(journal) == whole


def test_the_trials_of_another_search_are_not_used(tmp_path):
    journal = tmp_path / "journal"
    run(journal)
    other = run(journal, lambda setting: score(setting) - 1, identity="b")
    assert other[0].score == run(tmp_path / "whole")[0].score - 1


def test_a_trial_that_diverges_or_does_not_fit_is_recorded_and_never_chosen(tmp_path):
    def failing(setting):
        if setting["layers"] > 2:
            raise Diverged(7)
        if setting["widths"] == [16]:
            raise ValueError("16 is too wide")
        return math.nan if setting["rate"] < 0.01 else score(setting)

    trials = run(tmp_path / "journal", failing, trials=15)
    reasons = {trial.reason for trial in trials if trial.score is None}
    assert any("at optimizer step 7" in reason for reason in reasons)
    assert "16 is too wide" in reasons
    assert trials[best(trials, "maximise")].score == max(
        each.score for each in trials if each.score is not None
    )


def test_the_first_of_equals_is_best_and_without_a_score_there_is_none():
    trials = [Trial({}, None, "no"), Trial({}, 2.0), Trial({}, 1.0), Trial({}, 2.0)]
    assert best(trials, "maximise") == 1
    assert best(trials, "minimise") == 2
    with pytest.raises(ValueError, match="tuning: all 2 trials failed; the first: bad"):
        best([Trial({}, None, "bad"), Trial({}, None, "no")], "maximise")
