"""Which cells a suite has."""

from pathlib import Path

import pytest

from assay.config import matrix, registry
from assay.config.params import ParamsError, load_params
from assay.pipeline.rule_functions import Graph

PARAMS = load_params(Path("params.yaml"))


def of(suite, **only):
    return matrix.select(PARAMS, suite=suite, **only)


@pytest.mark.parametrize("suite", sorted(PARAMS.suites))
def test_each_cell_once_and_each_variant_once(suite):
    found = of(suite)
    assert len(set(found.cells)) == len(found.cells) > 0
    assert len(set(found.variants)) == len(found.variants) >= len(found.cells)


def test_the_smoke_suite_runs_every_row_and_the_default_suite_three_seeds():
    assert {cell.model for cell in of("smoke").cells} == set(PARAMS.models)
    assert {cell.task for cell in of("smoke").cells} == set(PARAMS.tasks)
    cells = of("default").cells
    assert {cell.seed for cell in cells if cell.model == "cnn"} == {0, 1, 2}


def test_smoke_runs_each_row_on_one_task_and_controls_on_all():
    cells = of("smoke").cells
    tasks = {row: [cell.task for cell in cells if cell.model == row] for row in PARAMS.models}
    assert tasks["cnn"] == ["digits"]
    assert tasks["bert_small_tagger"] == ["wnut17"]
    assert len(tasks["majority"]) > 5
    assert {cell.task for cell in of("smoke", tasks="mnist").cells if cell.model == "cnn"} == {"mnist"}
    assert {cell.task for cell in of("default").cells if cell.model == "majority"} == {
        "digits",
        "breast_cancer",
        "review_grammar",
    }


def test_rows_of_the_suite_that_do_not_fit_a_narrower_selection_are_left_out():
    assert {cell.task for cell in of("default", models="cnn").cells} == {"digits"}
    found = {cell.model for cell in of("default", tasks="markov_text").cells}
    assert found == {"unigram", "bigram", "ngram", "lstm_lm", "gpt"}


def test_a_model_whose_fit_does_not_depend_on_the_seed_runs_once():
    cells = of("default", tasks="digits").cells
    assert [cell.seed for cell in cells if cell.model == "majority"] == [matrix.UNSEEDED]


def test_a_task_may_leave_methods_out():
    methods = {
        task: {variant.method for variant in of(suite).variants if variant.task == task}
        for suite, task in (("public", "multi30k"), ("default", "dates"))
    }
    assert methods == {
        "multi30k": {"none", "onnx", "int8_dynamic", "prune"},
        "dates": {"none", *PARAMS.suites["default"].methods},
    }


def test_the_full_precision_graph_runs_beside_every_other_graph():
    """So that int8 is compared with the same runtime, not with PyTorch."""
    for suite in PARAMS.suites:
        found: dict[tuple[str, str, int], set[str]] = {}
        for each in of(suite).variants:
            found.setdefault((each.task, each.model, each.seed), set()).add(each.method)
        graphs = {"int8_dynamic", "int8_static", "int8_qat", "prune_structured_onnx"}
        assert [cell for cell, methods in found.items() if methods & graphs and "onnx" not in methods] == []


def test_every_task_has_its_controls():
    for suite in PARAMS.suites:
        found = of(suite)
        for task in found.tasks:
            families = {PARAMS.models[cell.model].model for cell in found.cells if cell.task == task}
            assert set(registry.TASKS[PARAMS.tasks[task].kind].controls) <= families


def test_smoke_runs_every_dataset_on_its_twin_and_default_needs_no_download():
    assert set(of("smoke").datasets) == {f"{name}{registry.TWIN}" for name in registry.DATASETS}
    assert set(of("default").datasets) == {
        "digits",
        "breast_cancer",
        "review_grammar",
        "entity_grammar",
        "markov_text",
        "dates",
    }


