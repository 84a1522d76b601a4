"""The primary metric of every kind of task can be recomputed from the table of predictions."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from assay.artifacts.predictors import EstimatorPredictor
from assay.config import registry
from assay.config.params import load_params
from assay.data import loading as datasets
from assay.data.preparation.tagged import NO_TAG
from assay.data.special_tokens import UNKNOWN
from assay.data.splits import Split
from assay.report.formatting import numbers as numbers_shown
from assay.tasks import (
    image_reconstruction,
    language_modelling,
    loading,
    masked_words,
    multi_task_classification,
    table_regression,
    tagging,
    translation,
)
from assay.tasks.metric import SummedMetric, read_columns
from assay.tasks.sequence_to_sequence import Answer, Pairs
from assay.training.estimator import fit

PARAMS = load_params(Path("params.yaml"))
ITEMS = np.array([9, 4, 7, 3, 8])
RNG = np.random.default_rng(0)


def classes() -> tuple[Any, Split]:
    return torch.randn(5, 3), Split(torch.zeros(5), torch.tensor([0, 1, 2, 1, 0]), ITEMS)


def classes_of_two_tasks() -> tuple[Any, Split]:
    targets = torch.tensor([[0, 0, 2], [1, 0, 2], [2, 2, 4], [3, 2, 4], [2, 2, 4]])
    groups = (("a", 0, 2), ("b", 2, 4))
    return torch.randn(5, 4), multi_task_classification.Grouped(torch.zeros(5), targets, ITEMS, groups=groups)


def missing_words() -> tuple[Any, Split]:
    split = masked_words.Texts(
        torch.zeros(5, 2), torch.tensor([6, 5, 6, 7, 6]), ITEMS, words=tuple("abcdefgh")
    )
    return masked_words.Answer(torch.randn(5, 8), []), split


def sentences() -> tuple[Any, Split]:
    targets = torch.tensor([[0, 1, 2], [1, 2, NO_TAG], [0, 0, 1], [0, 0, 0], [1, 1, NO_TAG]])
    words = tuple(("ann",) * length for length in (3, 2, 3, 3, 2))
    split = tagging.Sentences(
        torch.full((5, 3, 2), UNKNOWN), targets, ITEMS, words=words, classes=("O", "B-who", "I-who")
    )
    return torch.randn(5, 3, 3) + 2 * torch.nn.functional.one_hot(targets.clamp(0), 3), split


def windows() -> tuple[Any, Split]:
    answer = language_modelling.Answer(RNG.gamma(9, 2, 5), RNG.integers(3, 9, 5), None)
    return answer, Split(torch.zeros(5), torch.zeros(5), ITEMS)


def texts() -> tuple[Any, Split]:
    hypotheses = ["a man is asleep on a red couch", "two dogs run in the deep snow", "", "a red car", "rain"]
    true = [
        "a man sleeps on a red couch",
        "two dogs run in the deep snow",
        "a boy",
        "a red car parks",
        "rain",
    ]
    nothing = torch.zeros(5, 2, dtype=torch.int64)
    split = Pairs(nothing, nothing, ITEMS, sources=np.array(true), references=np.array(true))
    return Answer(hypotheses, true, np.ones(5), np.ones(5, np.int64)), split


def two_classes() -> tuple[Any, Split]:
    return torch.randn(5, 2), Split(torch.zeros(5), torch.tensor([0, 1, 1, 1, 0]), ITEMS)


def numbers() -> tuple[Any, Split]:
    split = table_regression.Numbers(torch.zeros(5), torch.randn(5, 1), ITEMS, mean=150.0, deviation=70.0)
    return torch.randn(5, 1), split


def visits() -> tuple[Any, Split]:
    answers, split = numbers()
    return answers, dataclasses.replace(split, units=np.array([12, 3, 3, 12, 3]))


def images() -> tuple[Any, Split]:
    given = torch.randn(5, 1, 3, 3)
    return given + 0.5 * torch.randn(5, 1, 3, 3), image_reconstruction.unlabelled(
        Split(given, torch.zeros(5), ITEMS)
    )


ANSWERS = {
    "table_classification": two_classes,
    "table_multiclass": classes,
    "table_regression": numbers,
    "repeated_visits": visits,
    "image_reconstruction": images,
    "image_classification": classes,
    "text_classification": classes,
    "multi_task_classification": classes_of_two_tasks,
    "masked_words": missing_words,
    "tagging": sentences,
    "word_tagging": sentences,
    "language_modelling": windows,
    "transduction": texts,
    "summarisation": texts,
    "translation": texts,
}


def of_control(kind: str, folder: Path) -> tuple[Any, Any]:
    """Return the answers of a kind's first control to the test items of a twin, and these."""
    task = loading.load(kind)
    row, entry = next((row, entry) for row, entry in PARAMS.tasks.items() if entry.kind == kind)
    dataset, prepared = datasets.load(entry.dataset), folder / f"{entry.dataset}{registry.TWIN}"
    dataset.make_twin(folder / "raw", 0)
    dataset.prepare(folder / "raw", prepared, seed=0, validation_fraction=0.2)
    splits = task.load(prepared, ("train", "test"))
    family = registry.load(registry.MODELS[task.controls[0]].target)
    provided = {**task.model_arguments(prepared), "seed": 0}
    named = inspect.signature(family).parameters
    arguments = {name: provided[name] for name in provided if name in named}
    model = family(**arguments, **PARAMS.knobs_of(row, task.controls[0]))
    fit(model, splits["train"], threads=1)
    predictor = EstimatorPredictor(model, {"format": "skops", "parameters": 1, "arguments": arguments})
    return task.predict(predictor, splits["test"]), splits["test"]


