"""A wrong params.yaml is one line before anything runs."""

import copy
import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assay.config import params, registry
from assay.config.json_schema import schema
from assay.config.knobs import knobs
from assay.config.matrix import Matrix

TEXT = Path("params.yaml").read_text()
TREE = json.loads(json.dumps(yaml.safe_load(TEXT)))  # no part of it is another's too


def errors(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(params.ParamsError) as error:
        params.load_params(path)
    assert all("\n" not in line and line.startswith(f"{path}: ") for line in error.value.errors)
    return [line.removeprefix(f"{path}: ") for line in error.value.errors]


def changed(**paths):
    """Return params.yaml with values set at dotted paths (``__`` for a dot)."""
    tree = copy.deepcopy(TREE)
    for path, value in paths.items():
        *parents, last = path.split("__")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return json.dumps(tree)  # JSON is YAML, and is written in no time


def test_the_projects_own_file_is_fine():
    assert params.load_params(Path("params.yaml")).suite == "default"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"tasks__ag_news__metric": "macro_f2"},
            r"tasks\.ag_news\.metric = 'macro_f2': not a metric of text_classification; allowed: accuracy, .*"
            r"did you mean macro_f1\?",
        ),
        (
            {"models__bert_small__starts_from": {"task": "englsh", "model": "bert"}},
            r"models\.bert_small\.starts_from\.task: englsh: unknown; .*did you mean english\?",
        ),
        (
            {"models__bert_small__starts_from": {"task": "digits", "model": "bert"}},
            r"models\.bert_small\.starts_from: bert does not run on digits; name a task that it fits",
        ),
        (
            {"models__bert__starts_from": {"task": "english", "model": "skip_gram"}},
            r"models\.bert_small\.starts_from\.model: bert itself starts from another row",
        ),
        (
            {"models__majority__starts_from": {"task": "english", "model": "bert"}},
            r"models\.majority\.starts_from: majority is not trained step by step",
        ),
        (
            {"suites__public__tasks": ["movie_reviews"]},
            r"suites\.public: text_cnn_static starts from english/skip_gram, which it does not run; add both",
        ),
        (
            {"datasets__ag_news__split_seed": 5},
            r"datasets\.reviews_and_news\.split_seed = 0: must equal that of its part ag_news: 5",
        ),
        ({"models__mlp__tasks": ["digts"]}, r"models\.mlp\.tasks: digts: .*did you mean digits\?"),
        ({"models__mlp__train_fraction": 0}, r"models\.mlp\.train_fraction = 0: should be greater than 0"),
        ({"traning": {}}, r"traning: unknown key; allowed: suite, .*; did you mean training\?"),
        (
            {"training__learning_rat": 1},
            r"training\.learning_rat: unknown key; .*did you mean learning_rate\?",
        ),
        ({"training__learning_rate": -1}, r"training\.learning_rate = -1: should be greater than 0"),
        ({"training__optimizer": "adamm"}, r"training\.optimizer = 'adamm': .*did you mean adam"),
        ({"training__epochs": 1.5}, r"training\.epochs = 1\.5: "),
        ({"suite": "defualt"}, r"suite: defualt: unknown; allowed: .*; did you mean default\?"),
        ({"suites__default__tasks": ["digts"]}, r"suites\.default\.tasks: digts: .*did you mean digits\?"),
        ({"suites__default__seeds": [0, 0]}, r"suites\.default\.seeds: 0: given twice"),
        (
            {"models__cnn__pretrained": {"source": "a/b", "revision": "0" * 40}},
            r"models\.cnn\.pretrained: does not fit",
        ),
        (
            {"models__cnn__pretrained": {"source": "a/b", "revision": "main"}},
            r"models\.cnn\.pretrained\.revision = .main.: ",
        ),
        (
            {"models__theirs": {"model": "hugging_face", "knobs": {"length": 8}}},
            r"models\.theirs\.pretrained: is missing; give source and revision",
        ),
        ({"tasks__digits__methods": ["int9"]}, r"tasks\.digits\.methods: int9: unknown"),
        ({"tasks__digits__methods": ["onnx", "onnx"]}, r"tasks\.digits\.methods: onnx: given twice"),
        (
            {"suites__default__seeds": []},
            r"suites\.default\.seeds = \[\]: too few values; at least 1 is needed",
        ),
        (
            {"suites__default__seeds": list(range(1001))},
            r"suites\.default\.seeds = \[0, 1, .*: too many values; at most 1000 are allowed",
        ),
        (
            {"suites__default__models": 5},
            r"suites\.default\.models = 5: should be a list, as in \[a, b\] or 'all'$",
        ),
        ({"suites__default__models": [5]}, r"suites\.default\.models\.0 = 5: should be text$"),
        ({"suites__default__models": "al"}, r"suites\.default\.models = 'al': .*did you mean all\?"),
        ({"trainer__devices": "many"}, r"trainer\.devices = 'many': should be a whole number or 'auto'$"),
        ({"trainer": 5}, r"trainer = 5: should be a mapping, as in \{key: value\}$"),
        ({"budget": 5}, r"budget: is now docs/tuning\.csv, one row per setting"),
        ({"suite": "9" * 5000}, r"suite = '9{56}\.\.\.: should match "),
        (
            {"models__bert_small__starts_from__modle": "bert"},
            r"models\.bert_small\.starts_from\.modle: unknown key; allowed: task, model; did you mean model\?",
        ),
        (
            {"models__mlp__per_task__digits__knobs": {"dropout": 2}},
            r"models\.mlp\.per_task\.digits\.knobs\.dropout = 2: should be less than 1",
        ),
        (
            {"models__mlp__student": {"hiden": [8]}},
            r"models\.mlp\.student\.hiden: unknown key; .*did you mean hidden\?",
        ),
        (
            {"models__mlp__student": {"hidden": [0]}},
            r"models\.mlp\.student\.hidden\.0 = 0: should be greater than or equal to 1",
        ),
        (
            {"models__mlp__student": {"num_classes": 3}},
            r"models\.mlp\.student\.num_classes: unknown key; allowed: hidden, dropout",
        ),
        ({"models__mlp__student": 5}, r"models\.mlp\.student = 5: should be a mapping"),
        (
            {"methods__distil__knobs__students": {"mlp": {}}},
            r"methods\.distil\.knobs\.students: is now student, in each row of models",
        ),
        ({"suites__smoke__twins": True}, r"suites\.smoke\.twins: is now synthetic_twins; rename it$"),
        ({"suites__smoke__rows_once": True}, r"suites\.smoke\.rows_once: is now one_task_per_model; rename"),
        ({"methods__prune__most_lost": 0.1}, r"methods\.prune\.most_lost: is now max_relative_drop; rename"),
        ({"models__text_gru__like": "text_rn"}, r"models\.text_gru\.like: text_rn: unknown"),
        ({"split__validation_fraction": 0.6}, r"split\.validation_fraction = 0\.6: should be less than 0\.5"),
        (
            {"methods__prune__method": "fewer_trees"},
            r"methods\.prune\.method = 'fewer_trees': is now tree_subset; rename it$",
        ),
        ({"datasets__mnist__split_sed": 1}, r"datasets\.mnist\.split_sed: unknown key; .*mean split_seed\?"),
        (
            {"models__cnn__knobs__chanels": [1]},
            r"models\.cnn\.knobs\.chanels: unknown key; .*did you mean channels\?",
        ),
        ({"models__cnn__knobs__dropout": 1.0}, r"models\.cnn\.knobs\.dropout = 1\.0: should be less than 1"),
        ({"models__cnn__model": "cnnn"}, r"models\.cnn\.model = 'cnnn': .*did you mean cnn\?"),
        ({"models__cnn__training__epochs": 0}, r"models\.cnn\.training\.epochs = 0: "),
        (
            {"models__logistic_regression__training__learning_rate": 0.1},
            r"models\.logistic_regression\.training\.learning_rate: logistic_regression is trained by the loop"
            r" estimator, which has no learning_rate; remove it$",
        ),
        (
            {"models__majority__per_task": {"digits": {"training": {"epochs": 3}}}},
            r"models\.majority\.per_task\.digits\.training\.epochs: majority is trained by the loop estimator",
        ),
        ({"models__cnn__per_task__mnits": {}}, r"models\.cnn\.per_task: mnits: unknown"),
        ({"models__Bad Name": {"model": "mlp"}}, r"models\.Bad Name = 'Bad Name': "),
        *[
            ({f"{table}__{name}": {}}, rf"{table}\.")
            for table in ("datasets", "tasks", "models", "methods", "suites")
            for name in ("a" * 300, "-rf", "a/b", "a;true", "$(true)", "a\nb", "é")
        ],
        (
            {"tasks__digits__dataset": "digit"},
            r"tasks\.digits\.dataset: digit: unknown; .*did you mean digits\?",
        ),
        (
            {"methods__prune__knobs__rate": 1.2},
            r"methods\.prune\.knobs\.rate = 1\.2: should be less than or equal to 1",
        ),
        (
            {"methods__none": {"method": "onnx"}},
            r"methods\.none: .*choose another",
        ),
        ({"methods__prune__max_relative_drop": 2}, r"methods\.prune\.max_relative_drop = 2: "),
        (
            {"methods__prune__after": "onyx"},
            r"methods\.prune\.after: onyx: unknown; allowed: .*did you mean onnx\?",
        ),
        (
            {"methods__prune__after": "onnx"},
            r"methods\.prune\.after: onnx returns a graph, which cannot be compressed further",
        ),
        (
            {"methods__prune_gently__after": "prune_cluster"},
            r"methods\.prune_gently\.after: prune_gently after prune_cluster after prune_gently: circular",
        ),
    ],
)
def test_each_error_is_one_line_that_says_what_is_allowed(tmp_path, change, message):
    lines = errors(tmp_path, changed(**change))
    assert any(re.match(message, line) for line in lines), lines


