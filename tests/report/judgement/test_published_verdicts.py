"""Verdicts on published values: by hand, and how often they are wrong where nothing differs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from assay.report.inference.analysis import Estimate
from assay.report.inference.noise import LEVEL
from assay.report.judgement.published_verdicts import of_gap, verdict, verdicts
from assay.report.results.published import Published
from assay.report.results.summaries import Summary, score_of, squares
from tests.report.made_up import TASK, summaries_of

ITEMS = 10_000


def published(value: float, **more: Any) -> Published:
    given = {
        "value": value, "quoted_metric": "accuracy", "quoted_value": value, "model": "m", "protocol": "p",
        "source_url": "u", "seen_at_source": True, "comparable": True, "why": "w",
    }  # fmt: skip
    return Published.model_validate(given | more)


def summary(folder: Path, model: str, *scores: float | None) -> Summary:
    (found,) = summaries_of(folder, {(model, seed, "none"): score for seed, score in enumerate(scores)})
    return found


def estimate(mean: float, items: float) -> Estimate:
    """Return what is known of a mean whose variance over items is ``items``; no verdict looks at the interval."""
    return Estimate(mean, mean, mean, 1, "items", items)


def binomial(mean: float) -> Estimate:
    return estimate(mean, mean * (1 - mean) / ITEMS)


def test_a_model_without_a_seed_is_judged_by_the_binomial_of_both_runs(tmp_path: Path) -> None:
    svm = summary(tmp_path, "rbf_svm", 0.986)
    variance = 2 * 0.986 * 0.014 / ITEMS + 0.00005**2 / 3  # the source prints four digits
    found = verdict(svm, binomial(0.986), published(0.9834))
    assert found.name == "reproduced"
    assert found.p == pytest.approx(2 * stats.norm.sf(0.0026 / math.sqrt(variance)))
    assert found.detectable == pytest.approx(1.959964 * math.sqrt(variance))
    assert found.why == "0.26 points better, p = 0.12; 0.33 points or more would have been significant; w"
    assert verdict(svm, binomial(0.986), published(0.9811)).name == "above"
    assert verdict(svm, binomial(0.986), published(0.9911)).name == "below"


def test_seeds_count_with_one_run_of_the_published_model(tmp_path: Path) -> None:
    cnn = summary(tmp_path, "cnn", 0.90, 0.92, 0.94)
    certain = estimate(0.92, 1e-12)  # next to nothing beside the seeds
    found = verdict(cnn, certain, published(0.8601))
    rounding = 0.00005**2 / 3
    variance = 0.02**2 * (1 + 1 / 3) + rounding
    assert found.name == "reproduced"  # a gap of six points: three seeds that differ so much tell no less
    assert found.p == pytest.approx(2 * stats.t.sf(0.0599 / math.sqrt(variance), 2), rel=1e-4)
    assert found.detectable == pytest.approx(4.3027 * math.sqrt(variance), rel=1e-3)
    assert verdict(cnn, certain, published(0.8001)).name == "above"


def test_where_less_is_better_below_still_means_worse(tmp_path: Path) -> None:
    svm = summary(tmp_path, "rbf_svm", 0.5)
    task = replace(TASK, direction="minimise")
    found = verdict(replace(svm, task=task), binomial(0.5), published(0.4))
    assert found.name == "below"
    assert found.why.startswith("10.00 points worse, p < 0.001; ")


def test_one_seed_can_agree_but_not_differ(tmp_path: Path) -> None:
    cnn = summary(tmp_path, "cnn", 0.986)
    found = verdict(cnn, binomial(0.986), published(0.9851))
    assert found.name == "reproduced"
    assert (
        "from the test items alone; 0.33 points or more could not have been judged with one seed" in found.why
    )
    found = verdict(cnn, binomial(0.986), published(0.9511))
    assert (found.name, found.p) == ("not comparable", None)
    assert (
        "p < 0.001, from the test items alone; with one seed the variation between seeds is unknown"
        in found.why
    )


@pytest.mark.parametrize(
    ("model", "scores", "given", "more", "why"),
    [
        ("cnn", (0.9,), binomial(0.9), {"comparable": False, "why": "another split"}, "another split"),
        ("cnn", (None,), None, {}, "no seed has finished"),
        (
            "rbf_svm",
            (0.9,),
            None,
            {},
            "without its predictions on the test items the effect of chance is unknown",
        ),
        (
            "rbf_svm",
            (1.0,),
            binomial(1.0),
            {},
            "its score does not vary with the test items, so the effect of chance is unknown",
        ),
    ],
)
def test_says_why_nothing_can_be_compared(
    tmp_path: Path,
    model: str,
    scores: tuple[float | None, ...],
    given: Estimate | None,
    more: dict[str, Any],
    why: str,
) -> None:
    found = verdict(summary(tmp_path, model, *scores), given, published(0.95, **more))
    assert (found.name, found.why, found.p, found.detectable) == ("not comparable", why, None, None)


def test_fewer_training_items_are_not_comparable(tmp_path: Path) -> None:
    cnn = summary(tmp_path, "cnn", 0.9)
    fewer = replace(cnn, variants=tuple(replace(each, train_items=6000) for each in cnn.variants))
    found = verdict(fewer, binomial(0.9), published(0.9))
    assert (found.name, found.why) == ("not comparable", "trained on 6,000 items only; w")


def test_a_value_not_read_at_its_source_stays_marked(tmp_path: Path) -> None:
    svm = summary(tmp_path, "rbf_svm", 0.9)
    assert verdict(svm, binomial(0.9), published(0.9)).read_at_source
    assert not verdict(svm, binomial(0.9), published(0.9, seen_at_source=False)).read_at_source


def test_only_values_of_the_primary_metric_get_a_verdict(tmp_path: Path) -> None:
    scores = {(model, 0, "none"): 0.9 for model in ("majority", "cnn", "rbf_svm")}
    column = squares(summaries_of(tmp_path, dict(scores)), TASK)
    values = {"cnn": published(0.9, metric="bleu"), "rbf_svm": published(0.9), "lstm": published(0.9)}
    found = verdicts(column, TASK, values, {("rbf_svm", "none"): binomial(0.9)})
    assert {model: each.name for model, each in found.items()} == {"rbf_svm": "reproduced"}


def answers(
    rng: np.random.Generator, hardness: NDArray[np.float64], luck: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draw 0/1 scores (K, N) of runs with luck (K,), that of their seeds, on items with a hardness (N,)."""
    chances = 1 / (1 + np.exp(hardness - 2.0 - luck[:, None]))
    return (rng.random(chances.shape) < chances).astype(float)