def test_only_narrows_the_suite():
    cells = of("public", tasks="mnist", models="cnn,majority").cells
    assert {(cell.task, cell.model) for cell in cells} == {("mnist", "cnn"), ("mnist", "majority")}


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(ParamsError, match=r"mnits': not in params\.yaml; allowed: digits, mnist"):
        of("public", tasks="mnits")


def test_a_classical_cell_does_not_know_how_networks_are_trained():
    specs = {cell.model: of("default").cell_spec(cell) for cell in of("default").cells}
    assert "training" not in specs["logistic_regression"]
    assert specs["cnn"]["training"]["epochs"] >= 1


def test_another_metric_changes_what_is_compressed_and_evaluated_but_not_what_is_trained():
    task = PARAMS.tasks["breast_cancer"].model_copy(update={"metric": "macro_f1"})
    params = PARAMS.model_copy(update={"tasks": {**PARAMS.tasks, "breast_cancer": task}})
    before, after = of("small"), matrix.select(params, suite="small")
    assert (before.metric("breast_cancer"), after.metric("breast_cancer")) == ("auroc", "macro_f1")
    assert [before.cell_spec(cell) for cell in before.cells] == [
        after.cell_spec(cell) for cell in after.cells
    ]
    changed = {
        each.task
        for each in before.variants
        if Graph(before).evaluate_request(each) != Graph(after).evaluate_request(each)
    }
    compressed = [each for each in before.variants if each.method != "none"]
    respecified = {each.task for each in compressed if before.method_spec(each) != after.method_spec(each)}
    assert changed == respecified == {"breast_cancer"}


def loops_of(row):
    return set(registry.METHODS[PARAMS.methods[row].method].loops)


def test_a_model_is_compressed_by_the_methods_that_take_it():
    found = {variant.model: set() for variant in of("compression").variants}
    for variant in of("compression").variants:
        found[variant.model].add(variant.method)
    for model, loop in (("cnn", "supervised"), ("logistic_regression", "estimator")):
        rows = {row for row in PARAMS.methods if loop in loops_of(row)}
        assert len(rows) >= 3
        assert found[model] == {"none", *rows}


def test_methods_compose():
    """A suite that asks for the last of a chain runs the whole chain, each from what the one before left."""
    params = PARAMS.model_copy(
        update={
            "suites": {
                "few": PARAMS.suites["compression"].model_copy(update={"methods": ["prune_structured_int8"]})
            }
        }
    )
    few = matrix.select(params, suite="few", tasks="mnist", models="cnn")
    assert [variant.method for variant in few.variants] == [
        "none",
        "prune_structured",
        "prune_structured_int8",
    ]
    assert [few.source(variant).method for variant in few.variants[1:]] == ["none", "prune_structured"]


def test_the_order_of_rows_does_not_change_a_cell():
    turned = PARAMS.model_copy(update={"models": dict(reversed(PARAMS.models.items()))})
    cell = matrix.Cell("digits", "cnn", 0)
    assert matrix.select(turned, suite="default").cell_spec(cell) == of("default").cell_spec(cell)


def test_a_cell_that_others_start_from_runs_with_them_and_once():
    task = PARAMS.tasks["movie_reviews"].model_copy(update={"seeds": [0, 1, 2]})
    more = PARAMS.model_copy(update={"tasks": PARAMS.tasks | {"movie_reviews": task}})
    found = matrix.select(more, suite="public", tasks="movie_reviews", models="bert_small")
    assert found.cells[0] == matrix.Cell("english", "bert", 0)
    assert [cell.seed for cell in found.cells[1:]] == [0, 1, 2]
    assert all(found.start(cell) == found.cells[0] for cell in found.cells[1:])
    assert found.start(found.cells[0]) is None
    assert (found.tasks, found.models) == (["movie_reviews", "english"], ["bert", "bert_small"])
    assert found.datasets == ["english_texts", "movie_reviews"]
    spec = found.cell_spec(found.cells[1])
    assert spec["starts_from"] == {"task": "english", "model": "bert", "seed": 0}
    again = matrix.select(more, suite="public", tasks=",".join(found.tasks), models=",".join(found.models))
    assert again.cells == found.cells