def test_a_knob_left_out_is_named(tmp_path):
    tree = yaml.safe_load(TEXT)
    del tree["models"]["cnn"]["knobs"]["dense"]
    assert errors(tmp_path, yaml.safe_dump(tree)) == [
        "models.cnn.knobs.dense: missing; give it a value; the task itself provides shape, num_classes"
    ]


@pytest.mark.parametrize("text", ["[]", "5", "params", "suite: ["])
def test_what_is_not_params_at_all_is_one_line(tmp_path, text):
    [line] = errors(tmp_path, text)
    assert line.startswith(("the file = ", "line 1: "))


def places(tree, path=()):
    """Yield the path of every value in a tree of dicts and lists."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def errors_of(tree):
    """Return the errors of a tree, each one line; none if it is fine."""
    try:
        params.check(tree)
    except params.ParamsError as error:
        lines = error.errors
    else:
        return []
    assert lines
    assert all(len(line.splitlines()) == 1 for line in lines)
    return lines


PLACES = list(places(TREE))
NUMBERS = [path for path in PLACES if type(at(TREE, path)) in (int, float)]


def part_of(path):
    return next((part for part in ("student", "knobs") if part in path), "sections")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, "inf", None])
@pytest.mark.parametrize("part", ["sections", "knobs", "student"])  # each is checked when the former is fine
def test_no_number_may_be_infinite_or_left_out(value, part):
    tree = copy.deepcopy(TREE)
    paths = [
        path
        for path in NUMBERS
        if part_of(path) == part
        and path[-1] not in ("train_items", "items", "most_trials")  # they may be left out
        and "space" not in path  # tests/config/test_tuning.py
    ]
    assert paths
    for path in paths:
        at(tree, path[:-1])[path[-1]] = value
    lines = errors_of(tree)
    for path in paths:
        assert any(re.match(rf"{re.escape('.'.join(map(str, path)))}( =|:) ", line) for line in lines), path


def spellings(value):
    """Return ways to write a value in YAML that all mean the same."""
    match value:
        case bool():
            return [value, str(value).lower(), "yes" if value else "no", int(value)]
        case int():
            return [value, float(value), str(value), f"{value}.0"]
        case float():
            return [value, repr(value), f"{value:.6e}", *([int(value)] if value.is_integer() else [])]
        case list():
            return [value, [spellings(item)[-1] for item in value]]
    return [value]


def knob_tables(tree):
    """Yield every table of knobs in a tree of params."""
    for row in tree["models"].values():
        yield from (part["knobs"] for part in (row, *row.get("per_task", {}).values()) if "knobs" in part)
        yield row.get("student", {})
    for row in tree["methods"].values():
        yield row.get("knobs", {})


def specs(tree):
    """Return all that the rows of a tree are asked to do, as the text that is compared from run to run."""
    loaded = params.check(tree)
    matrix = Matrix(loaded, "compression")
    asked = {
        (task, model): loaded.knobs_of(task, model)
        for model, row in loaded.models.items()
        for task in ("", *row.per_task)
    } | {each: matrix.method_spec(each) for each in matrix.variants if each.method != "none"}
    return {name: json.dumps(spec, sort_keys=True, allow_nan=False) for name, spec in asked.items()}


CHOICES = {"ngrams", "bits"}
"""A few numbers are all that these may be; as text they are refused."""
SPECS = specs(TREE)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_all_spellings_of_a_knob_are_one_spec(random):
    tree = copy.deepcopy(TREE)
    for table in knob_tables(tree):
        for name in table.keys() - CHOICES:
            table[name] = random.choice(spellings(table[name]))
    assert specs(tree) == SPECS


ODD = st.sampled_from(
    [
        None,
        True,
        "true",
        0,
        1,
        -1,
        3,
        2.5,
        200.0,
        "200.0",
        "1e-3",
        1e300,
        10**18,
        "",
        "x",
        [],
        [1],
        ["1"],
        {},
        {"a": 1},
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([path for path in PLACES if "knobs" in path[:-1]]), ODD)
def test_an_accepted_knob_has_the_type_that_is_declared(path, value):
    tree = copy.deepcopy(TREE)
    at(tree, path[:-1])[path[-1]] = value
    try:
        loaded = params.check(tree)
    except params.ParamsError:
        return
    for model, row in loaded.models.items():
        kind = knobs(registry.MODELS[row.model].target, params.MODEL_PROVIDES)
        task = next(
            task
            for task, asked in loaded.tasks.items()
            if registry.TASKS[asked.kind].signature in registry.MODELS[row.model].signatures
        )
        kind.model_validate_json(json.dumps(loaded.knobs_of(task, model)), strict=True)
    for row in loaded.methods.values():
        kind = knobs(f"{registry.METHODS[row.method].module}:compress", params.METHOD_PROVIDES)
        kind.model_validate_json(json.dumps(row.knobs), strict=True)


@st.composite
def mutants(draw):
    """Return the project's params with up to four places deleted, doubled, nested, swapped or made odd."""
    tree = copy.deepcopy(TREE)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(places(tree)) or [()]))
        if not path:
            break
        parent, key = at(tree, path[:-1]), path[-1]
        match draw(st.sampled_from(["delete", "double", "nest", "list", "swap", "odd"])):
            case "delete":
                del parent[key]
            case "double" if isinstance(parent, dict):
                parent[draw(st.sampled_from(["again", "Bad name", "a\nb", "suite", "knobs", key + "_"]))] = (
                    parent[key]
                )
            case "double":
                parent.append(parent[key])
            case "nest":
                parent[key] = {draw(st.sampled_from(["a", "knobs", "training", str(key)])): parent[key]}
            case "list":
                parent[key] = [parent[key]]
            case "swap":
                parent[key] = copy.deepcopy(at(TREE, draw(st.sampled_from(PLACES))))
            case "odd":
                parent[key] = draw(ODD)
    return tree


