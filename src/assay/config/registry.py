# SPDX-License-Identifier: Apache-2.0
"""The registry of models, datasets, tasks, methods, training loops and readers of a user's files.

Each is declared in its own file and has the name of that file: the model ``cnn`` is ``models/image/cnn.py``, which ends
with ``MODEL = Network(CNN, ...)``. A new file is found by its path; there is no table to add it to. Declarations hold
literals, which are read from the source's syntax tree, so that nothing is imported before it is used.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "assay"
ROOT = Path(__file__).parents[1]
TWIN = "_twin"
LOOP_OF = {"Network": "supervised", "Estimator": "estimator"}
"""The default training loop of a model, by the name of its declaration."""
PRETRAINED = ("config", "pieces", "before", "after")
"""Arguments that a pretrained network provides to the class that is initialised from it."""


@dataclass(frozen=True)
class Model:
    """A model family: its class, and what the matrix must know before anything is imported."""

    target: str
    """``module:class``."""
    family: str
    """The heading under which the report lists it."""
    signatures: tuple[str, ...]
    """The signatures that it supports: it fits every task with one of them."""
    loop: str
    """Its training loop."""
    seeded: bool = True
    """False if the fit does not depend on the seed: such a model runs once."""
    pretrained: bool = False
    """Whether it needs a pretrained network, which its row names."""


@dataclass(frozen=True)
class Dataset:
    """A dataset: its module. ``<name>_twin`` is its synthetic twin."""

    module: str
    parts: tuple[str, ...] = ()
    """The datasets that it is composed of; it has their splits, so their rows must have the same seed and fraction."""


@dataclass(frozen=True)
class Task:
    """A kind of task: its module, and the arguments that it provides to a model."""

    module: str
    signature: str
    """What it maps to what, such as ``image -> class``; determines which models fit."""
    provides: tuple[str, ...]
    controls: tuple[str, ...]
    """Model families; every such task needs at least one row of them."""


@dataclass(frozen=True)
class Method:
    """A compression method: its module, the loops whose models it accepts, and whether others can follow it."""

    module: str
    loops: tuple[str, ...]
    final: bool = False
    """Whether its output is a graph, which cannot be trained or compressed further."""
    student: bool = False
    """Whether it trains the smaller network that a model's row describes as its ``student``."""


@dataclass(frozen=True)
class Loop:
    """A training loop: its module, and the sections of params.yaml that it reads."""

    module: str
    sections: tuple[str, ...] = ()


MODELS: dict[str, Model]
DATASETS: dict[str, Dataset]
TASKS: dict[str, Task]
METHODS: dict[str, Method]
LOOPS: dict[str, Loop]
METRICS: dict[str, tuple[str, str]]
"""By name: a metric's label and unit, in reading order, as the files of ``tasks/`` declare them."""
INPUTS: dict[str, str]
"""By signature: the module that reads a user's own file for tasks of that signature."""


def __getattr__(name: str) -> Any:
    """Find the entries of a kind when they are first used: a job needs few of them."""
    if name not in _FINDERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _entries(name)


def load(target: str) -> Any:
    """Import ``module`` or ``module:name`` and return it."""
    module, _, name = target.partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, name) if name else loaded


def dataset_module(dataset: str) -> str:
    """Return the module of a dataset or of a twin (``mnist_twin`` is defined in ``mnist``'s file)."""
    module: str = _entries("DATASETS")[dataset.removesuffix(TWIN)].module
    return module


@dataclass(frozen=True)
class _Declaration:
    """The value assigned to a variable at the top level of a file."""

    path: Path
    line: int
    value: ast.expr

    @property
    def module(self) -> str:
        return ".".join((PACKAGE, *self.path.relative_to(ROOT).with_suffix("").parts))

    @property
    def call(self) -> ast.Call:
        if not isinstance(self.value, ast.Call):
            raise self.error("is not a call such as Network(CNN, ...)")
        return self.value

    def literals(self, kind: type) -> dict[str, Any]:
        """Return the keyword arguments of the call that are fields of the dataclass ``kind``."""
        known = {field.name for field in fields(kind)}
        return {word.arg: self.literal(word.value) for word in self.call.keywords if word.arg in known}

    def literal(self, value: ast.expr) -> Any:
        try:
            return ast.literal_eval(value)
        except ValueError:
            raise self.error(
                f"{ast.unparse(value)} is not a literal; only literals can be read without importing the file"
            ) from None

    def error(self, text: str) -> ValueError:
        return ValueError(f"{self.path}:{self.line}: {text}")