def test_a_row_runs_on_the_tasks_that_it_names():
    tasks = {cell.task for cell in of("public").cells if cell.model == "bert_small"}
    assert tasks == {"movie_reviews", "ag_news"}


@pytest.mark.parametrize(
    ("suite", "tasks", "models", "line"),
    [
        (
            "default",
            "mnist",
            "",
            "--config tasks: mnist: not in suites.default.tasks; add it there; allowed: digits",
        ),
        (
            "default",
            "digits",
            "text_cnn",
            "--config tasks: digits: fits none of the models that run (image -> class); name others",
        ),
        ("default", "digits,mnist", "majority,cnn", "--config tasks: mnist: not in suites.default.tasks"),
        ("smoke", "wnut17", "mlp", "--config tasks: wnut17: fits none of the models that run"),
        ("smoke", "digits", "mlp,text_cnn", "--config models: text_cnn: fits none of the tasks that run"),
        (
            "public_small",
            "",
            "lstm",
            "--config models: lstm: not in suites.public_small.models; add it there",
        ),
        ("default", ",", "", "task '': not in params.yaml; allowed: digits"),
        ("default", "", "mlp,", "model '': not in params.yaml; allowed: "),
        ("nope", "", "", "suite 'nope': not in params.yaml; allowed: smoke, default"),
    ],
)
def test_a_selection_that_matches_nothing_or_not_all_that_it_names_is_refused(suite, tasks, models, line):
    with pytest.raises(ParamsError) as error:
        matrix.select(PARAMS, suite=suite, tasks=tasks, models=models)
    [message] = error.value.errors
    assert message.startswith(line)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ({"models": []}, "params.yaml: suites.few.tasks: digits: fits none of the models that run"),
        (
            {"models": ["mlp", "text_cnn"]},
            "params.yaml: suites.few.models: text_cnn: fits none of the tasks that run",
        ),
        (
            {"tasks": ["digits", "dates"], "models": ["mlp"]},
            "params.yaml: suites.few.tasks: dates: fits none of the models that run",
        ),
    ],
)
def test_a_suite_that_names_what_runs_nowhere_is_refused(rows, line):
    few = PARAMS.suites["default"].model_copy(update={"tasks": ["digits"], "models": ["mlp"]} | rows)
    params = PARAMS.model_copy(update={"suites": {"few": few}})
    errors = list(matrix.selection_errors(matrix.Matrix(params, "few")))
    assert errors[0].startswith(line)


def test_every_suite_runs_all_that_it_names():
    assert [*PARAMS.suites] == [
        "smoke",
        "default",
        "generated",
        "small",
        "public",
        "tuning",
        "compression",
        "public_small",
        "default_2026",
    ]
    for suite in PARAMS.suites:
        assert list(matrix.selection_errors(matrix.Matrix(PARAMS, suite))) == []


@pytest.mark.parametrize("suite", PARAMS.suites)
def test_a_suite_by_the_names_of_its_rows_is_the_same_suite(suite):
    """The report and the verdict are given a run's tasks and models by name."""
    whole = matrix.select(PARAMS, suite=suite)
    named = matrix.select(PARAMS, suite=suite, tasks=",".join(whole.tasks), models=",".join(whole.models))
    assert named.cells == whole.cells
    assert (named.tasks, named.models) == (whole.tasks, whole.models)


def test_a_variant_of_another_suite_is_named_with_its_suite():
    small = matrix.select(PARAMS, suite="small")
    assert small.variant("diabetes/ridge/0").model == "ridge"
    with pytest.raises(
        ValueError, match=r"^digits/mlp/0/prune: not in the suite small; add --suite default$"
    ):
        small.variant("digits/mlp/0/prune")
    with pytest.raises(
        ValueError, match=r"^diabetes/rigde/0: not in the suite small; did you mean diabetes/ridge/0\?"
    ):
        small.variant("diabetes/rigde/0")
