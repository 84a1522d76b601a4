"""params.yaml as typed, frozen objects; imports no torch.

The file is the one door: what is not in it has no default elsewhere. Every fault in it is one line with the
key, the value, what is allowed and, for a misspelt word, the nearest right one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails
from rapidfuzz import process

from assay import catalogue
from assay.signatures import knobs
from assay.training_params import TrainerParams, TrainingParams

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A row's name: it becomes a folder."""
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
METHOD_PROVIDES = ("subject",)
MODEL_PROVIDES = (
    "seed",
    *{name: None for task in catalogue.TASKS.values() for name in task.provides},
    *catalogue.PRETRAINED,
)
"""Arguments that are no knobs: the pipeline gives those that a model names."""
AnySection = TypeVar("AnySection", bound=BaseModel)


class ParamsError(ValueError):
    """params.yaml is wrong; ``faults`` holds one line a fault."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = [_printable(fault) for fault in faults]
        super().__init__("\n".join(self.faults))


def _printable(line: str) -> str:
    """Return one line: a key may hold a line break."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


class Section(BaseModel):
    """A part of params.yaml: frozen, and with no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _changes(section: type[BaseModel]) -> Any:
    """Return the type that holds any of a section's fields, each with the section's own range."""
    fields: dict[str, Any] = {
        name: (Annotated[field.annotation, Field(), *field.metadata] | None, None)
        for name, field in section.model_fields.items()
    }
    return create_model(f"{section.__name__}Changes", __base__=Section, **fields)


if TYPE_CHECKING:
    TrainingChanges: TypeAlias = BaseModel
    TrainerChanges: TypeAlias = BaseModel
else:
    TrainingChanges, TrainerChanges = _changes(TrainingParams), _changes(TrainerParams)


class DatasetParams(Section):
    """How a dataset is split where upstream left it open."""

    validation_fraction: float = Field(gt=0, lt=0.5)
    """Fraction of the training items held out for every choice, stratified by label."""
    split_seed: int = Field(ge=0, le=2**31 - 1)
    """Seed of that split, the same for every model and seed."""


class TaskParams(Section):
    """A question asked of a dataset."""

    kind: Literal[tuple(catalogue.TASKS)]  # type: ignore[valid-type]
    dataset: Literal[tuple(catalogue.DATASETS)]  # type: ignore[valid-type]
    training: TrainingChanges = Field(default_factory=TrainingChanges)
    """What differs from the top-level ``training`` on this task."""
    seeds: list[Seed] | None = Field(default=None, min_length=1)
    """In place of the suite's."""
    methods: list[Name] | Literal["all"] = "all"
    """Of the suite's methods, those that are worth their time here."""


class Start(Section):
    """The cell from whose weights another begins."""

    task: Name
    model: Name
    """A row of ``models`` that itself starts from nothing; its first seed is taken."""


class Pretrained(Section):
    """A network that others trained."""

    source: str = Field(min_length=1, max_length=300)
    """The Hugging Face hub's id of a repository, or a folder; with config.json, model.safetensors, tokenizer.json."""
    revision: str = Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")
    """The repository's commit, or the sha256 of the folder's model.safetensors: names that move are not repeatable."""


class RowChanges(Section):
    """What differs for one model on one task."""

    knobs: dict[str, Any] = Field(default_factory=dict)
    training: TrainingChanges = Field(default_factory=TrainingChanges)


class ModelParams(RowChanges):
    """A row of the matrix: a model family with its knobs."""

    model: Literal[tuple(catalogue.MODELS)]  # type: ignore[valid-type]
    tasks: list[Name] | Literal["all"] = "all"
    """Tasks on which it runs, of those that it fits."""
    starts_from: Start | None = None
    """The cell from whose weights this one begins, as far as its class says which; ``null`` draws them."""
    pretrained: Pretrained | None = None
    """The network of others from which this one begins; ``null`` for every family but those made for it."""
    train_fraction: float = Field(default=1.0, gt=0, le=1)
    """Part of the training items that it learns from: the first of each class."""
    per_task: dict[Name, RowChanges] = Field(default_factory=dict)
    """By task: what differs there."""


