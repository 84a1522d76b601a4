# SPDX-License-Identifier: Apache-2.0
"""params.yaml as typed, frozen objects; imports no torch.

All values are in this file: nothing has a default elsewhere. Every error in it is reported in one line with the
key, the value, what is allowed and, for a misspelt word, the closest correct one.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic_core import ErrorDetails
from rapidfuzz import process

from assay.config import inheritance, registry, strict_yaml
from assay.config.knobs import knobs
from assay.config.section import Section, Strict, any_of
from assay.config.training import TrainerParams, TrainingParams
from assay.config.tuning import TuningParams, checked

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A row's name: it becomes a folder."""
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Seeds = Annotated[list[Seed], Field(min_length=1, max_length=1000)]
METHOD_PROVIDES = ("context",)
MODEL_PROVIDES = (
    "seed",
    *{name: None for task in registry.TASKS.values() for name in task.provides},
    *registry.PRETRAINED,
)
"""Arguments that are not knobs: the pipeline provides those that a model names."""
UNION = re.compile(r"int|float|Range|(list|literal)\[.*\]")
"""What pydantic adds to the location of an error for each type that a value might have had."""
EITHER = "either"
"""The error type of a value that fits none of several types."""
PLAIN = {
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a smaller number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "finite_number": "should be a finite number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "string_type": "should be text",
    "list_type": "should be a list, as in [a, b]",
    "dict_type": "should be a mapping, as in {{key: value}}",
    "model_type": "should be a mapping, as in {{key: value}}",
    "too_short": "too few values; at least {min_length} is needed",
    "too_long": "too many values; at most {max_length} are allowed",
    "string_too_short": "too short; at least {min_length} character is needed",
    "string_too_long": "too long; at most {max_length} characters are allowed",
    "string_pattern_mismatch": "should match {pattern}",
}
"""Pydantic's error types, in words for people who do not program."""
RENAMED = {
    "budget": "docs/tuning.csv, one row per setting that was tried; move it there",
    "most_lost": "max_relative_drop; rename it",
    "rows_once": "one_task_per_model; rename it",
    "students": "student, in each row of models with one; move it there",
    "twins": "synthetic_twins; rename it",
}
"""Keys of earlier releases."""
RENAMED_ENTRIES = {"fewer_trees": "is now tree_subset; rename it"}
"""Models, methods and so on of earlier releases."""
FOLD_TOLERANCE = 0.01
"""How far the product of ``test_fraction`` and ``folds`` may be from 1, since 1 / 3 has no end."""
MOST_ROWS = 2000
MOST_METHODS = 20
"""The longest chain of methods."""
AnySection = TypeVar("AnySection", bound=BaseModel)


class ParamsError(ValueError):
    """params.yaml is invalid; ``errors`` holds one line per error."""

    def __init__(self, errors: list[str]) -> None:
        self.errors = [_printable(error) for error in errors]
        super().__init__("\n".join(self.errors))


def _printable(line: str) -> str:
    """Return a line without control characters: a key may contain a line break."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


class SplitParams(Section):
    """How a dataset is split if upstream has no split."""

    validation_fraction: float = Field(gt=0, lt=0.5)
    """Fraction of the training items used for validation, stratified by label."""
    split_seed: int = Field(ge=0, le=2**31 - 1)
    """Seed of the split, the same for every model and seed."""
    split_strategy: Literal["declared", "stratified", "random", "time", "group"]
    """How items are held out: by class proportions, randomly, the latest ones, or whole groups; ``declared`` is the
    strategy that the dataset's file declares."""


class AboutParams(Section):
    """The terms and the origin of a dataset."""

    licence: str = Field(min_length=1, max_length=1000)
    """Its terms of use."""
    citation: str = Field(min_length=1, max_length=4000)
    """How to cite it."""
    published: str = Field(pattern=r"^\d{4}$")
    """The year in which it was first published."""
    homepage: str = Field(pattern=r"^https?://[^\s]+$", max_length=1000)
    """Its page on the web."""
    quirks: str = Field(min_length=1, max_length=4000)
    """What a reader must know before comparing numbers."""


