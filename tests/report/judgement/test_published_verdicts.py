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

from assay.report.inference.analysis import Analysis, Estimate
from assay.report.inference.noise import LEVEL
from assay.report.judgement.published_verdicts import Verdict, gap, gaps, of_gap, verdicts
from assay.report.results.published import Published
from assay.report.results.summaries import Summary, score_of, squares
from tests.report.made_up import TASK, summaries_of

ITEMS = 10_000
NOTHING = Analysis({}, {}, {}, (), {}, {})
MARGIN = 0.005


def published(value: float, **more: Any) -> Published:
    given = {
        "value": value, "quoted_metric": "accuracy", "quoted_value": value, "model": "m", "protocol": "p",
        "source_url": "u", "seen_at_source": True, "comparable": True, "margin": MARGIN, "why": "w",
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


def verdict(of: Summary, given: Estimate | None, value: Published) -> Verdict:
    """Return the verdict on a value that is the only one of its report."""
    estimates = {(of.model.name, of.method): given} if given else {}
    analysis = replace(NOTHING, estimates=estimates, num_items=ITEMS, num_units=ITEMS)
    return verdicts({("digits", of.model.name): gap(of, analysis, value)})["digits", of.model.name]


def test_a_model_without_a_seed_is_judged_by_the_binomial_of_both_runs(tmp_path: Path) -> None:
    svm = summary(tmp_path, "rbf_svm", 0.986)
    variance = 2 * 0.986 * 0.014 / ITEMS + 0.00005**2 / 3  # the source prints four digits
    found = verdict(svm, binomial(0.986), published(0.9844))
    assert (found.name, found.margin) == ("reproduced", MARGIN)
    assert found.p == pytest.approx(stats.norm.sf((MARGIN - 0.0016) / math.sqrt(variance)), rel=1e-4)
    assert found.why == "0.16 points better; the margin is 0.50 points, p = 0.02; w"
    assert verdict(svm, binomial(0.986), published(0.9711)).name == "above"
    assert verdict(svm, binomial(0.986), published(0.9989)).name == "below"


def test_a_gap_near_the_margin_is_undecided_and_says_when_no_number_of_items_would_do(tmp_path: Path) -> None:
    """The published run stays one run on its test set, however many items ours has."""
    svm = summary(tmp_path, "rbf_svm", 0.986)
    for value in (0.9835, 0.9811):
        found = verdict(svm, binomial(0.986), published(value))
        assert (found.name, found.needed_items, found.needed_seeds) == ("undecided", None, None)
        assert "no number of items or seeds alone would decide" in found.why


def test_seeds_count_with_one_run_of_the_published_model(tmp_path: Path) -> None:
    cnn = summary(tmp_path, "cnn", 0.90, 0.92, 0.94)
    certain = estimate(0.92, 1e-12)  # next to nothing beside the seeds
    found = verdict(cnn, certain, published(0.8601))
    assert found.name == "undecided"  # a gap of six points: three seeds that differ so much tell no less
    variance = 0.02**2 * (1 + 1 / 3) + 0.00005**2 / 3
    assert found.p == pytest.approx(stats.t.sf((0.0599 - MARGIN) / math.sqrt(variance), 2), rel=1e-4)
    assert found.needed_seeds is not None
    assert verdict(cnn, certain, published(0.7001)).name == "above"
    alike = summary(tmp_path / "alike", "cnn", 0.9199, 0.92, 0.9201)
    assert verdict(alike, certain, published(0.9201)).name == "reproduced"


def test_where_less_is_better_below_still_means_worse(tmp_path: Path) -> None:
    svm = summary(tmp_path, "rbf_svm", 0.5)
    task = replace(TASK, direction="minimise")
    found = verdict(replace(svm, task=task), binomial(0.5), published(0.4))
    assert found.name == "below"
    assert found.why.startswith("10.00 points worse; the margin is 0.50 points, p < 0.001; ")


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    cnn = summary(tmp_path, "cnn", 0.986)
    for value in (0.9861, 0.9511):
        found = verdict(cnn, binomial(0.986), published(value))
        assert (found.name, found.p, found.needed_seeds) == ("undecided", None, 3)
        assert "one run says nothing of the variation between seeds" in found.why


def test_the_verdicts_of_a_report_are_corrected_for_their_number(tmp_path: Path) -> None:
    svm = summary(tmp_path, "rbf_svm", 0.986)
    analysis = replace(NOTHING, estimates={("rbf_svm", "none"): binomial(0.986)}, num_units=ITEMS)
    close, near = published(0.986), published(0.9844)
    alone = gap(svm, analysis, near).noise.chance_above(MARGIN - 0.0016)
    found = verdicts({("a", "rbf_svm"): gap(svm, analysis, near), ("b", "rbf_svm"): gap(svm, analysis, near),
                      ("c", "rbf_svm"): gap(svm, analysis, close)})  # fmt: skip
    assert found["a", "rbf_svm"].p == pytest.approx(2 * alone)
    assert found["a", "rbf_svm"].name == "reproduced"
    many = {(str(task), "rbf_svm"): gap(svm, analysis, near) for task in range(20)}
    assert {each.name for each in verdicts(many).values()} == {"undecided"}


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
    assert (found.name, found.why, found.p, found.margin) == ("not comparable", why, None, None)


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
    assert gaps(column, TASK, values, NOTHING).keys() == {"rbf_svm"}


def answers(
    rng: np.random.Generator, hardness: NDArray[np.float64], luck: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draw 0/1 scores (K, N) of runs with luck (K,), that of their seeds, on items with a hardness (N,)."""
    chances = 1 / (1 + np.exp(hardness - 2.0 - luck[:, None]))
    return (rng.random(chances.shape) < chances).astype(float)


def judged(scores: NDArray[np.float64], value: float, margin: float) -> float:
    """Return the one-sided p-value of runs (K, N) beside a published value; below 0 if the gap is outside."""
    score = score_of([float(run.mean()) for run in scores])
    assert score is not None
    items = float(scores.mean(0).var(ddof=1)) / scores.shape[1]
    distance = margin - abs(score.mean - value)
    return math.copysign(of_gap(score, items, 0.0005).chance_above(abs(distance)), distance)


@pytest.mark.parametrize(
    ("seeds", "spread", "same_items"),
    [
        pytest.param(1, 0.0, False, id="no-seed"),
        pytest.param(1, 0.0, True, id="no-seed-same-items"),
        pytest.param(3, 0.0, False, id="seeds-matter-little"),
        pytest.param(3, 0.3, False, id="both-matter"),
        pytest.param(3, 1.0, False, id="seeds-matter-most"),
        pytest.param(5, 0.3, False, id="five-seeds"),
    ],
)
def test_a_model_as_far_off_as_the_margin_is_seldom_reproduced(
    seeds: int, spread: float, same_items: bool
) -> None:
    """The published model is better by exactly the margin, on average over runs and items."""
    rng = np.random.default_rng(6)
    shift = 0.4
    many = rng.normal(0, 1.5, 400_000)
    luck = rng.normal(0, spread, 400_000)
    margin = float(
        (1 / (1 + np.exp(many - 2 - shift - luck))).mean() - (1 / (1 + np.exp(many - 2 - luck))).mean()
    )
    wrong = 0
    for _ in range(1500):
        hardness, others = rng.normal(0, 1.5, (2, 400))
        ours = answers(rng, hardness, rng.normal(0, spread, seeds))
        theirs = answers(rng, hardness if same_items else others, shift + rng.normal(0, spread, 1))
        p = judged(ours, round(float(theirs.mean()), 3), margin)
        wrong += 0 <= p <= LEVEL
    assert wrong / 1500 <= stats.binom.ppf(0.999, 1500, 0.05) / 1500


def test_equal_models_are_reproduced_with_enough_items() -> None:
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(100):
        ours = answers(rng, rng.normal(0, 1.5, 10_000), rng.normal(0, 0.02, 3))
        theirs = answers(rng, rng.normal(0, 1.5, 10_000), rng.normal(0, 0.02, 1))
        found += 0 <= judged(ours, round(float(theirs.mean()), 3), 0.03) <= LEVEL
    assert found > 80