def _declared(room: str, variable: str) -> dict[str, _Declaration]:
    """Return the declarations in a room's folder and its subfolders, by file name.

    Raises:
        ValueError: two files have the same name; one line.
    """
    found: dict[str, _Declaration] = {}
    for path in sorted((ROOT / room).rglob("*.py")):
        each = _read(path, variable)
        if each and path.stem in found:
            raise ValueError(f"{found[path.stem].path} and {path}: the same name twice; rename one")
        if each:
            found[path.stem] = each
    return found


def _read(path: Path, variable: str) -> _Declaration | None:
    """Return what a file assigns to a variable; None if it does not, or has a syntax error, which its cells report.

    Only the declaration and what follows it are parsed, which takes a tenth of the time of whole files.
    """
    text = path.read_text(encoding="utf-8")
    start = re.search(rf"^{variable}\b.*=", text, re.MULTILINE)
    try:
        statement = ast.parse(text[start.start() :]).body[0] if start else None
    except SyntaxError:
        return None
    if start is None or not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return None
    return _Declaration(path, 1 + text.count("\n", 0, start.start()), statement.value)


def _models() -> dict[str, Model]:
    found = {}
    for name, each in _declared("models", "MODEL").items():
        kind = ast.unparse(each.call.func)
        if kind not in LOOP_OF or not each.call.args:
            raise each.error(
                f"{kind} does not declare a model; use one of {', '.join(LOOP_OF)} with the class first"
            )
        facts = {"loop": LOOP_OF[kind], **each.literals(Model)}
        found[name] = Model(f"{each.module}:{ast.unparse(each.call.args[0])}", **facts)
    return found


def _datasets() -> dict[str, Dataset]:
    parts = _declared("data/datasets", "PARTS")
    found = {}
    for name, each in _declared("data/datasets", "DATASET").items():
        named = parts[name].value if name in parts else ast.Dict([], [])
        assert isinstance(named, ast.Dict)
        found[name] = Dataset(each.module, tuple(parts[name].literal(key) for key in named.keys if key))
    return found


def _tasks() -> dict[str, Task]:
    found = _declared("tasks", "TASK")
    return {name: Task(each.module, **each.literals(Task)) for name, each in found.items()}


def _methods() -> dict[str, Method]:
    found = _declared("compression/methods", "METHOD")
    return {name: Method(each.module, **each.literals(Method)) for name, each in found.items()}


def _loops() -> dict[str, Loop]:
    found = _declared("training", "LOOP")
    return {name: Loop(each.module, **each.literals(Loop)) for name, each in found.items()}


def _metrics() -> dict[str, tuple[str, str]]:
    """Return every metric's label and unit.

    Raises:
        ValueError: two tasks show one metric in two ways; one line.
    """
    found: dict[str, tuple[str, str]] = {}
    for each in _declared("tasks", "METRICS").values():
        for name, shown in each.literal(each.value).items():
            if found.setdefault(name, shown) != shown:
                raise each.error(f"{name} is {shown}, and {found[name]} elsewhere; rename one")
    return found


def _inputs() -> dict[str, str]:
    found = _declared("evaluation/inputs", "SIGNATURE")
    return {each.literal(each.value): each.module for each in found.values()}


_FINDERS: dict[str, Callable[[], Any]] = {
    "MODELS": _models,
    "DATASETS": _datasets,
    "TASKS": _tasks,
    "METHODS": _methods,
    "LOOPS": _loops,
    "INPUTS": _inputs,
    "METRICS": _metrics,
}


@cache
def _entries(kind: str) -> Any:
    return _FINDERS[kind]()