class MethodParams(Section):
    """A way to compress every trained model that it fits."""

    method: Literal[tuple(catalogue.METHODS)]  # type: ignore[valid-type]
    knobs: dict[str, Any] = Field(default_factory=dict)
    after: Name | None = None
    """The row of ``methods`` whose result this one compresses further; ``null`` takes the trained model."""
    most_lost: float = Field(default=0.01, ge=0, le=1)
    """Its budget: the share of the uncompressed model's score that may be lost. Settings are chosen within it
    on validation; what loses more on test items is marked in the report."""


class SuiteParams(Section):
    """Which rows run, at what budget."""

    tasks: list[Name] = Field(min_length=1)
    models: list[Name] | Literal["all"] = "all"
    methods: list[Name] | Literal["all"] = "all"
    seeds: list[Seed] = Field(min_length=1)
    twins: bool = False
    """Run on the tiny generated twins of the datasets."""
    rows_once: bool = False
    """Run each row on one task alone, the first that it fits, and controls on all: does the machine work?"""
    train_items: int | None = Field(default=None, ge=10)
    """Learn from this many training items at most, drawn by the seed of the split, stratified by label."""
    evaluate_cores: int = Field(default=1, ge=1, le=1024)
    """Cores that each evaluation keeps for itself, at most all of the run's: with all of them, speeds on all cores are
    measured too."""
    training: TrainingChanges = Field(default_factory=TrainingChanges)
    """What differs in this suite, for every neural model."""
    trainer: TrainerChanges = Field(default_factory=TrainerChanges)


class LimitParams(Section):
    """What a job may take. It stands in no cell's spec: changing it re-runs only what had failed by it."""

    cell_minutes: float = Field(gt=0, le=7 * 24 * 60)
    """Longest time to validate, train, compress or evaluate once; a job that takes longer is ended as ``timed out``."""


class Params(Section):
    """The whole of params.yaml."""

    suite: Name
    """The suite that runs; ``snakemake --config suite=NAME`` overrules it."""
    budget: str
    """How the knobs were chosen, printed in the report."""
    limits: LimitParams
    trainer: TrainerParams
    training: TrainingParams
    datasets: dict[Name, DatasetParams]
    tasks: dict[Name, TaskParams]
    models: dict[Name, ModelParams]
    methods: dict[Name, MethodParams]
    suites: dict[Name, SuiteParams]

    def training_of(self, suite: str, task: str, model: str) -> TrainingParams:
        """Return a row's training: the defaults, then the task's, the model's, the pair's and the suite's changes."""
        row = self.models[model]
        changes = [self.tasks[task].training, row.training]
        changes += [row.per_task[task].training] if task in row.per_task else []
        return _changed(self.training, [*changes, self.suites[suite].training])

    def trainer_of(self, suite: str) -> TrainerParams:
        """Return where and how a suite's neural models are trained."""
        return _changed(self.trainer, [self.suites[suite].trainer])

    def knobs_of(self, task: str, model: str) -> dict[str, Any]:
        """Return a row's knobs on a task."""
        row = self.models[model]
        return {**row.knobs, **(row.per_task[task].knobs if task in row.per_task else {})}


def _changed(section: AnySection, changes: Iterable[BaseModel]) -> AnySection:
    values = section.model_dump()
    for change in changes:
        values |= change.model_dump(exclude_unset=True)
    return type(section).model_validate(values)


