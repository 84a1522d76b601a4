"""Tests and intervals, compared with published examples and other programs, and simulated on 1,000 tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from assay.report.inference import statistics
from assay.report.inference.comparisons import Differences
from assay.report.inference.statistics import Spread
from assay.tasks.metric import ratio
from tests.report.inference.simulation import interval, pairs


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def spread_of(correct: np.ndarray, runs: list[int]) -> Spread:
    """Return the spread of models from which items each of their runs has correct, (V, N)."""
    values, drawn = statistics.resample(
        [correct.astype(np.uint8), np.ones_like(correct, np.uint8)], ratio, rng()
    )
    return statistics.spread(values, drawn, np.array(runs), correct.shape[1])


def pair(found: Spread) -> Differences:
    return pairs(found, np.array([0]), np.array([1]))


def test_mcnemar_of_a_published_example() -> None:
    """Fagerland et al., BMC Medical Research Methodology 2013, https://doi.org/10.1186/1471-2288-13-91, table 1:
    of 21 children 7 changed one way and 1 the other; by the exact conditional test p = 0.0703."""
    assert statistics.mcnemar(np.array([7]), np.array([1])) == pytest.approx([0.0703], abs=5e-5)


def test_mcnemar_equals_that_of_statsmodels() -> None:
    ours, theirs = rng().integers(0, 40, (2, 60))
    ours[:2], theirs[:2] = [0, 5], [0, 5]
    expected = [mcnemar([[9, a], [b, 9]], exact=True).pvalue for a, b in zip(ours, theirs, strict=True)]
    assert statistics.mcnemar(ours, theirs) == pytest.approx(expected)


def test_holm_of_a_published_example() -> None:
    """Demšar, JMLR 2006, section 3.2.2: of 0.016, 0.019 and 0.607 the first two are below 0.05 / 3 and 0.05 / 2."""
    corrected = statistics.holm(np.array([0.607, 0.016, 0.019]))
    assert corrected == pytest.approx([0.607, 3 * 0.016, 3 * 0.016])
    assert (corrected <= 0.05).tolist() == [False, True, True]
    assert statistics.holm(np.array([])).tolist() == []


def test_holm_equals_that_of_statsmodels() -> None:
    p = rng().random(30) ** 3
    p[3] = p[7]
    assert statistics.holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_the_same_items_are_sampled_for_all_runs_and_blocks() -> None:
    counts = [rng(1).integers(0, 5, (7, 30)), np.ones((7, 30), np.uint8), rng(2).random((7, 30))]

    def of_sums(sums: np.ndarray) -> np.ndarray:
        return sums[..., 0] * sums[..., 2] / sums[..., 1]

    values, drawn = statistics.resample(counts, of_sums, rng(3), 40)
    weights = statistics.draw(30, 40, rng(3)).astype(float)
    assert (weights.sum(axis=1) == 30).all()
    sums = np.stack([each @ weights.T for each in counts], axis=-1)  # (7, 40, 3)
    assert drawn == pytest.approx(of_sums(sums))
    assert values == pytest.approx(of_sums(np.stack([each.sum(axis=1) for each in counts], axis=-1)))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [rng(1).integers(0, 2, (9, 50), dtype=np.uint8), np.ones((9, 50), np.uint8)]
    whole = statistics.resample(counts, ratio, rng(), 30)
    monkeypatch.setattr(statistics, "BLOCK", 200)
    for ours, theirs in zip(statistics.resample(counts, ratio, rng(), 30), whole, strict=True):
        assert (ours == theirs).all()


def test_large_counts_are_summed_exactly() -> None:
    counts = [np.full((2, 1000), 2**24 + 1, np.int64), np.ones((2, 1000), np.uint8)]
    _, drawn = statistics.resample(counts, ratio, rng(), 5)
    assert (drawn == 2**24 + 1).all()


def test_equal_runs_count_as_one() -> None:
    correct = rng().random((1, 400)) < 0.8
    one, three = spread_of(correct, [1]), spread_of(correct.repeat(3, axis=0), [3])
    assert three.items == pytest.approx(one.items)
    assert (three.between.item(), three.both.item()) == pytest.approx((0, 0), abs=1e-12)
    expected = correct.mean() * (1 - correct.mean()) / 399
    assert one.items == pytest.approx(
        [expected], rel=0.15
    )  # a variance from 1,000 draws: 4.5% off, one sigma


def test_the_interaction_of_seeds_and_items_is_estimated() -> None:
    """Runs that are correct at random, independently: all variation between them is on single items."""
    found = spread_of(rng().random((300 * 3, 500)) < 0.7, [3] * 300)
    whole = 0.7 * 0.3 / 500 / 3
    assert found.items.mean() == pytest.approx(whole, rel=0.05)
    assert found.both.mean() == pytest.approx(whole, rel=0.05)
    assert found.between.mean() == pytest.approx(whole, rel=0.15)


def test_a_variance_from_few_items_is_not_too_small() -> None:
    found = spread_of(rng().random((3000, 6)) < 0.5, [1] * 3000)
    assert found.items.mean() == pytest.approx(0.25 / 6, rel=0.03)


def test_one_run_each_is_the_paired_t_test_of_scipy() -> None:
    scores = rng().normal(0.5, 0.2, (2, 400)) + rng(1).normal(0, 0.4, 400)
    values, drawn = statistics.resample([scores, np.ones(scores.shape, np.uint8)], ratio, rng(), 4000)
    found = pair(statistics.spread(values, drawn, np.array([1, 1]), 400))
    expected = stats.ttest_rel(*scores)
    size = np.abs(found.size / np.sqrt(found.items))
    assert size == pytest.approx([abs(expected.statistic)], rel=0.03)
    assert found.p == pytest.approx(2 * stats.t.sf(size, 399))


def test_a_p_value_is_the_level_at_which_the_interval_ends_at_zero() -> None:
    correct = rng().random((80, 300)) < np.repeat(rng(1).uniform(0.6, 0.9, 20), 4)[:, None]
    found = spread_of(correct, [4] * 20)
    compared = pairs(found, *np.triu_indices(20, 1))
    p = compared.p
    assert np.isfinite(p).all()
    for row in np.flatnonzero(p > 1e-12):
        one = compared.take(np.array([row]))
        assert one.reach(float(p[row])) == pytest.approx([abs(compared.size[row])], rel=1e-6)
    assert (p < 1e-3).any()
    assert (p > 0.5).any()


def test_models_with_equal_predictions_do_not_differ() -> None:
    correct = rng().random((1, 100)) < 0.8
    assert pair(spread_of(correct.repeat(4, axis=0), [2, 2])).p.tolist() == [1.0]


def test_runs_that_lose_equally_few_items_are_not_highly_significant() -> None:
    """Each of two runs loses two items of its own: no run differs from the other, and yet four items are few."""
    before = np.ones((2, 1000), bool)
    after = before.copy()
    after[0, :2] = after[1, 2:4] = False
    _, drawn = statistics.resample([(before * 1.0 - after), np.ones((2, 1000))], ratio, rng(), 4000)
    found = statistics.spread(np.full(2, 0.002), drawn, np.array([2]), 1000)
    assert found.between == pytest.approx([0])
    p = statistics.p_values(found.mean, found.items, 1000)
    assert p == pytest.approx([0.046], abs=0.01)  # 4 to 0 is z = 2


def test_an_accuracy_of_one_run_has_wilsons_interval() -> None:
    correct = rng().random((1, 500)) < 0.93
    found = spread_of(correct, [1])
    low, high = interval(found, 1)
    expected = proportion_confint(correct.sum(), 500, method="wilson")
    assert (low.item(), high.item()) == pytest.approx(expected, abs=0.002)


def test_an_accuracy_of_one_still_has_an_interval() -> None:
    found = spread_of(np.ones((6, 300), bool), [3, 3])
    for highest in (1, 100):
        low, high = statistics.bounded(highest * found.mean, 0 * found.mean, 300, highest)
        expected = proportion_confint(300, 300, method="wilson")
        assert (low[0] / highest, high[0] / highest) == pytest.approx(expected)


def binned_auroc(sums: np.ndarray) -> np.ndarray:
    """AUROC of two bins of scores from the sums (..., 4) of negatives low, high, and positives low, high."""
    negative, positive = sums[..., :2], sums[..., 2:]
    wins = positive[..., 1] * negative[..., 0] + (positive * negative).sum(axis=-1) / 2
    return wins / (positive.sum(axis=-1) * negative.sum(axis=-1))


POSITIVE = np.arange(190) % 2
SCORES = rng().random(190)


@pytest.mark.parametrize(
    ("counts", "of_sums", "highest"),
    [
        ([0 * POSITIVE, 1 - POSITIVE, 0 * POSITIVE, POSITIVE], binned_auroc, 1),
        ([np.full(190, 0.1), np.ones(190)], ratio, 1),
        ([np.full(190, 0.1), np.ones(190)], ratio, None),
        ([0.3 * SCORES, SCORES], ratio, 1),
        ([np.full(190, 30.0), np.ones(190)], ratio, 100),
        ([np.zeros(190), np.ones(190)], ratio, None),
    ],
    ids=["AUROC of a constant", "equal", "equal, no bound", "proportional", "of 100", "0, no bound"],
)
@pytest.mark.parametrize("runs", [1, 3])
def test_a_score_that_cannot_vary_has_no_interval(
    counts: list[np.ndarray], of_sums: Callable[[np.ndarray], np.ndarray], highest: float | None, runs: int
) -> None:
    repeated = [np.tile(each, (runs, 1)) for each in counts]
    found = statistics.spread(*statistics.resample(repeated, of_sums, rng()), np.array([runs]), 190)
    assert np.isnan(interval(found, highest)).all()


def test_a_recomputed_metric_at_its_end_has_no_interval() -> None:
    """A sum has one because the next item may be incorrect; for other metrics the effect of one item is unknown."""
    found = spread_of(np.ones((1, 300), bool), [1])
    assert np.isnan(interval(found, 1, summed=False)).all()


@pytest.mark.parametrize("num_items", [1, 2, 10, 300])
def test_a_difference_that_cannot_vary_has_the_p_value_of_the_sign_test(num_items: int) -> None:
    scores = np.array([[0.3], [0.4]]).repeat(num_items, axis=1)
    values, drawn = statistics.resample([scores, np.ones_like(scores)], ratio, rng())
    found = pair(statistics.spread(values, drawn, np.array([1, 1]), num_items))
    expected = statistics.mcnemar(np.array([0]), np.array([num_items]))
    assert found.p == pytest.approx(expected, abs=0)


def test_a_single_item_breaks_nothing() -> None:
    found = spread_of(np.array([[True], [False], [True]]), [2, 1])
    assert np.isfinite(interval(found, 1)).all()
    assert 0 <= pair(found).p.item() <= 1


# Simulation of 1,000 tables in which no model is better than another. A rate of 5% is then one of 3.4% to 6.6%
# at 2.33 deviations, a coverage of 95% one of 93.4% to 96.6%.

TABLES, MODELS, ITEMS, SAMPLES = 1000, 3, 300, 500
MOST, LEAST = 0.05 + 0.016, 0.05 - 0.016
PAIRS = np.array(list(combinations(range(MODELS), 2)))


@dataclass(frozen=True)
class Case:
    """How the predictions of models are simulated."""

    runs: int
    correct: float
    """Expected share of correct predictions."""
    by_seed: float
    """Standard deviation of that share over seeds."""
    by_item: float
    """The part of an item's difficulty that is the same for all models and seeds."""
    f1: bool = False