def loop_params(model: str) -> type[Section] | None:
    """Return the type of the params of a model family's training loop; None if it has none."""
    params = registry.LOOPS[registry.MODELS[model].loop].params
    kind: type[Section] | None = registry.load(params) if params else None
    return kind


if TYPE_CHECKING:
    AllTrainingParams: TypeAlias = TrainingParams
    TrainingChanges: TypeAlias = BaseModel
    TrainerChanges: TypeAlias = BaseModel
    SplitChanges: TypeAlias = BaseModel
    AboutChanges: TypeAlias = BaseModel
else:
    AllTrainingParams = create_model(
        "TrainingParams",
        __base__=tuple(registry.load(each.params) for each in registry.LOOPS.values() if each.params),
    )
    """The params of every training loop."""
    TrainingChanges, TrainerChanges = any_of(AllTrainingParams), any_of(TrainerParams)
    SplitChanges, AboutChanges = any_of(SplitParams), any_of(AboutParams)


class DatasetParams(SplitChanges):
    """A dataset, and what differs from the top-level ``split``."""

    dataset: Literal[(*registry.DATASETS, *registry.FAMILIES)]  # type: ignore[valid-type]
    """The file that declares it, or its family; the default is the row's own name."""
    like: Name | None = None
    """Another row of ``datasets``; this row inherits the values that it does not set itself."""
    folds: int | None = Field(default=None, ge=2, le=100)
    """The number of folds of a user's own data, each of which is test once: the cells of seed s are tested on fold s
    modulo ``folds``; ``null`` for the same test items for every seed."""
    expectations: str | None = Field(default=None, min_length=1, max_length=300)
    """A file of expectations that its items must meet, besides those that its family has; ``null`` for none."""
    about: AboutChanges = Field(default_factory=AboutChanges)
    """What the report and croissant.json say of the data, instead of what its file declares."""
    knobs: dict[str, Any] = Field(default_factory=dict)


class TaskParams(Section):
    """A task: a question about a dataset."""

    # The ignores, here and below: mypy knows no literals that are found at run time, pydantic does.
    kind: Literal[tuple(registry.TASKS)]  # type: ignore[valid-type]
    dataset: Name
    """A row of ``datasets``; the default is the row with its own name."""
    like: Name | None = None
    """Another row of ``tasks``; this row inherits the values that it does not set itself."""
    metric: Name | None = None
    """The primary metric, one of those that the kind of task declares; ``null`` for the first of them."""
    training: TrainingChanges = Field(default_factory=TrainingChanges)
    """Changes to the top-level ``training`` for this task."""
    seeds: Seeds | None = None
    """Seeds that replace the suite's."""
    methods: list[Name] | Literal["all"] = "all"
    """The suite's methods that run on this task."""


class Start(Section):
    """The cell whose weights initialise another cell."""

    task: Name
    model: Name
    """A row of ``models`` without ``starts_from``; its first seed is used."""


class Pretrained(Section):
    """A pretrained network."""

    source: str = Field(min_length=1, max_length=300)
    """A repository of the Hugging Face hub, or a folder, with config.json, model.safetensors and tokenizer.json."""
    revision: str = Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")
    """The repository's commit, or the sha256 of the folder's model.safetensors: names such as main may change."""


class RowChanges(Section):
    """Changes for one model on one task."""

    knobs: dict[str, Any] = Field(default_factory=dict)
    training: TrainingChanges = Field(default_factory=TrainingChanges)
    tuning: TuningParams | None = None
    """The search that chooses some of these values on validation; ``null`` for none."""


class ModelParams(RowChanges):
    """A row of the matrix: a model family with its knobs."""

    model: Literal[tuple(registry.MODELS)]  # type: ignore[valid-type]
    """The family; the default is the row's own name."""
    like: Name | None = None
    """Another row of ``models``; this row inherits the values that it does not set itself."""
    tasks: list[Name] | Literal["all"] = "all"
    """The tasks on which it runs, among those that it fits."""
    starts_from: Start | None = None
    """The cell whose weights initialise this one, for the parts that its class names; ``null`` for random weights."""
    pretrained: Pretrained | None = None
    """The pretrained network that initialises this one; ``null`` for every family that does not need one."""
    train_fraction: float = Field(default=1.0, gt=0, le=1)
    """Fraction of the training items that it is trained on: the first of each class."""
    per_task: dict[Name, RowChanges] = Field(default_factory=dict)
    """Changes by task."""
    student: dict[str, Any] | None = None
    """The knobs that differ in the smaller network that a method trains to replace this one; ``null`` for none."""