@settings(max_examples=100, deadline=None)
@given(mutants())
def test_any_change_is_params_or_lines_that_say_what_is_wrong(tree):
    if errors_of(tree):
        return
    loaded = params.check(tree)
    matrix = Matrix(loaded, loaded.suite)
    for cell in matrix.cells:
        json.dumps(matrix.cell_spec(cell), allow_nan=False)
    assert all(matrix.method_spec(variant) for variant in matrix.variants if variant.method != "none")


def test_a_wrong_name_is_told_beside_what_is_wrong_in_its_row():
    tree = copy.deepcopy(TREE)
    tree["models"]["Bad Name"] = {"model": "nope"}
    tree["suites"]["Bad"] = 5
    lines = errors_of(tree)
    for start in (
        "models.Bad Name = 'Bad Name': should match",
        "models.Bad Name.model = 'nope'",
        "suites.Bad = 'Bad': should match",
        "suites.Bad = 5: should be a mapping",
    ):
        assert sum(line.startswith(start) for line in lines) == 1, lines


def test_tens_of_thousands_of_errors_take_seconds():
    tree = copy.deepcopy(TREE)
    tree |= {f"x{number}": 1 for number in range(10_000)}
    tree["suites"]["default"]["tasks"] = ["X"] * 20_000
    began = time.process_time()
    assert len(errors_of(tree)) >= 30_000
    assert time.process_time() - began < 5


