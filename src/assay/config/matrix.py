# SPDX-License-Identifier: Apache-2.0
"""The matrix: the cells and variants of a suite, and the spec of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from rapidfuzz import process

from assay import paths
from assay.config import registry
from assay.config.params import DatasetParams, Params, ParamsError
from assay.config.tuning import TuningParams

UNSEEDED = 0
"""The seed of a model whose fit does not depend on the seed."""
TUNING_SEED = 0
"""The seed of every trial, and of the sampler that draws the settings."""


@dataclass(frozen=True)
class Cell:
    """Task x model x seed; the names are those of the rows in params.yaml."""

    task: str
    model: str
    seed: int


@dataclass(frozen=True)
class Row:
    """Task x model: what is tuned, once for all seeds, or once for each fold of the data."""

    task: str
    model: str
    fold: int | None = None
    """The fold that is test; None for data without folds."""

    @property
    def trial(self) -> Cell:
        """The cell of which each trial is a variation."""
        return Cell(self.task, self.model, TUNING_SEED if self.fold is None else self.fold)


@dataclass(frozen=True)
class Variant:
    """Cell x method."""

    task: str
    model: str
    seed: int
    method: str

    @property
    def cell(self) -> Cell:
        """The cell that this variant is made from."""
        return Cell(self.task, self.model, self.seed)


@dataclass(frozen=True)
class Matrix:
    """A suite's cells and variants.

    Args:
        params: the content of params.yaml.
        suite: the suite that runs.
        only_tasks: the tasks to run; empty for all of the suite's.
        only_models: the models to run; empty for all of the suite's.
    """

    params: Params
    suite: str
    only_tasks: tuple[str, ...] = ()
    only_models: tuple[str, ...] = ()

    @cached_property
    def tasks(self) -> list[str]:
        """Rows of ``tasks`` that run, in the order of params.yaml: those requested and those that others start from."""
        needed = (
            {cell.task for cell in self.cells} if self.only_tasks else ()
        )  # without a selection, the suite itself names them
        return [name for name in self.params.tasks if name in self._requested_tasks or name in needed]

    @cached_property
    def models(self) -> list[str]:
        """Rows of ``models`` that run, in the order of params.yaml."""
        running = {cell.model for cell in self.cells}
        return [name for name in self.params.models if name in running]

    @cached_property
    def methods(self) -> list[str]:
        """Rows of ``methods`` that run."""
        return self._with_sources(self.params.suites[self.suite].methods)

    @cached_property
    def datasets(self) -> list[str]:
        """Datasets, or their twins, of the tasks that run."""
        return sorted({self.dataset(task) for task in self.tasks})

    @cached_property
    def prepared(self) -> list[str]:
        """The prepared datasets of the tasks that run: one of each dataset, or one of each fold of it."""
        return sorted({name for task in self.tasks for name in self.prepared_of(task).values()})

    @cached_property
    def cells(self) -> list[Cell]:
        """Every cell: each task with each fitting model and each seed, after the cells that they start from."""
        requested = [
            Cell(task, model, seed)
            for task in self._requested_tasks
            for model in self._requested_models
            if self._fits(task, model) and self._is_due(task, model)
            for seed in self._seeds(task, model)
        ]
        starts = [start for cell in requested if (start := self.start(cell)) is not None]
        return list(dict.fromkeys([*starts, *requested]))

    @cached_property
    def tuned(self) -> list[Row]:
        """Every row whose hyperparameters are chosen by a search."""
        rows = dict.fromkeys(self.row(cell) for cell in self.cells)
        return [row for row in rows if self.tuning(row.task, row.model)]

    def row(self, cell: Cell) -> Row:
        """Return the row whose tuning chooses a cell's hyperparameters."""
        return Row(cell.task, cell.model, self.fold(cell))

    def fold(self, cell: Cell | Variant) -> int | None:
        """Return the fold that a cell is tested on; None for data without folds."""
        folds = self.params.folds_of(cell.task)
        return cell.seed % folds if folds else None

    def tuning(self, task: str, model: str) -> TuningParams | None:
        """Return the search for a row's hyperparameters on a task; None if there is none."""
        return self.params.tuning_of(self.suite, task, model)

    def start(self, cell: Cell) -> Cell | None:
        """Return the cell whose weights initialise this one, None if it is trained from scratch."""
        named = self.params.models[cell.model].starts_from
        if named is None:
            return None
        return Cell(named.task, named.model, self._seeds(named.task, named.model)[0])

    def _fits(self, task: str, model: str) -> bool:
        chosen, tuning = self.params.models[model].tasks, self.tuning(task, model)
        return (
            self.kind(task).signature in self.family(model).signatures
            and (chosen == "all" or task in chosen)
            and (tuning is None or tuning.trials > 0)
        )

    def _is_due(self, task: str, model: str) -> bool:
        """Return whether a row runs on a task that it fits: with ``one_task_per_model`` only on the first task, except
        for controls."""
        if (
            not self.params.suites[self.suite].one_task_per_model
            or self.params.models[model].model in self.kind(task).controls
        ):
            return True
        return task == next(each for each in self._requested_tasks if self._fits(each, model))

    def _seeds(self, task: str, model: str) -> list[int]:
        if not self.family(model).seeded and not self.params.folds_of(task):
            return [UNSEEDED]
        return self._given_seeds(task)

    def _given_seeds(self, task: str) -> list[int]:
        return self.params.tasks[task].seeds or self.params.suites[self.suite].seeds

    @cached_property
    def _requested_tasks(self) -> list[str]:
        return _chosen(self.params.suites[self.suite].tasks, list(self.params.tasks), self.only_tasks)

    @cached_property
    def _requested_models(self) -> list[str]:
        return _chosen(self.params.suites[self.suite].models, list(self.params.models), self.only_models)

    @cached_property
    def variants(self) -> list[Variant]:
        """Every variant: each cell uncompressed, and with each method that accepts its model."""
        return [
            Variant(cell.task, cell.model, cell.seed, method)
            for cell in self.cells
            for method in [paths.UNCOMPRESSED, *self._methods_for(cell)]
        ]

    def variant(self, name: str) -> Variant:
        """Return the variant that ``task/model/seed[/method]`` names.

        Raises:
            ValueError: the suite has no such variant; one line with the closest name.
        """
        named = self._named()
        short = name.removesuffix(f"/{paths.UNCOMPRESSED}")
        if short in named:
            return named[short]
        suites = (self.params.suite, *self.params.suites)  # the one that runs by default first
        others = [suite for suite in suites if short in Matrix(self.params, suite)._named()]
        near = process.extractOne(name, list(named))
        hint = f"add --suite {others[0]}" if others else f"did you mean {near[0]}? assay list shows all"
        raise ValueError(f"{name}: not in the suite {self.suite}; {hint}")

    def _named(self) -> dict[str, Variant]:
        """Return every variant by its name, ``task/model/seed[/method]``."""
        return {
            f"{each.task}/{each.model}/{each.seed}"
            + ("" if each.method == paths.UNCOMPRESSED else f"/{each.method}"): each
            for each in self.variants
        }

    def source(self, variant: Variant) -> Variant:
        """Return the variant that this one's method compresses."""
        after = self.params.methods[variant.method].after
        return Variant(variant.task, variant.model, variant.seed, after or paths.UNCOMPRESSED)

    def family(self, model: str) -> registry.Model:
        """Return the registry's entry of a row of ``models``."""
        return registry.MODELS[self.params.models[model].model]

    def signatures(self, key: str, name: str) -> str:
        """Return the signature of a row of ``tasks``, or those that a row of ``models`` supports, as text."""
        return self.kind(name).signature if key == "tasks" else ", ".join(self.family(name).signatures)

    def kind(self, task: str) -> registry.Task:
        """Return the registry's entry of a row of ``tasks``."""
        return registry.TASKS[self.params.tasks[task].kind]

    def metric(self, task: str) -> str:
        """Return the primary metric of a row of ``tasks``."""
        return self.params.tasks[task].metric or self.kind(task).metrics[0]

    def dataset(self, task: str) -> str:
        """Return the dataset of a task, or its twin's name."""
        name: str = self.params.tasks[task].dataset
        return name + registry.TWIN if self.params.suites[self.suite].synthetic_twins else name

    def prepared_for(self, cell: Cell | Variant) -> str:
        """Return the prepared dataset of a cell: that of its task, or the fold of it that the seed names."""
        name, fold = self.dataset(cell.task), self.fold(cell)
        return name if fold is None else f"{name}{registry.FOLD}{fold}"

    def prepared_of(self, task: str) -> dict[int, str]:
        """Return the prepared dataset of each seed of a task's cells."""
        return {seed: self.prepared_for(Cell(task, "", seed)) for seed in self._given_seeds(task)}

    def whole(self, prepared: str) -> str:
        """Return the dataset, or twin, that a prepared dataset is made from."""
        return self._folds[prepared][0] if prepared in self._folds else prepared

    @cached_property
    def _folds(self) -> dict[str, tuple[str, int]]:
        """The dataset and the number of each fold, by its name."""
        numbers = {self.dataset(task): self.params.folds_of(task) or 0 for task in self.tasks}
        return {
            f"{name}{registry.FOLD}{number}": (name, number)
            for name, folds in numbers.items()
            for number in range(folds)
        }

    def dataset_row(self, prepared: str) -> DatasetParams:
        """Return the row of a dataset, of its twin, or of a fold."""
        return self.params.datasets[self.whole(prepared).removesuffix(registry.TWIN)]

    def dataset_spec(self, dataset: str) -> dict[str, Any]:
        """Return the spec of ingesting and preparing a dataset, or of preparing a fold of it."""
        name, row = self.whole(dataset).removesuffix(registry.TWIN), self.dataset_row(dataset)
        spec = {"family": row.dataset, "knobs": row.knobs, **self.params.split_of(name).model_dump()}
        if dataset in self._folds:
            spec["fold"] = {"number": self._folds[dataset][1], "folds": row.folds}
        about = row.about.model_dump(exclude_unset=True)
        return {**spec, "about": about} if about else spec

    def cell_spec(self, cell: Cell) -> dict[str, Any]:
        """Return everything that training a cell depends on, except data and code."""
        task, family = self.params.tasks[cell.task], self.family(cell.model)
        spec: dict[str, Any] = {
            **asdict(cell),
            "kind": task.kind,
            "dataset": self.prepared_for(cell),
            "target": family.target,
            "loop": family.loop,
            "knobs": self.params.knobs_of(cell.task, cell.model),
            "train_items": self.params.suites[self.suite].train_items,
            "train_fraction": self.params.models[cell.model].train_fraction,
        }
        if start := self.start(cell):
            spec["starts_from"] = asdict(start)
        if pretrained := self.params.models[cell.model].pretrained:
            spec["pretrained"] = pretrained.model_dump()
        if tuning := self.tuning(cell.task, cell.model):
            spec["tuning"] = tuning.model_dump(mode="json")
        if training := self.params.training_of(self.suite, cell.task, cell.model):
            spec["training"] = training.model_dump()
        if registry.LOOPS[family.loop].uses_trainer:
            spec["lightning"] = self.params.trainer_of(self.suite).model_dump()
        return spec

    def method_spec(self, variant: Variant) -> dict[str, Any]:
        """Return the spec of compressing a cell's model by a method."""
        row = self.params.methods[variant.method]
        entry = registry.METHODS[row.method]
        spec = {
            "target": f"{entry.module}:compress",
            "metric": self.metric(variant.task),
            "knobs": row.knobs,
            "max_relative_drop": row.max_relative_drop,
        }
        if entry.student:
            spec["student"] = self.params.models[variant.model].student
        return spec

    def tuning_folder(self, row: Row) -> str:
        """Return the folder of a row's trials and of the setting chosen among them."""
        template = paths.TUNED if row.fold is None else paths.TUNED_FOLD
        return template.format(suite=self.suite, **vars(row))

    def trained(self, cell: Cell) -> str:
        """Return the folder of a trained model."""
        return paths.TRAINED.format(suite=self.suite, **vars(cell))

    def compressed(self, variant: Variant) -> str:
        """Return the folder of a variant's artifact; for the uncompressed variant, the trained model's."""
        if variant.method == paths.UNCOMPRESSED:
            return self.trained(variant.cell)
        return paths.COMPRESSED.format(suite=self.suite, **vars(variant))

    def evaluated(self, variant: Variant) -> str:
        """Return the folder of a variant's metrics and predictions."""
        return paths.EVALUATED.format(suite=self.suite, **vars(variant))

    def _methods_for(self, cell: Cell) -> list[str]:
        loop, rows = self.family(cell.model).loop, self.params.methods
        chosen = self._with_sources(self.params.tasks[cell.task].methods)
        return [
            name
            for name in self.methods
            if name in chosen
            and all(loop in registry.METHODS[rows[each].method].loops for each in self._chain(name))
        ]

    def _with_sources(self, chosen: list[str] | str) -> list[str]:
        """Return the chosen rows of ``methods``, each after those it depends on."""
        named = _chosen(chosen, list(self.params.methods), ())
        return list(dict.fromkeys(each for name in named for each in self._chain(name)))

    def _chain(self, method: str) -> list[str]:
        """Return the chain of methods that ends with this one, in order."""
        after = self.params.methods[method].after
        return [*(self._chain(after) if after else []), method]