def tables(case: Case) -> tuple[list[np.ndarray], float]:
    """Return the metric's counts of tables x models x runs, each (V, N), and the true metric of all of them."""
    random = rng(1)
    share = case.correct + case.by_seed * random.standard_normal((TABLES, MODELS, case.runs, 1), np.float32)
    hard = np.sqrt(case.by_item) * random.standard_normal((TABLES, 1, 1, ITEMS), np.float32)
    own = random.standard_normal((TABLES, MODELS, case.runs, ITEMS), np.float32)
    easy = stats.norm.ppf(np.clip(share, 1e-3, 1 - 1e-3)).astype(np.float32)
    correct = (hard + np.sqrt(1 - case.by_item) * own < easy).reshape(-1, ITEMS).astype(np.uint8)
    if not case.f1:
        return [correct, np.ones_like(correct)], case.correct
    spurious = random.random(correct.shape, np.float32) < 0.2  # an entity that does not exist
    seeds = case.correct + case.by_seed * random.standard_normal(1_000_000)
    return [correct, correct + spurious, np.ones_like(correct)], float((2 * seeds / (seeds + 0.2 + 1)).mean())


def f1(sums: np.ndarray) -> np.ndarray:
    return 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2])


def simulate(case: Case) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the coverage of intervals, and the p-values (tables, pairs) of the bootstrap and of McNemar's test."""
    counts, truth = tables(case)
    values, drawn = statistics.resample(counts, f1 if case.f1 else ratio, rng(), SAMPLES)
    found = statistics.spread(values, drawn, np.full(TABLES * MODELS, case.runs), ITEMS)
    covered, p = [], []
    for rows in np.split(np.arange(TABLES * MODELS), TABLES):
        table = found.take(rows)
        low, high = interval(table, 1)
        covered.append((low <= truth) & (truth <= high))
        p.append(pairs(table, PAIRS[:, 0], PAIRS[:, 1]).p)
    correct = counts[0].reshape(TABLES, MODELS, case.runs, ITEMS)[:, :, 0].astype(bool)
    ours, theirs = (correct[:, PAIRS[:, side]] for side in (0, 1))
    exact = statistics.mcnemar((ours & ~theirs).sum(axis=2), (theirs & ~ours).sum(axis=2))
    return float(np.mean(covered)), np.array(p), exact