def test_a_chain_of_methods_is_not_endless():
    tree = copy.deepcopy(TREE)
    for number in range(30):
        tree["methods"][f"m{number}"] = {
            "method": "int8_qat",
            "after": f"m{number + 1}",
            **{"knobs": tree["methods"]["int8_qat"]["knobs"]},
        }
    tree["methods"]["m30"] = {"method": "int8_qat", **tree["methods"]["int8_qat"]}
    assert "methods.m0.after: a chain of more than 20 methods" in errors_of(tree)


def test_in_a_subfolder_the_projects_folder_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "my data" / "own"
    folder.mkdir(parents=True)
    (tmp_path / "my data" / "params.yaml").touch()
    monkeypatch.chdir(folder)
    line = f"params.yaml: not in this folder; go to the project's: cd '{tmp_path / 'my data'}'"
    with pytest.raises(params.ParamsError) as raised:
        params.load_params(Path("params.yaml"))
    assert raised.value.errors == [line]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(params.ParamsError, match="there is no such file"):
        params.load_params(tmp_path / "params.yaml")


def test_layers_of_training_overrule_each_other_in_the_stated_order(tmp_path):
    text = changed(
        training__epochs=1,
        tasks__digits__training__epochs=2,
        models__cnn__training={"epochs": 3},
        models__cnn__per_task={"digits": {"training": {"epochs": 4}}},
    )
    path = tmp_path / "params.yaml"
    path.write_text(text)
    loaded = params.load_params(path)
    assert loaded.training_of("default", "mnist", "cnn").epochs == 3
    assert loaded.training_of("default", "digits", "cnn").epochs == 4
    assert loaded.training_of("smoke", "digits", "cnn").epochs == loaded.suites["smoke"].training.epochs


