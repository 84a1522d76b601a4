"""The project's own trials, and hand-worked ones."""

import re
from pathlib import Path

import pytest

from assay.config.params import load_params
from assay.report.results import trials

HEADER = "task,model,method,trials,split,metric,score,chosen,test_seen,note\n"


def written(tmp_path, *rows):
    path = tmp_path / "tuning.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def test_the_project_s_trials_name_rows_that_are_there():
    found = trials.load(Path("docs/tuning.csv"))
    params = load_params(Path("params.yaml"))
    assert len(found) > 150
    assert {trial.task for trial in found} <= set(params.tasks)
    assert {trial.model for trial in found} <= set(params.models)
    assert {trial.method for trial in found} <= {*params.methods, "none"}
    assert sum(trial.is_choice_after_test for trial in found) > 20


def test_each_row_is_summed_in_the_order_of_the_report(tmp_path):
    path = written(
        tmp_path,
        "a,m,none,2,validation,accuracy,0.5,no,no,first",
        "a,m,none,1,validation,accuracy,0.6,yes,no,second",
        "b,m,none,,validation,,,,no,",
        "b,m,none,3,validation,,,,no,third",
        "a,n,none,1,validation,accuracy,0.5,no,yes,",
        "a,n,prune,1,validation,accuracy,0.5,yes,yes,",
        "c,n,none,1,validation,accuracy,0.5,yes,yes,",
    )
    rows = [
        ("b", "m", "none"),
        ("a", "n", "prune"),
        ("a", "n", "none"),
        ("a", "m", "none"),
        ("d", "m", "none"),
    ]
    assert trials.summarise(trials.load(path), rows) == [
        trials.Tuning("b", "m", "none", 3, False, False, ("third",)),
        trials.Tuning("a", "n", "prune", 1, True, True, ()),
        trials.Tuning("a", "n", "none", 1, True, False, ()),
        trials.Tuning("a", "m", "none", 3, True, False, ("first", "second")),
    ]


def test_no_file_is_no_trial(tmp_path):
    assert trials.load(tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("a,m,none,-1,validation,,,,no,", "trials: Input should be greater than or equal to 0"),
        ("a,m,none,1,validation,,,perhaps,no,", "chosen: Input should be 'yes' or 'no'"),
        ("a,m,none,1,validation,,high,,no,", "score: Input should be a valid number"),
        ("a,m,none,1,validation,,,,,", "test_seen: Input should be 'yes' or 'no'"),
        (",m,none,1,validation,,,,no,", "task: Input should be a valid string"),
    ],
)
def test_a_wrong_row_is_one_line(tmp_path, row, line):
    path = written(tmp_path, "a,m,none,1,validation,,,,no,", row)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: line 3: {line}')}"):
        trials.load(path)