class MethodParams(Section):
    """A way to compress every trained model that it fits."""

    method: Literal[tuple(registry.METHODS)]  # type: ignore[valid-type]
    """The compression method; the default is the row's own name."""
    like: Name | None = None
    """Another row of ``methods``; this row inherits the values that it does not set itself."""
    knobs: dict[str, Any] = Field(default_factory=dict)
    after: Name | None = None
    """The row of ``methods`` whose result this one compresses further; ``null`` for the trained model."""
    max_relative_drop: float = Field(default=0.01, ge=0, le=1)
    """Its budget: the share of the uncompressed model's score that may be lost. Settings are chosen within it
    on validation; the report marks variants that lose more on test items."""


class SuiteParams(Section):
    """The rows that run, and their budget."""

    tasks: list[Name] = Field(min_length=1)
    models: list[Name] | Literal["all"] = "all"
    methods: list[Name] | Literal["all"] = "all"
    seeds: Seeds
    synthetic_twins: bool = False
    """Run on the tiny synthetic twins of the datasets."""
    one_task_per_model: bool = False
    """Run each row only on the first task that it fits, and controls on all: a quick test of every row."""
    train_items: int | None = Field(default=None, ge=10)
    """Train on at most this many items, drawn with the seed of the split, stratified by label."""
    evaluate_cores: int = Field(default=1, ge=1, le=1024)
    """Cores that each evaluation reserves, at most all of the run's: with all of them, speeds on all cores are also
    measured."""
    training: TrainingChanges = Field(default_factory=TrainingChanges)
    """Changes in this suite, for every neural model."""
    trainer: TrainerChanges = Field(default_factory=TrainerChanges)
    most_trials: int | None = Field(default=None, ge=0)
    """At most this many trials of each row with ``tuning``; 0 leaves such rows out."""


class LimitParams(Section):
    """Limits of a job. They are in no cell's spec: a change reruns only the jobs that had exceeded them."""

    cell_minutes: float = Field(gt=0, le=7 * 24 * 60)
    """Time limit to validate, train, compress or evaluate once, and for each trial of ``tuning``; a job that takes
    longer ends as ``timed out``."""