def test_the_schema_that_editors_read_knows_every_model():
    named = {each["if"]["properties"]["model"]["const"] for each in schema()["$defs"]["ModelParams"]["allOf"]}
    assert named == set(registry.MODELS)


def test_the_schema_accepts_the_project_s_own_file_and_refuses_a_wrong_key():
    Draft202012Validator(schema()).validate(TREE)
    for wrong in (
        {"models__cnn__traning": {"epochs": 1}},
        {"models__cnn__knobs__chanels": [1]},
        {"models__text_rnn__knobs__hiden": 1},
        {"methods__prune__knobs__rate": 2.0},
    ):
        assert not Draft202012Validator(schema()).is_valid(json.loads(changed(**wrong))), wrong


def test_every_family_dataset_task_and_method_of_the_catalogue_has_a_row():
    loaded = params.load_params(Path("params.yaml"))
    ours = {name for name, entry in registry.MODELS.items() if not entry.pretrained}  # theirs need the hub
    assert {row.model for row in loaded.models.values()} == ours
    assert {task.dataset for task in loaded.tasks.values()} == set(loaded.datasets) == set(registry.DATASETS)
    assert {task.kind for task in loaded.tasks.values()} == set(registry.TASKS)
    assert {row.method for row in loaded.methods.values()} == set(registry.METHODS)


def test_building_the_matrix_imports_nothing_heavy():
    program = (
        "import sys\nfrom assay.pipeline.rule_functions import matrix_or_exit, Graph\n"
        "Graph(matrix_or_exit({})).evaluated()\n"
        "print(*{'torch', 'numpy', 'pandas', 'sklearn', 'great_expectations'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
