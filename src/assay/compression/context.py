# SPDX-License-Identifier: Apache-2.0
"""What a method of compression is given, what it leaves, and how it chooses: on validation, within a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate

import torch
from torch import Tensor, nn

from assay.artifacts.predictors import EstimatorPredictor, ModulePredictor, Predictor
from assay.artifacts.store import count_parameters
from assay.config.training import TrainerParams, TrainingParams
from assay.data.splits import Split
from assay.tasks.protocol import Augment, Objective
from assay.training import supervised

VALIDATION_ITEMS = 256
"""Items in one forward pass: the logits of all items of a language model would not fit into memory."""

EXAMPLES = 8


@dataclass(frozen=True)
class CompressionContext:
    """A trained model with what its compression may learn from: never test items."""

    model: Any
    """A network in evaluation mode, or an estimator; no method modifies it."""
    record: dict[str, Any]
    """Of its artifact: class, arguments, format."""
    cell: dict[str, Any]
    """What training it was asked to do."""
    task: Objective
    splits: dict[str, Split]
    """``train``, of the items that it learned from, and ``validation``."""
    augment: Augment | None
    folder: Path
    """Where an interrupted fine-tuning keeps its checkpoint."""
    max_relative_drop: float
    """The budget: the share of the uncompressed model's score on validation that may be lost."""
    student: dict[str, Any] | None = None
    """The arguments in which the smaller network differs that is trained in the model's place, if its row has one."""

    @property
    def examples(self) -> Tensor:
        """A few training inputs (``EXAMPLES``, ...), by which a network is traced; fewer if there are fewer."""
        return self.splits["train"].inputs[:EXAMPLES]

    def score(self, model: Any) -> float:
        """Return what training watches of the answers of a network, an estimator or a predictor to the validation
        items."""
        predictor: Predictor = model
        if isinstance(model, nn.Module):
            predictor = ModulePredictor(model, self._plain)
        elif not isinstance(model, Predictor):
            predictor = EstimatorPredictor(model, self._plain)
        split = self.splits["validation"]
        if split.lengths is not None:  # else every slice would be as wide as the longest item
            split = split.take(split.lengths.argsort(stable=True))
        sums = [
            self.task.metric_state(torch.from_numpy(predictor.outputs(batch.inputs.numpy())), batch.targets)
            for batch in split.batches(VALIDATION_ITEMS)
        ]
        return self.task.compute_watched(torch.stack(sums).sum(dim=0))[1]

    def lost(self, before: float, after: float) -> float:
        """Return the share of a score that was lost; negative where the compressed model is better."""
        rank = self.task.watched.rank
        return (rank(before) - rank(after)) / max(abs(before), 1e-12)

    def fine_tune(self, model: nn.Module, *, share: float, rate: float) -> None:
        """Train ``model``, a changed copy of the subject's, in place; its best epoch on validation is kept.

        Args:
            share: of the optimizer steps of the cell's training; more than 1 trains for longer.
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

    @property
    def _plain(self) -> dict[str, Any]:
        return {"format": "safetensors", "parameters": 0, "arguments": self.record["arguments"]}


@dataclass(frozen=True)
class CompressedModel:
    """What a method leaves."""

    format: str
    """A key of ``formats.FORMATS``, in which ``model`` is written."""
    model: Any
    parameters: int
    """Numbers that the artifact holds of what was learned."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What else its record says."""
    trials: list[dict[str, float]] = field(default_factory=list)
    """What was tried on validation: a setting, the score, the share lost; the report draws them as a curve."""


@dataclass(frozen=True)
class Method:
    """A way to compress, as its file declares it: ``METHOD = Method(compress, loops=("supervised",))``."""

    compress: Callable[Concatenate[CompressionContext, ...], CompressedModel]
    """Its keyword-only arguments are the method's knobs."""
    loops: tuple[str, ...]
    """The training loops whose models it takes."""
    final: bool = False
    """Whether what it leaves can only be run: a graph is not trained or taken apart."""
    student: bool = False
    """Whether it trains the smaller network that a model's row describes as its ``student``."""


def search(
    subject: CompressionContext, name: str, settings: Sequence[float], make: Callable[[float], Any]
) -> tuple[float, list[dict[str, float]]]:
    """Try every setting on validation; return the strongest one up to which all stay within the budget, and all trials.

    One beyond a gentler one that leaves it would be there by chance.

    Args:
        name: of the setting in the trials.
        settings: from the gentlest to the strongest. If that leaves the budget already it is returned all the same.
        make: returns the compressed model of a setting.
    """
    trials = list(_tried(subject, name, settings, make))
    return settings[max(_num_within(trials, subject.max_relative_drop) - 1, 0)], trials


def _num_within(trials: Sequence[dict[str, float]], max_relative_drop: float) -> int:
    """Return how many trials, from the first on, stay within the budget."""
    # Not: is larger. What is not a number is not within the budget.
    return next(
        (number for number, trial in enumerate(trials) if not trial["lost"] <= max_relative_drop), len(trials)
    )


def _tried(
    subject: CompressionContext, name: str, settings: Iterable[float], make: Callable[[float], Any]
) -> Iterable[dict[str, float]]:
    before = subject.score(subject.model)
    for setting in settings:
        score = subject.score(make(setting))
        yield {name: setting, "score": score, "lost": subject.lost(before, score)}


def trained(
    subject: CompressionContext,
    name: str,
    trials: list[dict[str, float]],
    make: Callable[[nn.Module, float], nn.Module],
    tune: Callable[[nn.Module], None],
) -> nn.Module:
    """Train from the first setting on that leaves the budget, and return the strongest network that is within it.

    Settings are taken in turn; the first that, trained, still loses twice the budget is the last: validation is noisy.
    Scores are added to ``trials``. If none is within the budget the gentlest trained network is returned.

    Args:
        name: of the setting in the trials.
        make: returns the compressed network of a setting; it is given the network that the setting before left.
        tune: trains a compressed network in place.
    """
    num_within = _num_within(trials, subject.max_relative_drop)
    best = make(subject.model, trials[num_within - 1][name]) if num_within else None
    last = subject.model if best is None else best
    before = subject.score(subject.model)
    for trial in trials[num_within:]:
        last = make(last, trial[name])
        tune(last)
        trial["tuned_score"] = subject.score(last)
        trial["tuned_lost"] = subject.lost(before, trial["tuned_score"])
        if best is None or trial["tuned_lost"] <= subject.max_relative_drop:
            best = last
        if trial["tuned_lost"] > 2 * subject.max_relative_drop:
            break
    assert best is not None
    return best


def network(model: nn.Module, **facts: Any) -> CompressedModel:
    """Return a changed network as what a method leaves."""
    return CompressedModel("safetensors", model, count_parameters(model), facts)
