"""A wrong params.yaml is one line before anything runs."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from assay import catalogue, params
from assay.files import read_json
from assay.schema import schema

TEXT = Path("params.yaml").read_text()


def faults(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(params.ParamsError) as fault:
        params.load_params(path)
    assert all("\n" not in line and line.startswith(f"{path}: ") for line in fault.value.faults)
    return [line.removeprefix(f"{path}: ") for line in fault.value.faults]


def changed(**paths):
    """Return params.yaml with values set at dotted paths (``__`` for a dot)."""
    tree = yaml.safe_load(TEXT)
    for path, value in paths.items():
        *parents, last = path.split("__")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return yaml.safe_dump(tree)


def test_the_projects_own_file_is_fine():
    assert params.load_params(Path("params.yaml")).suite == "default"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"models__bert_small__starts_from": {"task": "englsh", "model": "bert"}},
            r"models\.bert_small\.starts_from\.task: englsh: not there; .*did you mean english\?",
        ),
        (
            {"models__bert_small__starts_from": {"task": "digits", "model": "bert"}},
            r"models\.bert_small\.starts_from: bert does not run on digits; name a task that it fits",
        ),
        (
            {"models__bert__starts_from": {"task": "english", "model": "skip_gram"}},
            r"models\.bert_small\.starts_from\.model: bert starts from another row itself",
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
            r"datasets\.reviews_and_news\.split_seed = 0: must be that of ag_news, of which it is made: 5",
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
        ({"suite": "defualt"}, r"suite: defualt: not there; allowed: .*; did you mean default\?"),
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
        ({"tasks__digits__methods": ["int9"]}, r"tasks\.digits\.methods: int9: not there"),
        ({"tasks__digits__methods": ["onnx", "onnx"]}, r"tasks\.digits\.methods: onnx: given twice"),
        ({"suites__default__seeds": []}, r"suites\.default\.seeds = \[\]: "),
        (
            {"models__cnn__knobs__chanels": [1]},
            r"models\.cnn\.knobs\.chanels: unknown key; .*did you mean channels\?",
        ),
        ({"models__cnn__knobs__dropout": 1.0}, r"models\.cnn\.knobs\.dropout = 1\.0: should be less than 1"),
        ({"models__cnn__model": "cnnn"}, r"models\.cnn\.model = 'cnnn': .*did you mean cnn\?"),
        ({"models__cnn__training__epochs": 0}, r"models\.cnn\.training\.epochs = 0: "),
        ({"models__cnn__per_task__mnits": {}}, r"models\.cnn\.per_task: mnits: not there"),
        ({"models__Bad Name": {"model": "mlp"}}, r"models\.Bad Name = 'Bad Name': "),
        *[
            ({f"{table}__{name}": {}}, rf"{table}\.")
            for table in ("datasets", "tasks", "models", "methods", "suites")
            for name in ("a" * 300, "-rf", "a/b", "a;true", "$(true)", "a\nb", "é")
        ],
        ({"tasks__digits__dataset": "digit"}, r"tasks\.digits\.dataset = 'digit': .*did you mean digits\?"),
        (
            {"methods__prune__knobs__rate": 1.2},
            r"methods\.prune\.knobs\.rate = 1\.2: should be less than or equal to 1",
        ),
        (
            {"methods__none": {"method": "onnx"}},
            r"methods\.none: .*choose another",
        ),
        ({"methods__prune__most_lost": 2}, r"methods\.prune\.most_lost = 2: "),
        (
            {"methods__prune__after": "onyx"},
            r"methods\.prune\.after: onyx: not there; allowed: .*did you mean onnx\?",
        ),
        (
            {"methods__prune__after": "onnx"},
            r"methods\.prune\.after: onnx leaves a graph, which can only be run",
        ),
        (
            {"methods__prune_gently__after": "prune_cluster"},
            r"methods\.prune_gently\.after: prune_gently after prune_cluster after prune_gently: this has no beginning",
        ),
    ],
)
def test_each_fault_is_one_line_that_says_what_is_allowed(tmp_path, change, told):
    import re

    lines = faults(tmp_path, changed(**change))
    assert any(re.match(told, line) for line in lines), lines


def test_a_knob_left_out_is_named(tmp_path):
    tree = yaml.safe_load(TEXT)
    del tree["models"]["cnn"]["knobs"]["dense"]
    assert faults(tmp_path, yaml.safe_dump(tree)) == ["models.cnn.knobs.dense: missing; give it a value"]


def test_a_row_given_twice_is_refused(tmp_path):
    lines = faults(tmp_path, TEXT + "\nmethods:\n  int8: {method: int8}\n")
    assert "methods: given twice; keep one" in lines[0]


@pytest.mark.parametrize(
    "text", ["", "[]", "suite: [", "suite: \x00", "!!python/object/apply:os.system ['true']"]
)
def test_what_is_not_params_at_all_is_one_line(tmp_path, text):
    assert len(faults(tmp_path, text)) >= 1


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


def test_the_schema_that_editors_read_is_current_and_knows_every_model_and_method():
    assert read_json(Path("params.schema.json")) == schema(), "run: assay schema"
    named = {each["if"]["properties"]["model"]["const"] for each in schema()["$defs"]["ModelParams"]["allOf"]}
    assert named == set(catalogue.MODELS)


def test_every_family_dataset_task_and_method_of_the_catalogue_has_a_row():
    loaded = params.load_params(Path("params.yaml"))
    ours = {name for name, entry in catalogue.MODELS.items() if not entry.pretrained}  # theirs need the hub
    assert {row.model for row in loaded.models.values()} == ours
    assert {task.dataset for task in loaded.tasks.values()} == set(loaded.datasets) == set(catalogue.DATASETS)
    assert {task.kind for task in loaded.tasks.values()} == set(catalogue.TASKS)
    assert {row.method for row in loaded.methods.values()} == set(catalogue.METHODS)


def test_building_the_matrix_imports_nothing_heavy():
    program = (
        "import sys\nfrom assay.graph import matrix_or_exit, Graph\nGraph(matrix_or_exit({})).evaluated()\n"
        "print(*{'torch', 'numpy', 'pandas', 'sklearn', 'great_expectations'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
