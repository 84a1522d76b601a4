"""What the registry finds by reading is what the files declare when they are imported."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from assay.config import registry

DECLARED = {
    "MODELS": ("models", "MODEL"),
    "METHODS": ("compression/methods", "METHOD"),
    "LOOPS": ("training", "LOOP"),
    "TASKS": ("tasks", "TASK"),
    "DATASETS": ("data/datasets", "DATASET"),
}
FEWEST = {"MODELS": 45, "METHODS": 13, "LOOPS": 2, "TASKS": 9, "DATASETS": 15}
ENTRIES = [(kind, name) for kind in DECLARED for name in getattr(registry, kind)]


@pytest.mark.parametrize("kind", DECLARED)
def test_every_entry_is_found(kind):
    room, variable = DECLARED[kind]
    declares = re.compile(rf"^{variable}\b.* = ", re.MULTILINE)
    files = [path for path in (registry.ROOT / room).rglob("*.py") if declares.search(path.read_text())]
    assert sorted(getattr(registry, kind)) == sorted(path.stem for path in files)
    assert len(files) >= FEWEST[kind]


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_what_is_read_is_what_is_declared(kind, name):
    entry = getattr(registry, kind)[name]
    module, _, factory = (entry.target if kind == "MODELS" else entry.module).partition(":")
    declared = registry.load(f"{module}:{DECLARED[kind][1]}")
    assert module.rpartition(".")[2] == name
    if kind == "MODELS":
        assert declared.factory is registry.load(entry.target)
        assert declared.factory.__name__ == factory
    known = {field.name for field in fields(declared)}
    shared = [field.name for field in fields(entry) if field.name in known]
    if kind == "DATASETS":
        assert tuple(declared.parts) == entry.parts
        return
    assert shared
    assert {key: getattr(entry, key) for key in shared} == {key: getattr(declared, key) for key in shared}


@pytest.fixture
def room(tmp_path, monkeypatch):
    """An empty folder in place of the package; entries that are read from it are forgotten afterwards."""
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    registry._entries.cache_clear()
    yield tmp_path
    registry._entries.cache_clear()


def write(room, place, text):
    path = room / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


NO_MODEL = "does not declare a model; use one of Network, Estimator with the class first"
GOOD = 'class A: ...\n\n\nMODEL = Network(A, family="f", signatures=("x -> y",), seeded=False)\n'


def test_a_file_in_its_place_is_enough(room):
    write(room, "models/odd/new.py", GOOD)
    write(room, "models/odd/helper.py", "MODELS = 3\n")
    write(room, "models/odd/broken.py", "MODEL = Network(A,\n")
    found = registry.Model("assay.models.odd.new:A", "f", ("x -> y",), "supervised", seeded=False)
    assert {"new": found} == registry.MODELS


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Network(A, family=NAME)",
            "NAME is not a literal; only literals can be read without importing the file",
        ),
        ("Other(A)", f"Other {NO_MODEL}"),
        ('Network(family="f", signatures=())', f"Network {NO_MODEL}"),
        ("3", "is not a call such as Network(CNN, ...)"),
        ('Network(A, signatures=("x -> y",))', "Network without family; add family=..."),
    ],
)
def test_a_wrong_declaration_is_one_line_that_names_the_place(room, text, line):
    write(room, "models/odd/new.py", f"\n\nMODEL = {text}\n")
    write(room, "models/odd/other.py", GOOD)
    assert list(registry.MODELS) == ["other"]
    assert registry.errors() == [f"{room / 'models/odd/new.py'}:3: {line}"]


def test_two_of_one_name_are_refused(room):
    write(room, "models/odd/new.py", GOOD)
    write(room, "models/even/new.py", GOOD)
    paths = [room / f"models/{kind}/new.py" for kind in ("even", "odd")]
    assert registry.errors() == [f"{paths[0]} and {paths[1]}: the same name twice; rename one"]


def test_a_file_without_a_declaration_is_named(room):
    write(room, "models/odd/new.py", "class A: ...\n")
    write(room, "models/odd/declared.py", GOOD)
    path = room / "models/odd/new.py"
    expected = f"{path} does not declare it; end the file with MODEL = ..."
    assert registry.undeclared("models", "MODEL", "new") == expected
    for name in ("declared", "absent", "../odd/new", "*"):
        assert registry.undeclared("models", "MODEL", name) == ""


def test_metrics_are_declared_by_any_file_of_tasks_and_in_one_way(room):
    write(room, "tasks/one.py", 'METRICS = {"a": ("A", "%"), "b_{}": ("B of {}", "")}\n')
    write(room, "tasks/two.py", 'METRICS = {"c": ("C", ""), "a": ("A", "%")}\n')
    assert list(registry.METRICS.items()) == [("a", ("A", "%")), ("b_{}", ("B of {}", "")), ("c", ("C", ""))]
    write(room, "tasks/zoo.py", 'METRICS = {"c": ("sea", "")}\n')
    registry._entries.cache_clear()
    line = "c is ('sea', ''), and ('C', '') elsewhere; rename one"
    assert registry.errors() == [f"{room / 'tasks/zoo.py'}:1: {line}"]


def test_nothing_else_is_an_attribute():
    with pytest.raises(AttributeError, match="no attribute 'OTHERS'"):
        registry.OTHERS  # noqa: B018
    assert Path(registry.__file__).is_relative_to(registry.ROOT)