def judged(scores: NDArray[np.float64], value: float) -> float:
    """Return p of the gap between runs (K, N) and a published value, from what a report knows of them."""
    score = score_of([float(run.mean()) for run in scores])
    assert score is not None
    items = float(scores.mean(0).var(ddof=1)) / scores.shape[1]
    return of_gap(score, items, 0.0005).chance(score.mean - value)


@pytest.mark.parametrize(
    ("seeds", "spread", "same_items", "least", "most"),
    [
        pytest.param(1, 0.0, False, 0.035, 0.065, id="no-seed"),
        pytest.param(1, 0.0, True, 0.0, 0.05, id="no-seed-same-items"),
        pytest.param(3, 0.0, False, 0.0, 0.05, id="seeds-matter-little"),
        pytest.param(3, 0.3, False, 0.02, 0.065, id="both-matter"),
        pytest.param(3, 1.0, False, 0.035, 0.065, id="seeds-matter-most"),
        pytest.param(3, 0.3, True, 0.01, 0.065, id="same-items"),
        pytest.param(5, 0.3, False, 0.02, 0.065, id="five-seeds"),
    ],
)
def test_calls_a_difference_where_there_is_none_as_often_as_it_says(
    seeds: int, spread: float, same_items: bool, least: float, most: float
) -> None:
    rng = np.random.default_rng(6)
    called = 0
    for _ in range(2000):
        hardness, others = rng.normal(0, 1.5, (2, 400))
        ours = answers(rng, hardness, rng.normal(0, spread, seeds))
        theirs = answers(rng, hardness if same_items else others, rng.normal(0, spread, 1))
        called += judged(ours, round(float(theirs.mean()), 3)) < LEVEL
    assert least <= called / 2000 <= most


def test_calls_a_difference_that_is_there() -> None:
    rng = np.random.default_rng(6)
    called = 0
    for _ in range(200):
        ours = answers(rng, rng.normal(0, 1.5, 2000), rng.normal(0, 0.05, 3))
        theirs = answers(rng, rng.normal(0.7, 1.5, 2000), rng.normal(0, 0.05, 1))
        called += judged(ours, round(float(theirs.mean()), 3)) < LEVEL
    assert called > 180