def load_params(path: Path) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: with every fault found.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # a SafeLoader
    except FileNotFoundError:
        raise ParamsError([f"{path}: there is no such file; run from the folder that holds it"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise ParamsError([f"{path}: {' '.join(str(fault).split())}"]) from None
    try:
        params = Params.model_validate(raw)
    except ValidationError as fault:
        # A misspelt key is also a missing one: the line that names the right spelling comes first.
        errors = sorted(fault.errors(), key=lambda error: error["type"] != "extra_forbidden")
        lines = [f"{path}: {_text(error, [], _allowed_keys(error))}" for error in errors]
        raise ParamsError(lines) from None
    try:
        faults = [f"{path}: {line}" for line in _row_faults(params)]
    except ValueError as fault:  # a model's file without a signature to read
        raise ParamsError([str(fault)]) from None
    if faults:
        raise ParamsError(faults)
    return params


class _UniqueKeys(yaml.SafeLoader):
    """A SafeLoader that refuses a key given twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: {key.value}: given twice; keep one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _row_faults(params: Params) -> Iterable[str]:
    """Yield what no single section can see: names that are not there, and knobs that do not fit."""
    yield from _unknown("suite", [params.suite], params.suites)
    for name, dataset in params.datasets.items():
        yield from _split_faults(params, name, dataset)
    for name, task in params.tasks.items():
        yield from _unknown(f"tasks.{name}.dataset", [task.dataset], params.datasets)
        yield from _twice(f"tasks.{name}.seeds", task.seeds or [])
        if task.methods != "all":
            yield from _unknown(f"tasks.{name}.methods", task.methods, params.methods)
            yield from _twice(f"tasks.{name}.methods", task.methods)
    for name, suite in params.suites.items():
        yield from _unknown(f"suites.{name}.tasks", suite.tasks, params.tasks)
        for key, table in (("models", params.models), ("methods", params.methods)):
            rows = getattr(suite, key)
            if rows != "all":
                yield from _unknown(f"suites.{name}.{key}", rows, table)
        for key in ("tasks", "models", "methods", "seeds"):
            yield from _twice(f"suites.{name}.{key}", getattr(suite, key))
        yield from _absent_starts(params, name, suite)
    for name, row in params.models.items():
        yield from _unknown(f"models.{name}.per_task", row.per_task, params.tasks)
        yield from _start_faults(params, name, row)
        yield from _model_faults(params, name, row)
    for name, method in params.methods.items():
        if name == "none":
            yield "methods.none: the name of the uncompressed variant; choose another"
        target = f"{catalogue.METHODS[method.method].module}:compress"
        yield from _knob_faults(f"methods.{name}.knobs", knobs(target, METHOD_PROVIDES), method.knobs)
        yield from _chain_faults(params, name)


def _chain_faults(params: Params, name: str) -> Iterable[str]:
    """Yield why a method cannot follow another."""
    where, after = f"methods.{name}.after", params.methods[name].after
    if after is None:
        return
    unknown = list(_unknown(where, [after], params.methods))
    yield from unknown
    if unknown:
        return
    first = catalogue.METHODS[params.methods[after].method]
    if first.final:
        yield f"{where}: {after} leaves a graph, which can only be run; name a method that leaves a model"
    if not set(first.trainers) & set(catalogue.METHODS[params.methods[name].method].trainers):
        yield f"{where}: {after} takes other models than {name}; name a method that takes the same"
    seen = [name]
    while after in params.methods and after not in seen:
        seen.append(after)
        after = params.methods[after].after
    if after in seen:
        yield f"{where}: {' after '.join([*seen, after])}: this has no beginning; let one take the trained model"


def _split_faults(params: Params, name: str, dataset: DatasetParams) -> Iterable[str]:
    """Yield where a dataset made of others is not split as they are: it would hold test items of theirs."""
    for part in catalogue.DATASETS[name].parts if name in catalogue.DATASETS else ():
        for key, value in dataset.model_dump().items():
            other = getattr(params.datasets.get(part), key, None)
            if value != other:
                yield f"datasets.{name}.{key} = {value}: must be that of {part}, of which it is made: {other}"


def _start_faults(params: Params, name: str, row: ModelParams) -> Iterable[str]:
    if row.tasks != "all":
        yield from _unknown(f"models.{name}.tasks", row.tasks, params.tasks)
        yield from _twice(f"models.{name}.tasks", row.tasks)
    if catalogue.MODELS[row.model].pretrained != (row.pretrained is not None):
        needed = (
            "is missing; give source and revision"
            if row.pretrained is None
            else f"does not fit {row.model}; remove it"
        )
        yield f"models.{name}.pretrained: {needed}"
    start = row.starts_from
    if start is None:
        return
    where = f"models.{name}.starts_from"
    unknown = [*_unknown(f"{where}.task", [start.task], params.tasks)]
    unknown += _unknown(f"{where}.model", [start.model], params.models)
    yield from unknown
    if unknown:
        return
    source = params.models[start.model]
    if catalogue.TASKS[params.tasks[start.task].kind].form not in catalogue.MODELS[source.model].forms:
        yield f"{where}: {start.model} does not run on {start.task}; name a task that it fits"
    if source.starts_from:
        yield f"{where}.model: {start.model} starts from another row itself; name one that does not"
    if catalogue.MODELS[row.model].trainer != catalogue.LIGHTNING:
        yield f"{where}: {row.model} is not trained step by step, so it cannot start from other weights"


def _absent_starts(params: Params, name: str, suite: SuiteParams) -> Iterable[str]:
    """Yield the rows of a suite that start from a cell that it has not."""
    for model in params.models if suite.models == "all" else suite.models:
        row = params.models.get(model)
        if row is None or row.starts_from is None:
            continue
        tasks = suite.tasks if row.tasks == "all" else [task for task in row.tasks if task in suite.tasks]
        start = row.starts_from
        known = params.models if suite.models == "all" else suite.models
        if tasks and (start.task not in suite.tasks or start.model not in known):
            yield f"suites.{name}: {model} starts from {start.task}/{start.model}, which it does not run; add both"


def _model_faults(params: Params, name: str, row: ModelParams) -> Iterable[str]:
    entry = catalogue.MODELS[row.model]
    for task in params.tasks if not set(row.per_task) - set(params.tasks) else ():
        kind = catalogue.TASKS[params.tasks[task].kind]
        if kind.form not in entry.forms:
            if task in row.per_task:
                allowed = ", ".join(entry.forms)
                yield f"models.{name}.per_task.{task}: {row.model} does not do {kind.form}; it does {allowed}"
            continue
        schema = knobs(entry.target, MODEL_PROVIDES)
        where = f"models.{name}.per_task.{task}.knobs" if task in row.per_task else f"models.{name}.knobs"
        faults = list(_knob_faults(where, schema, params.knobs_of(task, name)))
        yield from faults
        if faults:
            return


def _unknown(where: str, names: Iterable[str], table: Mapping[str, Any]) -> Iterable[str]:
    for name in names:
        if name not in table:
            yield f"{where}: {name}: not there; allowed: {', '.join(table)}{_nearest(name, table)}"


def _twice(where: str, values: Any) -> Iterable[str]:
    if values != "all":
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"{where}: {value}: given twice; keep one"


def _knob_faults(where: str, schema: type[BaseModel], values: dict[str, Any]) -> Iterable[str]:
    try:
        schema.model_validate(values)
    except ValidationError as fault:
        yield from (_text(error, where.split("."), list(schema.model_fields)) for error in fault.errors())


def _text(error: ErrorDetails, prefix: list[str], keys: list[str]) -> str:
    """Return one line for a fault that pydantic found: key, value, what is allowed, nearest right spelling."""
    where = ".".join([*prefix, *(str(part) for part in error["loc"] if part != "[key]")])
    last = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key; allowed: {', '.join(keys)}{_nearest(last, keys)}"
    if error["type"] == "missing":
        return f"{where}: missing; give it a value"
    value = " ".join(repr(error["input"]).split())
    message = error["msg"].replace("Input should", "should").replace("String should", "should")
    words = str(error.get("ctx", {}).get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
    shown = value if len(value) <= 60 else f"{value[:57]}..."
    return f"{where} = {shown}: {message}{_nearest(str(error['input']), words)}"


def _nearest(word: str, allowed: Iterable[str]) -> str:
    match = process.extractOne(word, [name for name in allowed if name], score_cutoff=60)
    return f"; did you mean {match[0]}?" if match else ""


def _allowed_keys(error: ErrorDetails) -> list[str]:
    """Return the keys that the section at a fault's place allows."""
    section: Any = Params
    for part in error["loc"][:-1]:
        is_section = hasattr(section, "model_fields")
        section = section.model_fields[part].annotation if is_section else get_args(section)[1]
    return list(getattr(section, "model_fields", {}))