class Params(Section):
    """The content of params.yaml."""

    suite: Name
    """The suite that runs; ``snakemake --config suite=NAME`` overrides it."""
    limits: LimitParams
    trainer: TrainerParams
    training: AllTrainingParams
    """The params of the training loops; a model has those of its own loop."""
    split: SplitParams
    """How every dataset is split, unless its row sets other values."""
    datasets: dict[Name, DatasetParams] = Field(max_length=MOST_ROWS)
    tasks: dict[Name, TaskParams] = Field(max_length=MOST_ROWS)
    models: dict[Name, ModelParams] = Field(max_length=MOST_ROWS)
    methods: dict[Name, MethodParams] = Field(max_length=MOST_ROWS)
    suites: dict[Name, SuiteParams] = Field(max_length=MOST_ROWS)

    def training_of(self, suite: str, task: str, model: str) -> Section | None:
        """Return the params of a row's training loop: the defaults with the changes of task, model, model on task, and
        suite, in order; None if the loop has none."""
        row = self.models[model]
        if (kind := loop_params(row.model)) is None:
            return None
        changes = [self.tasks[task].training, row.training]
        changes += [row.per_task[task].training] if task in row.per_task else []
        whole = _changed(self.training, [*changes, self.suites[suite].training])
        return kind.model_validate(whole.model_dump(include=set(kind.model_fields)))

    def tuning_of(self, suite: str, task: str, model: str) -> TuningParams | None:
        """Return the search for a row's hyperparameters on a task in a suite; None if there is none."""
        row, most = self.models[model], self.suites[suite].most_trials
        tuning = (row.per_task[task].tuning if task in row.per_task else None) or row.tuning
        if tuning is None or most is None:
            return tuning
        return tuning.model_copy(update={"trials": min(tuning.trials, most)})

    def split_of(self, dataset: str) -> SplitParams:
        """Return how a dataset is split."""
        row = self.datasets[dataset].model_dump(include=set(SplitParams.model_fields), exclude_unset=True)
        return SplitParams.model_validate(self.split.model_dump() | row)

    def folds_of(self, task: str) -> int | None:
        """Return the number of folds of a task's dataset; None without folds, or if there is no such dataset."""
        row = self.datasets.get(self.tasks[task].dataset)
        return row.folds if row else None

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
        ParamsError: with every error that was found, first those of the files that declare models, tasks and so on.
    """
    if errors := registry.errors():
        raise ParamsError(errors)
    if not path.is_absolute() and not path.exists():
        for parent in Path.cwd().parents:
            if (parent / path).is_file():
                raise ParamsError(
                    [f"{path}: not in this folder; go to the project's: cd {shlex.quote(str(parent))}"]
                )
    try:
        raw = strict_yaml.read(path)
    except ValueError as error:
        raise ParamsError([str(error)]) from None
    try:
        return check(raw)
    except ParamsError as error:
        raise ParamsError([f"{path}: {line}" for line in error.errors]) from None


def check(raw: Any) -> Params:
    """Return the content of params.yaml, with knobs of the types that their models and methods declare.

    Raises:
        ParamsError: with every error that was found.
    """
    whole, errors = inheritance.expanded(raw)
    if errors:
        raise ParamsError(errors)
    try:
        params = _with_typed_knobs(Params.model_validate(whole), errors)
        errors += _row_errors(params)
    except ValidationError as error:
        # A misspelt key is also a missing one: the line with the correct spelling comes first.
        found = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        raise ParamsError(inheritance.own(_lines(found, Params), raw)) from None
    except ValueError as error:  # a model's file without a valid signature
        raise ParamsError([str(error)]) from None
    if errors:
        raise ParamsError(inheritance.own(errors, raw))
    return params


def _row_errors(params: Params) -> Iterable[str]:
    """Yield errors across sections: unknown names, and knobs that do not fit."""
    yield from _unknown("suite", [params.suite], params.suites)
    for name in params.datasets:
        yield from _split_errors(params, name)
        yield from _fold_errors(params, name)
    for name, task in params.tasks.items():
        yield from _unknown(f"tasks.{name}.dataset", [task.dataset], params.datasets)
        if task.metric and task.metric not in (allowed := registry.TASKS[task.kind].metrics):
            choices = f"allowed: {', '.join(allowed)}{_nearest(task.metric, allowed)}"
            yield f"tasks.{name}.metric = {task.metric!r}: not a metric of {task.kind}; {choices}"
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
        yield from _repeated_folds(params, name, suite)
    for name, row in params.models.items():
        yield from _unknown(f"models.{name}.per_task", row.per_task, params.tasks)
        yield from _start_errors(params, name, row)
        yield from _task_errors(params, name, row)
        yield from _training_errors(name, row)
    for name in params.methods:
        if name == "none":
            yield "methods.none: the name of the uncompressed variant; choose another"
        yield from _chain_errors(params, name)


def _chain_errors(params: Params, name: str) -> Iterable[str]:
    """Yield the reasons why a method cannot follow another."""
    where, after = f"methods.{name}.after", params.methods[name].after
    if after is None:
        return
    unknown = list(_unknown(where, [after], params.methods))
    yield from unknown
    if unknown:
        return
    first = registry.METHODS[params.methods[after].method]
    if first.final:
        yield f"{where}: {after} returns a graph, which cannot be compressed further; name one that returns a model"
    if not set(first.loops) & set(registry.METHODS[params.methods[name].method].loops):
        yield f"{where}: {after} and {name} accept different models; name a method that accepts the same ones"
    seen = [name]
    while after in params.methods and after not in seen:
        seen.append(after)
        after = params.methods[after].after
        if len(seen) > MOST_METHODS:
            yield f"{where}: a chain of more than {MOST_METHODS} methods"
            return
    if after in seen:
        yield f"{where}: {' after '.join([*seen, after])}: circular; remove one `after`"


def _split_errors(params: Params, name: str) -> Iterable[str]:
    """Yield where a composite dataset is not split like its parts: it would train on their test items."""
    declared = registry.DATASETS.get(params.datasets[name].dataset)
    for part in declared.parts if declared else ():
        others = params.split_of(part).model_dump() if part in params.datasets else {}
        for key, value in params.split_of(name).model_dump().items():
            if value != (other := others.get(key)):
                yield f"datasets.{name}.{key} = {value}: must equal that of its part {part}: {other}"


def _fold_errors(params: Params, name: str) -> Iterable[str]:
    """Yield the reasons why a dataset has no folds."""
    row, where = params.datasets[name], f"datasets.{name}"
    if row.folds is None:
        return
    fraction = row.knobs.get("test_fraction")
    if fraction is None:
        yield f"{where}.folds = {row.folds}: {row.dataset} has no test_fraction, so it has no folds; remove it"
    elif isinstance(fraction, float | int) and abs(fraction * row.folds - 1) > FOLD_TOLERANCE:
        yield f"{where}.knobs.test_fraction = {fraction}: must be {1 / row.folds:.3g}, one of {row.folds} folds"
    for number in range(row.folds):
        if (fold := f"{name}{registry.FOLD}{number}") in params.datasets:
            yield f"datasets.{fold}: is the name of a fold of {name}; choose another"


def _repeated_folds(params: Params, name: str, suite: SuiteParams) -> Iterable[str]:
    """Yield the tasks of a suite of which two seeds would be tested on the same fold."""
    for task in (task for task in suite.tasks if task in params.tasks):
        seeds, folds = params.tasks[task].seeds or suite.seeds, params.folds_of(task)
        if folds and len({seed % folds for seed in seeds}) < len(set(seeds)):
            where = f"tasks.{task}.seeds" if params.tasks[task].seeds else f"suites.{name}.seeds"
            yield (
                f"{where} = {seeds}: two of them have the same one of the {folds} folds of"
                f" {params.tasks[task].dataset} (seed modulo {folds}); give tasks.{task}.seeds one for each fold"
            )


def _start_errors(params: Params, name: str, row: ModelParams) -> Iterable[str]:
    if row.tasks != "all":
        yield from _unknown(f"models.{name}.tasks", row.tasks, params.tasks)
        yield from _twice(f"models.{name}.tasks", row.tasks)
    if registry.MODELS[row.model].pretrained != (row.pretrained is not None):
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
    if params.folds_of(start.task):
        yield f"{where}.task: {start.task} is on folds, and its weights know test items of other folds; name another"
    if (
        registry.TASKS[params.tasks[start.task].kind].signature
        not in registry.MODELS[source.model].signatures
    ):
        yield f"{where}: {start.model} does not run on {start.task}; name a task that it fits"
    if source.starts_from:
        yield f"{where}.model: {start.model} itself starts from another row; name one that does not"
    if loop_params(row.model) is None:
        yield f"{where}: {row.model} is not trained step by step, so it cannot start from other weights"


def _absent_starts(params: Params, name: str, suite: SuiteParams) -> Iterable[str]:
    """Yield the rows of a suite that start from a cell outside the suite."""
    for model in params.models if suite.models == "all" else suite.models:
        row = params.models.get(model)
        if row is None or row.starts_from is None:
            continue
        tasks = suite.tasks if row.tasks == "all" else [task for task in row.tasks if task in suite.tasks]
        start = row.starts_from
        known = params.models if suite.models == "all" else suite.models
        if tasks and (start.task not in suite.tasks or start.model not in known):
            yield f"suites.{name}: {model} starts from {start.task}/{start.model}, which it does not run; add both"


def _task_errors(params: Params, name: str, row: ModelParams) -> Iterable[str]:
    """Yield the tasks in ``per_task`` that the row's family does not support, and the knobs without a value."""
    entry, schema = registry.MODELS[row.model], knobs(registry.MODELS[row.model].target, MODEL_PROVIDES)
    complete = not set(schema.model_fields) - set(row.knobs)
    for task in params.tasks if row.per_task or not complete else ():
        kind = registry.TASKS[params.tasks[task].kind]
        if kind.signature not in entry.signatures:
            if task in row.per_task:
                allowed = ", ".join(entry.signatures)
                where = f"models.{name}.per_task.{task}"
                yield f"{where}: {row.model} does not support {kind.signature}; it supports {allowed}"
            continue
        given = params.knobs_of(task, name)
        missing = [knob for knob in schema.model_fields if knob not in given]
        provided = f"; the task itself provides {', '.join(kind.provides)}"
        where = f"models.{name}.per_task.{task}.knobs" if task in row.per_task else f"models.{name}.knobs"
        yield from (f"{where}.{knob}: missing; give it a value{provided}" for knob in missing)
        if missing:
            return


