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
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

Entry = TypeVar("Entry")
PACKAGE = "assay"
ROOT = Path(__file__).parents[1]
TWIN = "_twin"
FOLD = "_fold"
"""Between a dataset's name and the number of a fold: the name of the prepared dataset whose test items are the fold."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
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
    metrics: tuple[str, ...]
    """The metrics that can be its primary one; the first is, unless a row names another."""


@dataclass(frozen=True)
class Method:
    """A compression method: its module, the loops whose models it accepts, and whether others can follow it."""

    module: str
    loops: tuple[str, ...]
    final: bool = False
    """Whether its output is a graph, which cannot be trained or compressed further."""
    student: bool = False
    """Whether it trains the smaller network that a model's row describes as its ``student``."""
    full_precision: bool = False
    """Whether it changes only the runtime, not the numbers: what graphs of the same runtime are compared with."""


@dataclass(frozen=True)
class Loop:
    """A training loop: its module, and the type of its own params, ``module:class``."""

    module: str
    params: str | None = None
    uses_trainer: bool = False


MODELS: dict[str, Model]
DATASETS: dict[str, Dataset]
FAMILIES: dict[str, str]
"""Families of datasets, by name: ``module:function``, whose keyword-only arguments are the knobs of a row."""
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
    return _entries(name).found


def errors() -> list[str]:
    """Return one line for each declaration that is not valid; there is no entry for it."""
    found = [line for kind in _FINDERS for line in _entries(kind).errors]
    return found or [line for task in _entries("TASKS").found.values() for line in _control_errors(task)]


def _control_errors(task: Task) -> Iterator[str]:
    """Yield the reasons why a task's control cannot run on it."""
    models: dict[str, Model] = _entries("MODELS").found
    for control in task.controls:
        if control not in models:
            yield f"{task.module}: controls: {control!r}: there is no model file of this name"
        elif task.signature not in models[control].signatures:
            yield (
                f"{task.module}: controls: {control!r} does not do {task.signature}; name another, or add the"
                f" signature to its file, which retrains its models"
            )


def load(target: str) -> Any:
    """Import ``module`` or ``module:name`` and return it."""
    module, _, name = target.partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, name) if name else loaded


def dataset_module(name: str) -> str:
    """Return the module of a dataset, of its twin, or of a family of datasets."""
    families: dict[str, str] = _entries("FAMILIES").found
    if name in families:
        return families[name].partition(":")[0]
    module: str = _entries("DATASETS").found[name.removesuffix(TWIN)].module
    return module


def file_of(dataset: str) -> str:
    """Return the file of a dataset, from the folder of the package."""
    return f"{dataset_module(dataset).replace('.', '/')}.py"


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

    def entry(self, kind: type[Entry], **facts: Any) -> Entry:
        """Return an entry of the registry, made of facts and of the call's keyword arguments that are its fields."""
        known = {field.name: field.default is MISSING for field in fields(cast(Any, kind))}
        given = {word.arg: self.literal(word.value) for word in self.call.keywords if word.arg in known}
        absent = [name for name, required in known.items() if required and name not in given | facts]
        if absent:
            raise self.error(f"{ast.unparse(self.call.func)} without {absent[0]}; add {absent[0]}=...")
        return kind(**facts | given)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of a ``dict``, which are literals."""
        if not isinstance(self.value, ast.Dict):
            raise self.error("is not a dict such as {'name': OBJECT}")
        return tuple(self.literal(key) for key in self.value.keys if key)

    def literal(self, value: ast.expr) -> Any:
        try:
            return ast.literal_eval(value)
        except ValueError:
            raise self.error(
                f"{ast.unparse(value)} is not a literal; only literals can be read without importing the file"
            ) from None

    def error(self, text: str) -> ValueError:
        return ValueError(f"{self.path}:{self.line}: {text}")


@dataclass(frozen=True)
class _Entries:
    """The entries of a kind, and a line for each declaration that is not valid."""

    found: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def _collected(room: str, variable: str, make: Callable[[_Declaration], Any]) -> _Entries:
    """Return an entry for each file in a room's folder and its subfolders that assigns ``variable``."""
    entries, paths = _Entries(), dict[str, Path]()
    for path in sorted((ROOT / room).rglob("*.py")):
        each = _read(path, variable)
        if each is None:
            continue
        if path.stem in paths:
            entries.errors.append(f"{paths[path.stem]} and {path}: the same name twice; rename one")
            continue
        paths[path.stem] = path
        try:
            entries.found[path.stem] = make(each)
        except ValueError as error:
            entries.errors.append(str(error))
    return entries


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


def _models() -> _Entries:
    return _collected("models", "MODEL", _model)


def _model(declared: _Declaration) -> Model:
    kind = ast.unparse(declared.call.func)
    if kind not in LOOP_OF or not declared.call.args:
        raise declared.error(
            f"{kind} does not declare a model; use one of {', '.join(LOOP_OF)} with the class first"
        )
    target = f"{declared.module}:{ast.unparse(declared.call.args[0])}"
    return declared.entry(Model, target=target, loop=LOOP_OF[kind])


def _datasets() -> _Entries:
    parts = _collected("data/datasets", "PARTS", lambda each: each.keys)
    found = _collected("data/datasets", "DATASET", lambda each: each)
    entries = {name: Dataset(each.module, parts.found.get(name, ())) for name, each in found.found.items()}
    return _Entries(entries, [*parts.errors, *found.errors])


def _families() -> _Entries:
    return _collected("data/datasets", "FAMILY", lambda each: f"{each.module}:{ast.unparse(each.value)}")


def _tasks() -> _Entries:
    return _collected("tasks", "TASK", lambda each: each.entry(Task, module=each.module))


def _methods() -> _Entries:
    return _collected("compression/methods", "METHOD", lambda each: each.entry(Method, module=each.module))


def _loops() -> _Entries:
    return _collected("training", "LOOP", lambda each: each.entry(Loop, module=each.module))


def _metrics() -> _Entries:
    """Return every metric's label and unit; a metric that two tasks declare differently is an error."""
    entries = _Entries()

    def add(declared: _Declaration) -> None:
        for name, shown in declared.literal(declared.value).items():
            if entries.found.setdefault(name, shown) != shown:
                raise declared.error(f"{name} is {shown}, and {entries.found[name]} elsewhere; rename one")

    entries.errors.extend(_collected("tasks", "METRICS", add).errors)
    return entries


def _inputs() -> _Entries:
    read = _collected("evaluation/inputs", "SIGNATURE", lambda each: (each.literal(each.value), each.module))
    return _Entries(dict(read.found.values()), read.errors)


def undeclared(room: str, variable: str, name: str) -> str:
    """Return one line if a room's folder has a file of this name that does not assign ``variable``; else nothing."""
    paths = (ROOT / room).rglob(f"{name}.py") if NAME.fullmatch(name) else ()
    found = [path for path in paths if _read(path, variable) is None]
    return f"{found[0]} does not declare it; end the file with {variable} = ..." if found else ""


_FINDERS: dict[str, Callable[[], _Entries]] = {
    "MODELS": _models,
    "DATASETS": _datasets,
    "FAMILIES": _families,
    "TASKS": _tasks,
    "METHODS": _methods,
    "LOOPS": _loops,
    "INPUTS": _inputs,
    "METRICS": _metrics,
}


@cache
def _entries(kind: str) -> _Entries:
    return _FINDERS[kind]()
