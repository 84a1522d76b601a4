# SPDX-License-Identifier: Apache-2.0
"""The input and output of a compression method, and the search for its setting: on validation, within a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate

from torch import Tensor, nn

from assay.artifacts.store import count_parameters
from assay.config.training import TrainerParams, TrainingParams
from assay.data.splits import Split
from assay.tasks.metric import Metric, PrimaryMetric
from assay.tasks.protocol import Augment, Objective
from assay.training import supervised
from assay.training.validation import validation_metric, validation_score

EXAMPLES = 8


@dataclass(frozen=True)
class CompressionContext:
    """A trained model and the data for its compression: never test items."""

    model: Any
    """A network in evaluation mode, or an estimator; no method modifies it."""
    record: dict[str, Any]
    """The record of its artifact: class, arguments, format."""
    cell: dict[str, Any]
    """The spec of its training."""
    task: Objective
    splits: dict[str, Split]
    """``train``, with the items that it was trained on, and ``validation``."""
    augment: Augment | None
    folder: Path
    """The folder for the checkpoint of an interrupted fine-tuning."""
    max_relative_drop: float
    """The budget: the share of the uncompressed model's validation score that may be lost."""
    student: dict[str, Any] | None = None
    """The arguments that differ in the student, the smaller network trained to replace the model; None without one."""

    @property
    def examples(self) -> Tensor:
        """A few training inputs (``EXAMPLES``, ...), by which a network is traced; fewer if there are fewer."""
        return self.splits["train"].inputs[:EXAMPLES]

    @property
    def metric(self) -> Metric | PrimaryMetric:
        """The metric of the budget."""
        return validation_metric(self.task)

    def score(self, model: Any) -> float:
        """Return the metric of a network, an estimator or a predictor on the validation items."""
        return validation_score(self.task, model, self.splits["validation"], self.record["arguments"])

    def lost(self, before: float, after: float) -> float:
        """Return the relative drop of a score; negative if the compressed model is better."""
        rank = self.metric.rank
        return (rank(before) - rank(after)) / max(abs(before), 1e-12)

    def fine_tune(self, model: nn.Module, *, share: float, rate: float) -> None:
        """Train ``model``, a modified copy of the context's model, in place; the best epoch on validation is kept.

        Args:
            share: number of steps, as a share of the optimizer steps of the cell's training; may exceed 1.
            rate: the highest learning rate, as a share of the cell's.
        """
        params = TrainingParams.model_validate(self.cell["training"])
        items = len(self.splits["train"])
        in_epoch = items // min(params.batch_size, items)
        steps = params.epochs * in_epoch
        steps = max(1, round(share * (min(steps, params.max_steps) if params.max_steps else steps)))
        changes = {
            "epochs": math.ceil(steps / in_epoch),
            "max_steps": steps,
            "learning_rate": rate * params.learning_rate,
            "patience": 0,
        }
        supervised.train(
            model,
            self.task,
            self.splits["train"],
            self.splits["validation"],
            params=params.model_copy(update=changes),
            trainer=TrainerParams.model_validate(self.cell["lightning"]),
            seed=self.cell["seed"],
            threads=1,
            augment=self.augment,
            folder=self.folder,
        )


@dataclass(frozen=True)
class CompressedModel:
    """The output of a method."""

    format: str
    """The format of ``model``, a key of ``formats.FORMATS``."""
    model: Any
    parameters: int
    """The number of learned parameters in the artifact."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Further facts for its record."""
    trials: list[dict[str, float]] = field(default_factory=list)
    """The settings tried on validation: setting, score, share lost; the report plots them as a curve."""


@dataclass(frozen=True)
class Method:
    """A compression method, declared in its file: ``METHOD = Method(compress, loops=("supervised",))``."""

    compress: Callable[Concatenate[CompressionContext, ...], CompressedModel]
    """Its keyword-only arguments are the method's knobs."""
    loops: tuple[str, ...]
    """The training loops whose models it accepts."""
    final: bool = False
    """Whether its output is a graph, which cannot be trained or compressed further."""
    student: bool = False
    """Whether it trains the smaller network that a model's row describes as its ``student``."""
    full_precision: bool = False
    """Whether it changes only the runtime, not the numbers: what graphs of the same runtime are compared with."""


def search(
    context: CompressionContext, name: str, settings: Sequence[float], make: Callable[[float], Any]
) -> tuple[float, list[dict[str, float]]]:
    """Try every setting on validation; return the strongest one up to which all stay within the budget, and all trials.

    A setting stronger than one that exceeds the budget would be within it only by chance.

    Args:
        name: the name of the setting in the trials.
        settings: from the gentlest to the strongest. The gentlest is returned even if it exceeds the budget.
        make: returns the compressed model of a setting.
    """
    trials = list(_tried(context, name, settings, make))
    return settings[max(_num_within(trials, context.max_relative_drop) - 1, 0)], trials


def _num_within(trials: Sequence[dict[str, float]], max_relative_drop: float) -> int:
    """Return the number of trials, from the first on, that stay within the budget."""
    # `not <=` instead of `>`, because NaN is not within the budget.
    return next(
        (number for number, trial in enumerate(trials) if not trial["lost"] <= max_relative_drop), len(trials)
    )


def _tried(
    context: CompressionContext, name: str, settings: Iterable[float], make: Callable[[float], Any]
) -> Iterable[dict[str, float]]:
    before = context.score(context.model)
    for setting in settings:
        score = context.score(make(setting))
        yield {name: setting, "score": score, "lost": context.lost(before, score)}


def trained(
    context: CompressionContext,
    name: str,
    trials: list[dict[str, float]],
    make: Callable[[nn.Module, float], nn.Module],
    tune: Callable[[nn.Module], None],
) -> nn.Module:
    """Train from the first setting that exceeds the budget on, and return the strongest network within the budget.

    Settings are tried in order and stop at the first that loses twice the budget after training: validation is noisy.
    Scores are added to ``trials``. If none is within the budget, the gentlest trained network is returned.

    Args:
        name: the name of the setting in the trials.
        make: returns the compressed network of a setting, from the network of the previous setting.
        tune: trains a compressed network in place.
    """
    num_within = _num_within(trials, context.max_relative_drop)
    best = make(context.model, trials[num_within - 1][name]) if num_within else None
    last = context.model if best is None else best
    before = context.score(context.model)
    for trial in trials[num_within:]:
        last = make(last, trial[name])
        tune(last)
        trial["tuned_score"] = context.score(last)
        trial["tuned_lost"] = context.lost(before, trial["tuned_score"])
        if best is None or trial["tuned_lost"] <= context.max_relative_drop:
            best = last
        if trial["tuned_lost"] > 2 * context.max_relative_drop:
            break
    assert best is not None
    return best


def network(model: nn.Module, **facts: Any) -> CompressedModel:
    """Return a modified network as the output of a method."""
    return CompressedModel("safetensors", model, count_parameters(model), facts)