def _training_errors(name: str, row: ModelParams) -> Iterable[str]:
    """Yield the params of training that a row's training loop does not have."""
    kind = loop_params(row.model)
    allowed = set(kind.model_fields) if kind else set()
    places = {f"models.{name}": row} | {
        f"models.{name}.per_task.{task}": on for task, on in row.per_task.items()
    }
    for where, changes in places.items():
        for key in sorted(changes.training.model_fields_set - allowed):
            loop = registry.MODELS[row.model].loop
            yield f"{where}.training.{key}: {row.model} is trained by the loop {loop}, which has no {key}; remove it"


def _unknown(where: str, names: Iterable[str], table: Mapping[str, Any]) -> Iterable[str]:
    for name in names:
        if name not in table:
            yield f"{where}: {name}: unknown; allowed: {', '.join(table)}{_nearest(name, table)}"


def _twice(where: str, values: Any) -> Iterable[str]:
    if values != "all":
        for value in sorted(value for value, count in Counter(values).items() if count > 1):
            yield f"{where}: {value}: given twice; keep one"


def _with_typed_knobs(params: Params, errors: list[str]) -> Params:
    """Return the params with knobs of the declared types, as JSON values.

    Args:
        errors: receives a line for each invalid knob.
    """

    def typed(where: str, kind: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
        try:
            return kind.model_validate(values).model_dump(mode="json", exclude_unset=True)
        except ValidationError as error:
            errors.extend(_lines(error.errors(), kind, where.split(".")))
            return values

    def of_family(family: str) -> type[BaseModel]:
        return any_of(knobs(registry.MODELS[family].target, MODEL_PROVIDES))

    def searched(where: str, family: str, tuning: TuningParams | None) -> TuningParams | None:
        sections = {"knobs": of_family(family)}
        if training := loop_params(family):
            sections["training"] = any_of(training)
        return tuning and checked(where, tuning, sections, errors)

    models, methods, datasets = {}, {}, {}
    for name, dataset in params.datasets.items():
        kind = _dataset_knobs(dataset.dataset)
        datasets[name] = dataset.model_copy(
            update={"knobs": typed(f"datasets.{name}.knobs", kind, dataset.knobs)}
        )
    for name, row in params.models.items():
        where, kind = f"models.{name}", of_family(row.model)
        per_task = {
            task: each.model_copy(
                update={
                    "knobs": typed(f"{where}.per_task.{task}.knobs", kind, each.knobs),
                    "tuning": searched(f"{where}.per_task.{task}.tuning", row.model, each.tuning),
                }
            )
            for task, each in row.per_task.items()
        }
        tuning = searched(f"{where}.tuning", row.model, row.tuning)
        own = typed(f"{where}.knobs", kind, row.knobs)
        student = None if row.student is None else typed(f"{where}.student", kind, row.student)
        changes = {"knobs": own, "per_task": per_task, "student": student, "tuning": tuning}
        models[name] = row.model_copy(update=changes)
    for name, method in params.methods.items():
        kind = knobs(f"{registry.METHODS[method.method].module}:compress", METHOD_PROVIDES)
        methods[name] = method.model_copy(
            update={"knobs": typed(f"methods.{name}.knobs", kind, method.knobs)}
        )
    return params.model_copy(update={"models": models, "methods": methods, "datasets": datasets})


def _dataset_knobs(name: str) -> type[BaseModel]:
    """Return the type of a dataset's knobs; one without fields if it is no family."""
    return knobs(registry.FAMILIES[name], ()) if name in registry.FAMILIES else Strict


def _lines(
    errors: Sequence[ErrorDetails], kind: type[BaseModel], prefix: Sequence[str] = ()
) -> Iterable[str]:
    """Yield one line per error of pydantic: key, value, what is allowed, closest correct spelling."""
    found: dict[tuple[tuple[str, ...], str], list[ErrorDetails]] = {}
    for error in errors:
        place = _place(error)
        is_either = any(UNION.fullmatch(str(part)) for part in error["loc"][len(place) - 1 :])
        found.setdefault((place, EITHER if is_either else error["type"]), []).append(error)
    above = {place[:end] for place, _ in found for end in range(len(place))}
    for (place, type_of), same in found.items():
        # A list with a wrong item also fails the alternative of a single word: the item's line is enough.
        if type_of != EITHER or place not in above:
            yield _text(".".join([*prefix, *place]) or "the file", same, kind)


def _place(error: ErrorDetails) -> tuple[str, ...]:
    places = [str(part) for part in error["loc"] if part != "[key]"]
    last = places[-1:] if error["type"] in ("extra_forbidden", "missing") else []
    return tuple(part for part in places if part in last or not UNION.fullmatch(part))


def _text(where: str, errors: list[ErrorDetails], kind: type[BaseModel]) -> str:
    first = errors[0]
    if first["type"] == "extra_forbidden" and first["loc"][-1] in RENAMED:
        return f"{where}: is now {RENAMED[first['loc'][-1]]}"
    if first["type"] == "extra_forbidden":
        keys = _keys(kind, first["loc"][:-1])
        return f"{where}: unknown key; allowed: {', '.join(keys)}{_nearest(str(first['loc'][-1]), keys)}"
    if first["type"] == "missing":
        return f"{where}: missing; give it a value"
    if first["input"] is None:
        return f"{where}: has no value; give it one, or remove the key"
    messages = [
        PLAIN[error["type"]].format(**error.get("ctx", {}))
        if error["type"] in PLAIN
        else error["msg"].replace("Input should", "should")
        for error in errors
    ]
    message = messages[0] + "".join(f" or {each.removeprefix('should be ')}" for each in messages[1:])
    expected = " or ".join(str(error.get("ctx", {}).get("expected", "")) for error in errors)
    words = expected.replace(" or ", ", ").replace("'", "").split(", ")
    value = first["input"]
    if isinstance(value, str) and (unknown := _unknown_entry(where.rpartition(".")[2], value)):
        return f"{where} = {value!r}: {unknown}"
    near = _nearest(value, words) if isinstance(value, str) else ""
    shown = " ".join(repr(value).split())
    return f"{where} = {shown if len(shown) <= 60 else f'{shown[:57]}...'}: {message}{near}"


DECLARED = {
    "model": ("models", "MODEL"),
    "method": ("compression/methods", "METHOD"),
    "kind": ("tasks", "TASK"),
    "dataset": ("data/datasets", "DATASET"),
}
"""By the key that names an entry of the registry: its room, and the variable that declares it."""


def _unknown_entry(key: str, name: str) -> str:
    """Return why the registry has no such entry, if that is known; else nothing."""
    if key not in DECLARED:
        return ""
    return RENAMED_ENTRIES.get(name) or registry.undeclared(*DECLARED[key], name)


def _nearest(word: str, allowed: Iterable[str]) -> str:
    match = process.extractOne(word[:100], [name for name in allowed if name], score_cutoff=60)
    return f"; did you mean {match[0]}?" if match else ""


def _keys(section: Any, place: Iterable[int | str]) -> list[str]:
    """Return the keys that are allowed at a location within a section."""
    for part in place:
        if _is_section(section) and part not in section.model_fields:
            continue  # pydantic's name of one of several types
        inner = section.model_fields[part].annotation if _is_section(section) else get_args(section)[1]
        section = next((each for each in (inner, *get_args(inner)[:1]) if _is_section(each)), inner)
    return list(section.model_fields)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
