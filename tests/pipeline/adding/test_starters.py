"""What runs on a user's data at first: every starter names rows that exist, and the size of the data decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.config import registry
from assay.config.params import check
from assay.config.strict_yaml import read
from assay.pipeline.adding.starters import FOLDER, choose, starters

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("starter", starters(), ids=lambda each: each.kind)
def test_a_starter_fits_its_kind_of_task(starter):
    kind = registry.TASKS[starter.kind]
    assert starter.signature == kind.signature
    named = {name: row.get("model", name) for name, row in starter.models.items()}
    assert all(starter.signature in registry.MODELS[model].signatures for model in named.values())
    assert set(kind.controls) & set(named.values()), "a control is missing"
    assert {*starter.at_most, *starter.at_least} <= set(starter.models)


@pytest.mark.parametrize("starter", starters(), ids=lambda each: each.kind)
def test_its_rows_are_valid_in_params_yaml(starter):
    params = read(ROOT / "params.yaml")
    dataset = next(name for name, row in params["tasks"].items() if row.get("kind") == starter.kind)
    dataset = params["tasks"][dataset].get("like", dataset)
    task = {"kind": starter.kind, "dataset": params["tasks"][dataset].get("dataset", dataset), **starter.task}
    models = {f"own_{name}": {"model": name, **row} for name, row in starter.models.items()}
    methods = {f"own_{name}": {"method": name, **row} for name, row in starter.methods.items()}
    suite = {"tasks": ["own"], "models": [*models], "methods": [*methods], "seeds": [0]}
    check(
        {
            **params,
            "tasks": {**params["tasks"], "own": task},
            "models": {**params["models"], **models},
            "methods": {**params["methods"], **methods},
            "suites": {**params["suites"], "own": suite},
        }
    )


def test_there_is_a_starter_in_each_file():
    assert [each.kind for each in starters()] == sorted(path.stem for path in FOLDER.glob("*.yaml"))
    assert len(starters()) >= 5


@pytest.mark.parametrize(
    ("classes", "metric", "kind"),
    [
        (2, None, "table_classification"),
        (2, "auroc", "table_classification"),
        (2, "macro_f1", "table_classification"),
        (2, "accuracy", "table_multiclass"),
        (3, None, "table_multiclass"),
        (3, "auroc", "table_multiclass"),
    ],
)
def test_the_number_of_classes_and_the_metric_choose_the_kind(classes, metric, kind):
    assert choose("table -> class", classes, metric).kind == kind


def test_models_that_do_not_fit_the_size_are_left_out():
    starter = next(each for each in starters() if each.kind == "text_classification")
    assert "text_cnn" not in starter.rows(starter.at_least["text_cnn"] - 1)
    assert "text_cnn" in starter.rows(starter.at_least["text_cnn"])
    assert "text_cnn" in starter.rows(starter.at_most["text_cnn"])
    assert "text_cnn" not in starter.rows(starter.at_most["text_cnn"] + 1)
    assert next(iter(starter.rows(10))) == "majority"


def leaves(model) -> set[int]:
    return {tree.get_n_leaf_nodes() for of_round in model.estimator._predictors for tree in of_round}


@pytest.mark.parametrize(
    ("kind", "model", "fewest"),
    [
        ("table_classification", "hist_gradient_boosting", 40),
        ("table_multiclass", "hist_gradient_boosting", 40),
        ("table_regression", "boosted_regression", 20),
    ],
)
def test_boosting_is_left_out_where_no_tree_can_have_a_split(kind, model, fewest):
    starter = next(each for each in starters() if each.kind == kind)
    assert (model in starter.rows(fewest - 1), model in starter.rows(fewest)) == (False, True)
    family = registry.load(registry.MODELS[model].target)
    is_number = starter.signature == "table -> number"
    given = {"seed": 0} if is_number else {"shape": (2,), "num_classes": 2, "seed": 0}
    for count, expected in ((fewest - 1, {1}), (fewest, {2})):
        fitted = family(**given, **starter.models[model]["knobs"])
        rows = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
        targets = (np.arange(count) >= count // 2).astype(np.int64)
        fitted.fit(rows, targets[:, None] if is_number else targets)
        assert leaves(fitted) == expected


def test_a_few_images_are_not_learned_by_boosting():
    starter = next(each for each in starters() if each.kind == "image_classification")
    assert list(starter.rows(27)) == ["majority", "logistic_regression"]
    assert "hist_gradient_boosting" not in starter.rows(99)
    assert {"hist_gradient_boosting", "mlp"} <= set(starter.rows(100))