def select(params: Params, *, suite: str | None = None, tasks: str = "", models: str = "") -> Matrix:
    """Return the matrix that ``snakemake --config suite=NAME tasks=A,B models=C`` requests.

    Raises:
        ParamsError: a name is not a row of params.yaml or of the suite, or nothing runs for it.
    """
    selected = {"suites": [suite or params.suite], "tasks": _names(tasks), "models": _names(models)}
    for section, names in selected.items():
        rows = getattr(params, section)
        for name in names:
            if name not in rows:
                allowed = ", ".join(rows)
                raise ParamsError([f"{section.rstrip('s')} {name!r}: not in params.yaml; allowed: {allowed}"])
    matrix = Matrix(params, suite or params.suite, tuple(selected["tasks"]), tuple(selected["models"]))
    if error := next(selection_errors(matrix), None):
        raise ParamsError([error])
    return matrix


def selection_errors(matrix: Matrix) -> Iterator[str]:
    """Yield a line for each task and model that ``--config`` or the suite names and for which nothing runs."""
    suite, where = matrix.params.suites[matrix.suite], f"{paths.PARAMS}: suites.{matrix.suite}"
    selected = {"tasks": matrix.only_tasks, "models": matrix.only_models}
    for key, only in selected.items():
        rows = getattr(suite, key)
        for name in only if rows != "all" else ():
            if name not in rows:
                allowed = ", ".join(rows)
                listed = f"suites.{matrix.suite}.{key}"
                yield f"--config {key}: {name}: not in {listed}; add it there; allowed: {allowed}"
    run = {"tasks": {cell.task for cell in matrix.cells}, "models": {cell.model for cell in matrix.cells}}
    for key, other in (("tasks", "models"), ("models", "tasks")):
        # If one list is narrowed, rows of the suite's other list that no longer fit are ignored.
        rows = selected[key] or ("all" if selected[other] else getattr(suite, key))
        source = f"--config {key}" if selected[key] else f"{where}.{key}"
        for name in () if rows == "all" else rows:
            if name not in run[key]:
                does = matrix.signatures(key, name)
                yield f"{source}: {name}: fits none of the {other} that run ({does}); name others, or remove it"
    if not matrix.cells:
        yield f"{where}: nothing runs; name models that fit its tasks"


def _names(text: str) -> list[str]:
    return text.split(",") if text else []


def _chosen(rows: list[str] | str, table: list[str], only: tuple[str, ...]) -> list[str]:
    named = table if rows == "all" else [name for name in table if name in rows]
    return [name for name in named if not only or name in only]
