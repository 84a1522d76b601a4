"""A search that the row cannot make is an error when params.yaml is read."""

import pytest

from assay.config.matrix import Cell, Matrix, Row
from assay.config.params import ParamsError, check
from assay.config.strict_yaml import read
from assay.config.tuning import with_setting
from assay.paths import PARAMS

SPACE = {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "hidden": [[64], [128]]}
TUNING = {"trials": 8, "sampler": "tpe", "space": SPACE, "items": 20000}


def params(tuning, family="mlp", **more):
    raw = read(PARAMS)
    raw["models"]["mine"] = {"like": family, "tuning": tuning, **more}
    raw["suites"]["mine"] = {"tasks": ["digits"], "models": ["mine", family], "seeds": [0, 1]}
    return check(raw)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"trials": 0}, "tuning.trials = 0: should be greater than or equal to 1"),
        ({"sampler": "grid"}, "tuning.sampler = 'grid': should be 'tpe' or 'random'"),
        ({"space": {}}, "tuning.space = {}: "),
        (
            {"space": {"hiden": [8]}},
            "tuning.space.hiden: the row has no such knob or training key; allowed: hidden, ",
        ),
        ({"space": {"dropout": []}}, "tuning.space.dropout: no values; give at least one, or remove the key"),
        ({"space": {"dropout": [2]}}, "tuning.space.dropout = 2: should be less than 1"),
        (
            {"space": {"dropout": {"low": 0.5, "high": 0.5}}},
            "tuning.space.dropout: empty range: low = 0.5 must be below high = 0.5",
        ),
        (
            {"space": {"dropout": {"low": 0.0, "high": 0.5, "log": True}}},
            "tuning.space.dropout: low = 0.0: must be above 0 on a logarithmic scale",
        ),
        (
            {"space": {"augment": {"low": 0, "high": 1}}},
            "tuning.space.augment: a range needs a number; give a list",
        ),
        (
            {"space": {"epochs": {"low": 1.5, "high": 4}}},
            "tuning.space.epochs = 1.5: should be a valid integer",
        ),
        (
            {"space": {"dropout": 5}},
            "tuning.space.dropout = 5: should be a mapping, as in {key: value} or a list, as in [a, b]",
        ),
        (
            {"space": {"dropout": {"low": 0.1, "high": 0.2, "step": 3}}},
            "tuning.space.dropout.step: unknown key; allowed: low, high, log",
        ),
        ({"space": {"dropout": {"low": 0.1}}}, "tuning.space.dropout.high: missing; give it a value"),
        ({"items": 1}, "tuning.items = 1: should be greater than or equal to 10"),
        ({"tirals": 1}, "tuning.tirals: unknown key"),
    ],
)
def test_an_impossible_search_is_one_line(changes, line):
    for place, more in (("models.mine", {}), ("models.mine.per_task.digits", {"per_task": {"digits": {}}})):
        asked = {**TUNING, **changes}
        if more:
            more["per_task"]["digits"]["tuning"] = asked
        with pytest.raises(ParamsError) as raised:
            params(TUNING if more else asked, **more)
        (found,) = raised.value.errors
        assert found.startswith(f"{place}.{line}")


def test_a_row_that_is_not_trained_step_by_step_has_no_training_keys():
    with pytest.raises(ParamsError, match=r"space\.batch_size: .*; allowed: c, max_iterations, tolerance$"):
        params({**TUNING, "space": {"batch_size": [8]}}, "logistic_regression")


def test_values_get_the_types_of_their_keys():
    space = {
        "epochs": {"low": 1.0, "high": 4},
        "dropout": {"low": "1.0e-3", "high": 0.5},
        "learning_rate": ["1e-3"],
    }
    found = params({**TUNING, "space": space}).models["mine"].tuning.space
    assert (found["epochs"].low, type(found["epochs"].low)) == (1, int)
    assert found["dropout"].low == 0.001
    assert found["learning_rate"] == [0.001]


def test_the_spec_of_a_tuned_row_holds_the_block_and_that_of_another_row_does_not():
    matrix = Matrix(params(TUNING), "mine")
    assert matrix.tuned == [Row("digits", "mine")]
    tuned, fixed = (matrix.cell_spec(Cell("digits", model, 0)) for model in ("mine", "mlp"))
    assert tuned["tuning"]["space"] == SPACE
    assert tuned == {**fixed, "model": "mine", "tuning": tuned["tuning"]}
    assert "tuning" not in fixed


def test_a_suite_bounds_the_trials_or_leaves_tuned_rows_out():
    whole = params(TUNING)
    for most, trials in ((3, 3), (20, 8)):
        suite = whole.suites["mine"].model_copy(update={"most_trials": most})
        bounded = whole.model_copy(update={"suites": {**whole.suites, "mine": suite}})
        assert Matrix(bounded, "mine").tuning("digits", "mine").trials == trials
    suite = whole.suites["mine"].model_copy(update={"most_trials": 0})
    without = Matrix(whole.model_copy(update={"suites": {**whole.suites, "mine": suite}}), "mine")
    assert without.models == ["mlp"]


def test_a_setting_replaces_knobs_before_training_keys():
    spec = {"knobs": {"learning_rate": 1, "c": 2}, "training": {"learning_rate": 3, "epochs": 4}, "seed": 0}
    found = with_setting(spec, {"learning_rate": 5, "epochs": 6})
    assert found == {
        "knobs": {"learning_rate": 5, "c": 2},
        "training": {"learning_rate": 3, "epochs": 6},
        "seed": 0,
    }
    assert spec["knobs"]["learning_rate"] == 1


def test_every_family_of_a_task_of_the_suite_tuning_has_the_same_number_of_trials():
    matrix = Matrix(check(read(PARAMS)), "tuning")
    assert matrix.tuned
    for task in matrix.tasks:
        rows = [matrix.tuning(row.task, row.model) for row in matrix.tuned if row.task == task]
        assert len({row.trials for row in rows}) == 1
        likes = [matrix.params.models[row.model].like for row in matrix.tuned if row.task == task]
        assert {(task, name) for name in likes} <= {(cell.task, cell.model) for cell in matrix.cells}