def false_positives(p: np.ndarray) -> float:
    """Return the share of tables with a significant pair, by the first of Holm's steps."""
    return float((p.min(axis=1) <= 0.05 / len(PAIRS)).mean())


@pytest.mark.parametrize(
    "case",
    [
        Case(1, 0.9, 0, 0.8),
        Case(1, 0.7, 0, 0.5, f1=True),
    ],
    ids=["accuracy", "f1"],
)
def test_coverage_and_level_of_one_run_are_nominal(case: Case) -> None:
    coverage, p, exact = simulate(case)
    assert 0.95 - 0.016 < coverage < 0.95 + 0.016
    assert LEAST < (p[:, 0] <= 0.05).mean() < MOST
    assert 0.5 * LEAST < false_positives(p) < MOST
    if not case.f1:
        assert 0.5 * LEAST < (exact[:, 0] <= 0.05).mean() < MOST
        assert false_positives(exact) < MOST


@pytest.mark.parametrize(
    ("case", "holds"),
    [
        (Case(3, 0.9, 0, 0.95), 0.016),
        (Case(3, 0.7, 0.15, 0.8), 0.016),
        (Case(3, 0.7, 0, 0.95, f1=True), 0.016),
        (Case(3, 0.6, 0.15, 0.5, f1=True), 0.016),
        # Both matter: neither part can be left out, and three seeds give a poor estimate of theirs.
        (Case(3, 0.9, 0.02, 0.5), 0.025),
        (Case(3, 0.9, 0.02, 0.95), 0.025),
    ],
    ids=["items", "seeds", "items f1", "seeds f1", "both", "mostly items"],
)
def test_coverage_and_level_of_three_seeds_are_nominal(case: Case, holds: float) -> None:
    coverage, p, _ = simulate(case)
    assert 0.95 - holds < coverage < 0.95 + holds
    assert 0.1 * LEAST < (p[:, 0] <= 0.05).mean() < MOST
    assert (p <= 0.01).mean() < 0.01 + 0.005
    assert false_positives(p) < MOST


def test_runs_that_differ_only_on_single_items_are_seldom_told_apart() -> None:
    """Of three models, one task says little about how much of the variation between runs more items would remove."""
    coverage, p, _ = simulate(Case(3, 0.9, 0, 0.3))
    assert 0.95 - 0.016 < coverage < 1
    assert (p[:, 0] <= 0.05).mean() < MOST
    assert false_positives(p) < MOST