@pytest.mark.parametrize("kind", registry.TASKS)
def test_a_controls_predictions_give_its_score(kind: str, tmp_path: Path) -> None:
    check(loading.load(kind), *of_control(kind, tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("kind", "metric"), [(kind, metric) for kind in ANSWERS for metric in registry.TASKS[kind].metrics]
)
def test_predictions_give_the_score(kind: str, metric: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    expected = check(loading.load(kind, metric), *ANSWERS[kind](), tmp_path)
    assert expected < (loading.load(kind, metric).primary.highest or np.inf)


@pytest.mark.parametrize("kind", registry.TASKS)
def test_a_task_has_the_metrics_that_it_names(kind: str) -> None:
    task = loading.load(kind)
    assert {each.name for each in task.primary_metrics} >= set(registry.TASKS[kind].metrics)
    assert task.primary.name == registry.TASKS[kind].metrics[0]


def check(task: Any, answer: Any, split: Any, folder: Path) -> float:
    """Compute the primary metric from the table of predictions in every way; return the task's own value."""
    metric = task.primary
    task.predictions(answer, split).to_parquet(folder / "predictions.parquet")
    values = task.compute_metrics(answer, split)
    undeclared = {name for name in values if not numbers_shown.declared_as(name)}
    assert not undeclared, "METRICS of the task's file lacks them"
    expected = values[metric.name]
    assert expected is not None
    table = pd.read_parquet(folder / "predictions.parquet", columns=read_columns(metric))
    assert len(table) == len(split)
    arrays = metric.arrays(table)
    assert {len(each) for each in arrays} == {table[metric.unit].nunique()}
    assert metric.value(arrays) == pytest.approx(expected, rel=1e-6)
    if isinstance(metric, SummedMetric):
        sums = metric.counts(table).sum(axis=0)
        assert metric.of_sums(sums) == pytest.approx(expected, rel=1e-6)
        twice = np.stack([sums, sums])[:, None]  # (2, 1, S)
        assert metric.of_sums(twice) == pytest.approx(np.full((2, 1), expected), rel=1e-6)
    return expected


def test_f1_without_entities_is_zero() -> None:
    assert tagging.f1_of(np.zeros((2, 3))).tolist() == [0, 0]


def test_bleu_of_many_sums_equals_sacrebleus() -> None:
    ngrams = RNG.integers(0, 12, (400, 4))
    sums = np.concatenate([RNG.integers(0, ngrams + 1), ngrams, RNG.integers(0, 40, (400, 2))], axis=1)
    expected = [
        BLEU.compute_bleu(row[:4], row[4:8], row[8], row[9], smooth_method="exp").score
        for row in sums.tolist()
    ]
    assert translation.bleu_of(sums) == pytest.approx(expected)
    assert 0 < np.count_nonzero(expected) < 400


def test_chrf_of_sums_equals_sacrebleus() -> None:
    answer, split = texts()
    sums = translation.chrf_statistics(answer.hypotheses, split).sum(axis=0).astype(float)
    expected = CHRF().corpus_score(answer.hypotheses, [list(split.references)]).score
    assert translation.chrf_of(sums) == pytest.approx(expected)
